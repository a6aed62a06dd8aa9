"""The SMTP transport against a real server that misbehaves: what each fault means, and how the next message fares.

One contract over both ways of talking: commands in a group (PIPELINING), and one by one. S1 to S21 are the faults that
the project expects of a relay; those not named here are the loop's (S9, S18) or the composer's (S21).
"""

import asyncio
import datetime
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


PLAIN = Manners().extensions


@pytest.fixture(params=[(*PLAIN, "PIPELINING"), PLAIN], ids=["pipelined", "plain"])
def extensions(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """What the relay offers: with PIPELINING, and without (S14)."""
    offered: tuple[str, ...] = request.param
    return offered


@pytest.fixture
def server(extensions: tuple[str, ...]) -> Iterator[Relay]:
    with relay(Manners(extensions=extensions)) as running:
        yield running


async def test_commands_go_in_one_group_to_a_relay_that_offers_pipelining_and_one_by_one_to_others(
    server: Relay,
) -> None:
    """S14. Of MAIL, RCPT and DATA, two come before the first is answered."""
    await send(server, "ann@example.org", "bob@example.org", "permerror@example.org", "cyd@example.org")
    assert server.recipients() == ["ann@example.org", "bob@example.org", "cyd@example.org"]
    assert server.ahead == (8 if "PIPELINING" in server.manners.extensions else 0)


# --- What an answer means ---


@pytest.mark.parametrize(("recipient", "outcome", "code", "enhanced"), [
    ("ann@example.org", "sent", 250, "2.0.0"),
    ("odd@example.org", "sent", 299, ""),
    ("temperror@example.org", "deferred", 451, "4.3.0"),
    ("permerror@example.org", "refused", 550, "5.1.1"),
    ("busy@example.org", "deferred", 421, "4.3.2"),
    ("hangup@example.org", "deferred", 0, ""),
    ("tempdata@example.org", "deferred", 451, "4.3.0"),
    ("permdata@example.org", "refused", 554, "5.3.0"),
    ("hangdata@example.org", "deferred", 0, ""),
    ("busydot@example.org", "deferred", 421, "4.3.2"),
    ("twice@example.org", "sent", 250, "2.0.0"),
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
    """S2 to S7, S20."""
    first, second = await send(server, recipient, "next@example.org")
    assert (first.outcome, first.code, first.enhanced) == (outcome, code, enhanced)
    assert first.reply
    assert second.outcome == "sent"
    assert server.recipients().count("next@example.org") == 1


@pytest.mark.parametrize("recipient", ["silent@example.org", "dripdot@example.org"])
async def test_no_whole_answer_to_the_final_dot_within_the_time_is_in_doubt(server: Relay, recipient: str) -> None:
    """S8, S10."""
    first, second = await send(server, recipient, "next@example.org", dot_timeout=0.2)
    assert first.outcome == "in_doubt"
    assert second.outcome == "sent"


async def test_a_relay_that_drips_its_answers_holds_a_message_no_longer_than_the_time(server: Relay) -> None:
    """S10. The message had not begun, so it is definitely not sent."""
    first, second = await send(server, "drip@example.org", "next@example.org", timeout=0.2)
    assert (first.outcome, first.code) == ("deferred", 0)
    assert second.outcome == "sent"


@pytest.mark.parametrize(("reply", "outcome"), [
    ("451 4.3.0 later", "deferred"), ("550 5.7.1 not you", "refused"),
    ("354 what", "deferred"), ("199 what", "deferred"),
])
@pytest.mark.parametrize("lax", [False, True])
async def test_a_refused_sender_sends_nothing_to_anybody(
    extensions: tuple[str, ...], reply: str, outcome: str, lax: bool,
) -> None:
    """S2, S4. Not even an empty message, to a relay that goes on although it has refused."""
    with relay(Manners(extensions=extensions, mail_reply=reply, lax=lax)) as server:
        receipts = await send(server, "ann@example.org", "bob@example.org")
    assert [receipt.outcome for receipt in receipts] == [outcome] * 2
    assert server.taken == []
    assert server.to_nobody == []


async def test_a_relay_that_wants_a_message_for_nobody_gets_an_empty_one_and_the_connection_is_kept(
    extensions: tuple[str, ...],
) -> None:
    """RFC 2920, section 3.1: 354 although every recipient was refused."""
    with relay(Manners(extensions=extensions, lax=True)) as server:
        first, second = await send(server, "permerror@example.org", "ann@example.org")
    assert (first.outcome, first.enhanced, second.outcome) == ("refused", "5.1.1", "sent")
    assert server.to_nobody == ([b""] if "PIPELINING" in extensions else [])
    assert server.recipients() == ["ann@example.org"]
    assert server.connections == 1


FAULTS = (
    "temperror", "permerror", "busy", "hangup", "tempdata", "permdata", "hangdata", "tempdot", "permdot", "busydot",
    "dropbody", "drop", "droptaken", "babble", "odd", "twice", "noisy",
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(locals_=st.lists(st.sampled_from(FAULTS) | st.just("ann"), max_size=12), connections=st.integers(1, 3))
async def test_whatever_goes_wrong_a_receipt_is_never_a_lie(
    extensions: tuple[str, ...], locals_: list[str], connections: int,
) -> None:
    """What is sent was taken once, what is deferred or refused was never taken: the server's own list is the judge."""
    people = [f"{local}@n{number}.example.org" for number, local in enumerate(locals_)]
    with relay(Manners(extensions=extensions)) as server:
        transport = transport_to(server, connections=connections)
        receipts = await asyncio.gather(*(transport.hand_over(letter(each)) for each in people))
        await transport.close()
    for person, receipt in zip(people, receipts, strict=True):
        times = server.recipients().count(person)
        assert times <= 1 if receipt.outcome == "in_doubt" else times == (receipt.outcome == "sent"), person


async def test_what_is_not_in_doubt_and_not_sent_was_never_taken(server: Relay) -> None:
    people = ["temperror", "permerror", "busy", "hangup", "tempdata", "permdata", "hangdata", "tempdot", "permdot"]
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
async def test_a_relay_that_closes_after_some_messages_costs_none(
    extensions: tuple[str, ...], manners: Manners,
) -> None:
    """S3."""
    with relay(replace(manners, extensions=extensions)) as server:
        receipts = await send(server, *(f"r{each}@example.org" for each in range(7)))
    assert [receipt.outcome for receipt in receipts] == ["sent"] * 7
    assert server.recipients() == [f"r{each}@example.org" for each in range(7)]
    assert server.connections == 4


async def test_a_relay_that_wants_fewer_connections_gets_fewer_and_every_message(extensions: tuple[str, ...]) -> None:
    """S19."""
    with relay(Manners(extensions=extensions, connections=1)) as server:
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
    """S1."""
    with relay(Manners(greeting=greeting)) as server:
        transport = transport_to(server)
        with pytest.raises(TryLater, match=r"127\.0\.0\.1:\d+: the relay cannot be used now"):
            await transport.hand_over(letter("ann@example.org"))
        assert server.taken == []


async def test_a_relay_that_keeps_us_waiting_for_its_greeting_is_tried_later() -> None:
    """S10."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        transport = SmtpTransport("127.0.0.1", mute.getsockname()[1], local_hostname="desk.test", security="none",
                                  timeout=0.1)
        with pytest.raises(TryLater, match=r"the relay cannot be used now: .+"):
            await transport.hand_over(letter("ann@example.org"))


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
    """S20."""
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


@pytest.mark.parametrize("pipelining", [(), ("PIPELINING",)])
async def test_nothing_is_asked_of_a_relay_that_it_does_not_offer(pipelining: tuple[str, ...]) -> None:
    """S15, S16, S17: no SIZE, no BODY and no SMTPUTF8 on MAIL."""
    with relay(Manners(extensions=pipelining)) as server:
        await send(server, "ann@example.org")
    assert server.taken[0].options == ""


async def test_a_message_too_large_for_the_relay_is_refused_before_it_is_written(extensions: tuple[str, ...]) -> None:
    """S17. SIZE on MAIL lets the relay say so at once (RFC 1870)."""
    with relay(Manners(extensions=extensions, mail_reply="552 5.3.4 too large")) as server:
        [receipt] = await send(server, "ann@example.org")
    assert (receipt.outcome, receipt.code, receipt.enhanced) == ("refused", 552, "5.3.4")
    assert "SIZE=" in server.commands[1]
    assert server.taken == []


async def test_smtputf8_is_asked_for_by_an_address_that_needs_it_and_by_no_other(server: Relay) -> None:
    await send(server, "zoë@example.org", "ann@example.org")
    assert [("SMTPUTF8" in each.options, each.recipient) for each in server.taken] == [
        (True, "zoë@example.org"), (False, "ann@example.org"),
    ]


async def test_without_smtputf8_only_the_address_that_needs_it_is_refused() -> None:
    """S16."""
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
async def test_messages_go_over_tls_with_a_login_and_faults_mean_there_what_they_mean_elsewhere(
    certificates: tuple[ssl.SSLContext, ssl.SSLContext], security: str, extensions: tuple[str, ...],
) -> None:
    theirs, ours = certificates
    people = [f"{local}@example.org" for local in ("ann", "permerror", "drop", "hangup", "bob")]
    manners = Manners(tls=theirs, implicit_tls=security == "tls", login=("desk", "s3cret"), extensions=extensions)
    with relay(manners) as server:
        receipts = await send(server, *people, security=security, tls=ours, username="desk", password="s3cret")
    assert [receipt.outcome for receipt in receipts] == ["sent", "refused", "in_doubt", "deferred", "sent"]
    assert [(each.recipient, each.encrypted) for each in server.taken] == [
        ("ann@example.org", True), ("bob@example.org", True)]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_certificate_that_is_not_good_stops_us(
    certificates: tuple[ssl.SSLContext, ssl.SSLContext], security: str,
) -> None:
    """S12."""
    with relay(Manners(tls=certificates[0], implicit_tls=security == "tls")) as server:
        with pytest.raises(TryLater, match="certificate is not good"):
            await send(server, "ann@example.org", security=security)
        assert server.taken == []


@pytest.mark.parametrize("with_certificate", [False, True], ids=["not offered", "454"])
async def test_starttls_that_fails_is_never_given_up_for_clear_text(
    certificates: tuple[ssl.SSLContext, ssl.SSLContext], with_certificate: bool,
) -> None:
    """S11."""
    manners = Manners(tls=certificates[0] if with_certificate else None, starttls_reply="454 4.7.0 not now")
    with relay(manners) as server:
        with pytest.raises(TryLater):
            await send(server, "ann@example.org", security="starttls", tls=certificates[1])
        assert not any(command.startswith("MAIL") for command in server.commands)


async def test_a_wrong_password_is_tried_once_however_many_lanes_there_are() -> None:
    """S13."""
    with relay(Manners(login=("desk", "s3cret"), extensions=())) as server:
        transport = transport_to(server, connections=5, username="desk", password="wrong")
        errors = await asyncio.gather(
            *(transport.hand_over(letter(f"r{each}@example.org")) for each in range(10)), return_exceptions=True,
        )
        assert {type(error) for error in errors} == {ConfigError}
        assert "wrong" not in str(errors[0]).replace("535 5.7.8 wrong", "")
        assert server.connections == 1


async def test_a_relay_that_wants_a_login_is_a_matter_of_configuration_and_refuses_nobody(
    extensions: tuple[str, ...],
) -> None:
    manners = Manners(login=("desk", "s3cret"), extensions=extensions)
    with relay(manners) as server, pytest.raises(ConfigError, match="530"):
        await send(server, "ann@example.org")


def test_a_password_never_crosses_a_network_in_clear_text() -> None:
    with pytest.raises(ConfigError, match="unencrypted"):
        SmtpTransport("relay.example.org", 25, local_hostname="a.test", security="none", username="desk", password="p")
