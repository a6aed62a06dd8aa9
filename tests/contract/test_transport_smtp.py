"""The SMTP transport against a real server that misbehaves: what each fault means, and how the next message fares."""

import asyncio
import datetime
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from newsletter.errors import ConfigError, TryLater
from newsletter.model import Message, Receipt
from newsletter.transports.smtp import SmtpTransport
from tests.smtpd import Manners, Relay, relay


def letter(recipient: str, sender: str = "desk@news.example.org", size: int = 300) -> Message:
    return Message(sender, recipient, "<i.1@news.example.org>", (b"Subject: Hello\r\n\r\n", b"x" * size, b"\r\n"))


def transport_to(server: Relay, **settings: Any) -> SmtpTransport:
    usual: dict[str, Any] = {"local_hostname": "desk.test", "security": "none", "connections": 2, "timeout": 20}
    return SmtpTransport("127.0.0.1", server.port, **usual | settings)


async def send(server: Relay, *recipients: str, **settings: Any) -> list[Receipt]:
    """One message after the other on one transport."""
    transport = transport_to(server, **settings)
    receipts = [await transport.hand_over(letter(recipient)) for recipient in recipients]
    await transport.close()
    return receipts


@pytest.fixture
def server() -> Iterator[Relay]:
    with relay() as running:
        yield running


# --- What an answer means ---


@pytest.mark.parametrize(("recipient", "outcome", "code", "enhanced"), [
    ("ann@example.org", "sent", 250, "2.0.0"),
    ("odd@example.org", "sent", 299, ""),
    ("temperror@example.org", "deferred", 451, "4.3.0"),
    ("permerror@example.org", "refused", 550, "5.1.1"),
    ("busy@example.org", "deferred", 421, "4.3.2"),
    ("hangup@example.org", "deferred", 0, ""),
    ("tempdot@example.org", "deferred", 451, "4.3.0"),
    ("permdot@example.org", "refused", 554, "5.6.0"),
    ("dropbody@example.org", "in_doubt", 0, ""),
    ("drop@example.org", "in_doubt", 0, ""),
    ("droptaken@example.org", "in_doubt", 0, ""),
    ("babble@example.org", "in_doubt", 0, ""),
])
async def test_an_answer_is_read_as_what_it_means_and_the_next_message_gets_through(
    server: Relay, recipient: str, outcome: str, code: int, enhanced: str,
) -> None:
    first, second = await send(server, recipient, "next@example.org")
    assert (first.outcome, first.code, first.enhanced) == (outcome, code, enhanced)
    assert first.reply
    assert second.outcome == "sent"
    assert server.recipients().count("next@example.org") == 1


async def test_no_answer_to_the_final_dot_is_in_doubt(server: Relay) -> None:
    first, second = await send(server, "silent@example.org", "next@example.org", dot_timeout=0.2)
    assert first.outcome == "in_doubt"
    assert second.outcome == "sent"


async def test_what_is_not_in_doubt_and_not_sent_was_never_taken(server: Relay) -> None:
    people = ["temperror", "permerror", "busy", "hangup", "tempdot", "permdot"]
    receipts = await send(server, *(f"{each}@example.org" for each in people))
    assert not {receipt.outcome for receipt in receipts} & {"sent", "in_doubt"}
    assert server.taken == []


async def test_a_refused_recipient_is_reset_and_the_connection_kept(server: Relay) -> None:
    await send(server, "permerror@example.org", "ann@example.org", "bob@example.org")
    assert server.connections == 1
    assert server.commands.count("RSET") == 1
    assert server.recipients() == ["ann@example.org", "bob@example.org"]


async def test_a_relays_words_are_stored_clean_and_short(server: Relay) -> None:
    [receipt] = await send(server, "noisy@example.org")
    assert receipt.outcome == "sent"
    assert receipt.reply.isprintable()
    assert receipt.reply.startswith("2.0.0 queued")
    assert len(receipt.reply) == 500


