"""The SMTP transport, TLS and logins: what is asked for is never given up, and no login is tried again and again."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.errors import ConfigError, NewsletterError, TryLater
from newsletter.transports.opening import Login, RelayAddress
from newsletter.transports.smtp import SmtpTransport
from tests import relaying
from tests.relaying import letter, send, transport_to, unheard
from tests.smtpd import Manners, Relay, relay

extensions = relaying.extensions
LOGIN = ("desk", "s3cret")
MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5")

Certificate = Callable[..., "Trust"]


@dataclass(frozen=True)
class Trust:
    """A relay with a certificate, and a client that trusts whoever signed it."""

    theirs: ssl.SSLContext
    ours: ssl.SSLContext


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return partial(_certificate, tmp_path_factory.mktemp("tls") / "relay.pem")


def _certificate(file: Path, host: str = "127.0.0.1", until: int = 2090) -> Trust:
    """A certificate that it has signed itself, in the name of an address, until the beginning of a year."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "relay.test")])
    begin, end = (datetime.datetime(year, 1, 1, tzinfo=datetime.UTC) for year in (2020, until))
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), begin, end)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
    signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    public = signed.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption(),
    )
    file.write_bytes(public + secret)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return Trust(server, ssl.create_default_context(cadata=public.decode()))


def heard_in_clear(server: Relay) -> set[str]:
    """The commands that came, without what stood behind them."""
    return {command.partition(" ")[0] for command in server.commands}


# --- TLS ---


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_messages_go_over_tls_with_a_login_and_faults_mean_there_what_they_mean_elsewhere(
    certificate: Certificate, security: str, extensions: tuple[str, ...],
) -> None:
    trust = certificate()
    people = [f"{local}@example.org" for local in ("ann", "permerror", "drop", "hangup", "bob")]
    manners = Manners(tls=trust.theirs, implicit_tls=security == "tls", login=LOGIN, extensions=extensions)
    with relay(manners) as server:
        receipts = await send(server, *people, security=security, tls=trust.ours, username="desk", password="s3cret")
    assert [receipt.outcome for receipt in receipts] == ["sent", "refused", "in_doubt", "deferred", "sent"]
    assert [(each.recipient, each.encrypted) for each in server.taken] == [
        ("ann@example.org", True), ("bob@example.org", True)]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_large_message_arrives_whole_over_tls(certificate: Certificate, security: str) -> None:
    trust = certificate()
    message = letter("ann@example.org", size=2_000_000)
    with relay(Manners(tls=trust.theirs, implicit_tls=security == "tls")) as server:
        transport = transport_to(server, security=security, tls=trust.ours)
        assert (await transport.hand_over(message, unheard)).outcome == "sent"
        await transport.close()
    assert server.taken[0].data == message.wire


@pytest.mark.parametrize(("with_certificate", "words"), [
    (False, "it does not offer STARTTLS"), (True, "its answer to STARTTLS is 454 4.7.0 not now"),
], ids=["not offered", "454"])
async def test_starttls_that_fails_is_never_given_up_for_clear_text(
    certificate: Certificate, with_certificate: bool, words: str,
) -> None:
    """S11: no message and no password leaves, and it is said why."""
    trust = certificate()
    manners = Manners(tls=trust.theirs if with_certificate else None, starttls_reply="454 4.7.0 not now", login=LOGIN)
    with relay(manners) as server:
        with pytest.raises(TryLater, match=f"nothing is sent in clear text: {words}") as caught:
            await send(server, "ann@example.org", security="starttls", tls=trust.ours, username="desk",
                       password="s3cret")
        assert heard_in_clear(server) <= {"EHLO", "STARTTLS"}
    assert "security" in caught.value.cure