@pytest.mark.parametrize("recipient", [
    "", "no-at", "a@x, b@x", "a@x>\r\nRCPT TO:<evil@x", "a b@example.org", "a@x\x00", "a@b@c",
])
async def test_what_is_no_address_is_refused_before_the_relay_hears_of_it(server: Relay, recipient: str) -> None:
    [receipt] = await send(server, recipient)
    assert receipt.outcome == "refused"
    assert server.commands == []


# --- Connections ---


async def test_connections_are_kept_and_never_more_than_asked_for(server: Relay) -> None:
    transport = transport_to(server, connections=3)
    receipts = await asyncio.gather(*(transport.hand_over(letter(f"r{each}@example.org")) for each in range(30)))
    await transport.close()
    assert [receipt.outcome for receipt in receipts] == ["sent"] * 30
    assert server.connections <= 3
    assert server.commands.count("QUIT") == server.connections


@pytest.mark.parametrize("manners", [Manners(messages_a_connection=2), Manners(hang_up_after=2)], ids=["421", "mute"])
async def test_a_relay_that_closes_after_some_messages_costs_none(manners: Manners) -> None:
    with relay(manners) as server:
        receipts = await send(server, *(f"r{each}@example.org" for each in range(7)))
    assert [receipt.outcome for receipt in receipts] == ["sent"] * 7
    assert server.recipients() == [f"r{each}@example.org" for each in range(7)]
    assert server.connections == 4


async def test_a_relay_that_wants_fewer_connections_gets_fewer_and_every_message() -> None:
    with relay(Manners(connections=1)) as server:
        transport = transport_to(server, connections=4)
        receipts = [await transport.hand_over(letter("first@example.org"))]
        receipts += await asyncio.gather(*(transport.hand_over(letter(f"r{each}@example.org")) for each in range(20)))
        await transport.close()
    assert [receipt.outcome for receipt in receipts] == ["sent"] * 21


async def test_a_cancelled_message_takes_its_connection_with_it(server: Relay) -> None:
    """Else the next message would be given the answers to the cancelled one."""
    transport = transport_to(server, connections=1)
    task = asyncio.create_task(transport.hand_over(letter("silent@example.org")))
    await asyncio.to_thread(server.wait_for, "silent@example.org")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (await transport.hand_over(letter("permerror@example.org"))).outcome == "refused"
    assert (await transport.hand_over(letter("ann@example.org"))).outcome == "sent"
    assert server.connections == 2
    await transport.close()


@pytest.mark.parametrize("greeting", ["421 4.3.2 come back later", "554 5.7.1 not you", "what"])
async def test_a_relay_that_turns_us_away_is_tried_later(greeting: str) -> None:
    with relay(Manners(greeting=greeting)) as server:
        transport = transport_to(server)
        with pytest.raises(TryLater, match=r"127\.0\.0\.1:\d+: the relay cannot be used now"):
            await transport.hand_over(letter("ann@example.org"))
        assert server.taken == []


async def test_a_relay_that_is_not_there_is_tried_later_and_used_once_it_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    transport = SmtpTransport("127.0.0.1", port, local_hostname="desk.test", security="none", connections=2)
    for _ in range(3):  # more often than there are places: none is used up
        with pytest.raises(TryLater):
            await transport.hand_over(letter("ann@example.org"))
    with relay(port=port) as server:
        assert (await transport.hand_over(letter("ann@example.org"))).outcome == "sent"
        await transport.close()
    assert server.recipients() == ["ann@example.org"]


async def test_a_relay_without_esmtp_is_greeted_in_the_old_way() -> None:
    with relay(Manners(esmtp=False)) as server:
        [receipt] = await send(server, "ann@example.org")
    assert receipt.outcome == "sent"
    assert server.commands[:3] == ["EHLO desk.test", "HELO desk.test", "MAIL FROM:<desk@news.example.org>"]


# --- What a relay offers ---