async def test_a_relay_that_does_not_speak_tls_where_it_should_hears_nothing(certificate: Certificate) -> None:
    """S11: security = "tls" at a port for clear text."""
    with relay() as server:
        with pytest.raises(TryLater, match="the relay cannot be used now"):
            await send(server, "ann@example.org", security="tls", tls=certificate().ours)
        assert not heard_in_clear(server) & {"EHLO", "MAIL"}


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize(("host", "until", "trusted", "words"), [
    ("127.0.0.1", 2090, False, "self-signed certificate"),
    ("127.0.0.1", 2021, True, "certificate has expired"),
    ("127.0.0.2", 2090, True, "not valid for '127.0.0.1'"),
], ids=["of a stranger", "expired", "in another name"])
async def test_a_certificate_that_is_not_good_stops_us(
    certificate: Certificate, security: str, host: str, until: int, trusted: bool, words: str,
) -> None:
    """S12: no message and no password leaves, and it is said what is wrong with it."""
    trust = certificate(host, until)
    manners = Manners(tls=trust.theirs, implicit_tls=security == "tls", login=LOGIN)
    with relay(manners) as server:
        with pytest.raises(TryLater, match="the relay's certificate is not valid: ") as caught:
            await send(server, "ann@example.org", security=security, tls=trust.ours if trusted else None,
                       username="desk", password="s3cret")
        assert heard_in_clear(server) <= {"EHLO", "STARTTLS"}
    assert words in caught.value.found
    assert "certificate" in caught.value.cure


# --- Logins ---


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_a_login_with_a_password_works_by_each_mechanism(mechanism: str) -> None:
    with relay(Manners(login=LOGIN, auth=("GSSAPI", mechanism))) as server:
        await send(server, "ann@example.org", username="desk", password="s3cret")
    assert (server.logins, server.recipients()) == ([mechanism], ["ann@example.org"])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(login=st.tuples(*[st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)] * 2),
       mechanism=st.sampled_from([*MECHANISMS, "XOAUTH2"]))
async def test_any_user_and_password_come_through(login: tuple[str, str], mechanism: str) -> None:
    async def token() -> str:
        return login[1]

    secret = {"token": token} if mechanism == "XOAUTH2" else {"password": login[1]}
    with relay(Manners(login=login, auth=(mechanism,))) as server:
        [receipt] = await send(server, "ann@example.org", username=login[0], **secret)
    assert receipt.outcome == "sent"


async def test_a_mechanism_that_the_relay_does_not_know_after_all_is_followed_by_the_next() -> None:
    with relay(Manners(login=LOGIN, auth=MECHANISMS, sham=("PLAIN", "LOGIN"))) as server:
        await send(server, "ann@example.org", username="desk", password="s3cret")
    assert (server.logins, server.recipients()) == ([*MECHANISMS], ["ann@example.org"])


@pytest.mark.parametrize(("offered", "known"), [((), "none"), (("GSSAPI", "NTLM"), "GSSAPI, NTLM")])
async def test_a_relay_without_a_login_that_we_can_do_is_a_matter_of_configuration(
    offered: tuple[str, ...], known: str,
) -> None:
    with relay(Manners(login=LOGIN, auth=offered)) as server:
        with pytest.raises(ConfigError, match=f"it offers {known}; CRAM-MD5, LOGIN, PLAIN can be used"):
            await send(server, "ann@example.org", username="desk", password="s3cret")
        assert server.logins == []


async def all_lanes(transport: SmtpTransport, count: int) -> list[object]:
    """What became of so many messages that were handed over at once: receipts and errors."""
    lanes = (transport.hand_over(letter(f"r{each}@example.org"), unheard) for each in range(count))
    return list(await asyncio.gather(*lanes, return_exceptions=True))


async def test_a_wrong_password_is_tried_once_however_many_lanes_and_mechanisms_there_are() -> None:
    """S13: a relay locks an account after a few; only after `close` is it tried again."""
    with relay(Manners(login=LOGIN, auth=MECHANISMS, extensions=())) as server:
        transport = transport_to(server, connections=5, username="desk", password="wr0ng")
        errors = [*await all_lanes(transport, 10), *await all_lanes(transport, 10)]
        assert {type(error) for error in errors} == {ConfigError}
        assert "refuses the login: 535 5.7.8 wrong" in str(errors[0])
        assert "wr0ng" not in f"{errors[0]!r} {errors[0]} {transport.__dict__}"
        assert server.logins == ["PLAIN"]
        await transport.close()
        await all_lanes(transport, 1)
        assert server.logins == ["PLAIN", "PLAIN"]


async def test_a_login_that_is_put_off_is_tried_three_times_and_then_the_relay_needs_attention() -> None:
    """S13: it may be the lock-out itself, which goes on as long as one tries."""
    with relay(Manners(login=LOGIN, put_off=range(1, 100))) as server:
        transport = transport_to(server, connections=5, username="desk", password="s3cret")
        errors = [(await all_lanes(transport, 5))[-1] for _ in range(5)]
        assert [type(error) for error in errors] == [TryLater, TryLater, ConfigError, ConfigError, ConfigError]
        assert "the relay has deferred the login 3 times in a row: 454 4.7.0" in str(errors[-1])
        assert len(server.logins) == 3


async def test_a_login_that_is_put_off_twice_and_then_taken_costs_nothing() -> None:
    """S13: and later ones are counted anew."""
    with relay(Manners(login=LOGIN, put_off=range(1, 3), messages_a_connection=1)) as server:
        transport = transport_to(server, connections=1, username="desk", password="s3cret")
        outcomes = [(await all_lanes(transport, 1))[0] for _ in range(4)]
        await transport.close()
    assert [isinstance(outcome, NewsletterError) for outcome in outcomes] == [True, True, False, False]
    assert server.recipients() == ["r0@example.org"] * 2


async def test_logins_that_are_put_off_while_others_work_mean_fewer_lanes() -> None:
    """S13, S19: the relay wants no more of us at a time."""
    with relay(Manners(login=LOGIN, put_off=range(2, 100))) as server:
        transport = transport_to(server, connections=6, username="desk", password="s3cret")
        await all_lanes(transport, 1)
        await all_lanes(transport, 20)
        await transport.close()
    assert len(server.recipients()) == 21
    assert len(server.logins) <= 6


async def test_a_relay_that_wants_a_login_is_a_matter_of_configuration_and_refuses_nobody(
    extensions: tuple[str, ...],
) -> None:
    """S13: 530 to MAIL is about us."""
    manners = Manners(login=LOGIN, extensions=extensions)
    with relay(manners) as server, pytest.raises(ConfigError, match="530"):
        await send(server, "ann@example.org")


def test_a_password_never_crosses_a_network_in_clear_text() -> None:
    with pytest.raises(ConfigError, match="unencrypted"):
        SmtpTransport(RelayAddress("relay.example.org", 25, "a.test", "none"), Login("desk", "p"))


# --- Tokens ---


async def test_an_access_token_is_asked_for_anew_at_each_connection() -> None:
    """It is good for an hour, and a send may take longer."""
    asked: list[int] = []

    async def token() -> str:
        asked.append(len(asked))
        return "ya29.t0ken"

    manners = Manners(login=("desk", "ya29.t0ken"), auth=("PLAIN", "XOAUTH2"), messages_a_connection=2)
    with relay(manners) as server:
        receipts = await send(server, *(f"r{each}@example.org" for each in range(6)), username="desk", token=token)
    assert [receipt.outcome for receipt in receipts] == ["sent"] * 6
    assert (len(asked), server.logins) == (3, ["XOAUTH2"] * 3)


async def test_a_token_that_is_not_good_is_tried_once() -> None:
    """S13: the relay explains at length, which is answered with nothing, and then says 535."""
    async def token() -> str:
        return "st4le"

    with relay(Manners(login=LOGIN, auth=("XOAUTH2", "PLAIN"))) as server:
        transport = transport_to(server, connections=5, username="desk", token=token)
        errors = await all_lanes(transport, 10)
        assert {type(error) for error in errors} == {ConfigError}
        assert "refuses the login: 535" in str(errors[0])
        assert "st4le" not in f"{errors[0]} {transport.__dict__}"
        assert server.logins == ["XOAUTH2"]


async def test_a_token_that_cannot_be_had_is_asked_for_once_and_the_relay_is_not() -> None:
    """S13: what is wrong is said in the words of whoever gives the token."""
    asked: list[int] = []

    async def token() -> str:
        asked.append(len(asked))
        raise ConfigError("the password command failed: it exited with code 3")

    with relay(Manners(login=LOGIN, auth=("XOAUTH2",))) as server:
        errors = await all_lanes(transport_to(server, connections=5, username="desk", token=token), 10)
        assert {str(error) for error in errors} == {"the password command failed: it exited with code 3"}
        assert (len(asked), server.connections) == (1, 0)


async def test_a_relay_without_xoauth2_never_gets_the_token() -> None:
    async def token() -> str:
        return "ya29.t0ken"

    with relay(Manners(login=LOGIN, auth=MECHANISMS)) as server:
        with pytest.raises(ConfigError, match="it offers CRAM-MD5, LOGIN, PLAIN; XOAUTH2 can be used"):
            await send(server, "ann@example.org", username="desk", token=token)
        assert server.logins == []