async def test_the_size_is_announced_to_a_relay_that_asks(server: Relay) -> None:
    message = letter("ann@example.org")
    transport = transport_to(server)
    await transport.hand_over(message)
    await transport.close()
    assert server.taken[0].options == f"SIZE={len(message.wire)}"


async def test_smtputf8_is_asked_for_by_an_address_that_needs_it_and_by_no_other(server: Relay) -> None:
    await send(server, "zoë@example.org", "ann@example.org")
    assert [("SMTPUTF8" in each.options, each.recipient) for each in server.taken] == [
        (True, "zoë@example.org"), (False, "ann@example.org"),
    ]


async def test_without_smtputf8_only_the_address_that_needs_it_is_refused() -> None:
    with relay(Manners(extensions=())) as server:
        first, second = await send(server, "zoë@example.org", "ann@example.org")
    assert (first.outcome, first.enhanced) == ("refused", "5.6.7")
    assert second.outcome == "sent"


# --- TLS and AUTH ---


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server with a certificate for 127.0.0.1, and a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "relay.test")])
    begin, end = (datetime.datetime(year, 1, 1, tzinfo=datetime.UTC) for year in (2020, 2090))
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), begin, end)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]), critical=False,
    )
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption(),
    )
    file: Path = tmp_path_factory.mktemp("tls") / "relay.pem"
    file.write_bytes(certificate + secret)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cadata=certificate.decode())


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_message_goes_over_tls_with_a_login(
    certificates: tuple[ssl.SSLContext, ssl.SSLContext], security: str,
) -> None:
    theirs, ours = certificates
    with relay(Manners(tls=theirs, implicit_tls=security == "tls", login=("desk", "s3cret"))) as server:
        [receipt] = await send(
            server, "ann@example.org", security=security, tls=ours, username="desk", password="s3cret",
        )
    assert receipt.outcome == "sent"
    assert server.taken[0].encrypted


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_certificate_that_is_not_good_stops_us(
    certificates: tuple[ssl.SSLContext, ssl.SSLContext], security: str,
) -> None:
    with relay(Manners(tls=certificates[0], implicit_tls=security == "tls")) as server:
        with pytest.raises(TryLater, match="certificate is not good"):
            await send(server, "ann@example.org", security=security)
        assert server.taken == []


@pytest.mark.parametrize("with_certificate", [False, True], ids=["not offered", "454"])
async def test_starttls_that_fails_is_never_given_up_for_clear_text(
    certificates: tuple[ssl.SSLContext, ssl.SSLContext], with_certificate: bool,
) -> None:
    manners = Manners(tls=certificates[0] if with_certificate else None, starttls_reply="454 4.7.0 not now")
    with relay(manners) as server:
        with pytest.raises(TryLater):
            await send(server, "ann@example.org", security="starttls", tls=certificates[1])
        assert not any(command.startswith("MAIL") for command in server.commands)


async def test_a_wrong_password_is_tried_once_however_many_lanes_there_are() -> None:
    with relay(Manners(login=("desk", "s3cret"), extensions=())) as server:
        transport = transport_to(server, connections=5, username="desk", password="wrong")
        errors = await asyncio.gather(
            *(transport.hand_over(letter(f"r{each}@example.org")) for each in range(10)), return_exceptions=True,
        )
        assert {type(error) for error in errors} == {ConfigError}
        assert "wrong" not in str(errors[0]).replace("535 5.7.8 wrong", "")
        assert server.connections == 1


async def test_a_relay_that_wants_a_login_is_a_matter_of_configuration_and_refuses_nobody() -> None:
    with relay(Manners(login=("desk", "s3cret"))) as server, pytest.raises(ConfigError, match="530"):
        await send(server, "ann@example.org")


def test_a_password_never_crosses_a_network_in_clear_text() -> None:
    with pytest.raises(ConfigError, match="unencrypted"):
        SmtpTransport("relay.example.org", 25, local_hostname="a.test", security="none", username="desk", password="p")
