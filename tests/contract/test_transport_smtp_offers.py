"""The SMTP transport and what a relay offers: parameters only where they are known, and the very bytes."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter import address
from newsletter.model import Message
from tests import relaying
from tests.relaying import letter, send, transport_to, unheard
from tests.smtpd import Manners, Relay, relay

extensions, server = relaying.extensions, relaying.server


@pytest.mark.parametrize("pipelining", [(), ("PIPELINING",)])
async def test_nothing_is_asked_of_a_relay_that_it_does_not_offer(pipelining: tuple[str, ...]) -> None:
    """S15: no BODY, no SIZE, no SMTPUTF8 and no DSN on MAIL, and nothing on RCPT."""
    with relay(Manners(extensions=pipelining)) as server:
        await send(server, "ann@example.org")
    assert server.commands[1:3] == ["MAIL FROM:<desk@news.example.org>", "RCPT TO:<ann@example.org>"]


async def test_eight_bits_are_never_asked_for_as_messages_have_seven(extensions: tuple[str, ...]) -> None:
    """S15: nor are reports of delivery (DSN), which the relay would send for every reader."""
    with relay(Manners(extensions=(*extensions, "DSN"))) as server:
        message = letter("ann@example.org")
        transport = transport_to(server)
        await transport.hand_over(message, unheard)
        await transport.close()
    assert server.commands[1:3] == [
        f"MAIL FROM:<desk@news.example.org> SIZE={len(message.wire)}", "RCPT TO:<ann@example.org>"]
    assert server.taken[0].data == message.wire


# --- SMTPUTF8 ---


async def test_smtputf8_is_asked_for_by_an_address_that_needs_it_and_by_no_other(server: Relay) -> None:
    """S16: a relay may hand on a message with it to those alone that know it too."""
    await send(server, "zoë@example.org", "ann@example.org")
    assert [("SMTPUTF8" in each.options, each.recipient) for each in server.taken] == [
        (True, "zoë@example.org"), (False, "ann@example.org"),
    ]


@pytest.mark.parametrize("pipelining", [(), ("PIPELINING",)])
async def test_without_smtputf8_only_the_address_that_needs_it_is_refused(pipelining: tuple[str, ...]) -> None:
    """S16: and the relay never hears of it."""
    with relay(Manners(extensions=pipelining)) as server:
        first, second = await send(server, "zoë@example.org", "ann@example.org")
    assert (first.outcome, first.enhanced) == ("refused", "5.6.7")
    assert second.outcome == "sent"
    assert all(command.isascii() for command in server.commands)


@pytest.mark.parametrize(("written", "recipient"), [
    ("ann@bücher.test", "ann@xn--bcher-kva.test"),
    ("ann@BÜCHER.test", "ann@xn--bcher-kva.test"),
    ("ann@例え.テスト", "ann@xn--r8jz45g.xn--zckzah"),
    ("ann@straße.test", "ann@xn--strae-oqa.test"),
])
async def test_a_domain_of_any_script_is_an_a_label_on_the_wire(
    extensions: tuple[str, ...], written: str, recipient: str,
) -> None:
    """S16: whether the relay knows SMTPUTF8 or not, which is not asked for."""
    for offered in ((), extensions):
        with relay(Manners(extensions=offered)) as server:
            await send(server, address.parse(written).email)
        assert [each.recipient for each in server.taken] == [recipient]
        assert all(command.isascii() and "SMTPUTF8" not in command for command in server.commands)


# --- SIZE ---


async def test_the_size_is_announced_to_a_relay_that_asks(server: Relay) -> None:
    """S17: it may refuse at once, for a want of space too (RFC 1870)."""
    message = letter("ann@example.org")
    transport = transport_to(server)
    await transport.hand_over(message, unheard)
    await transport.close()
    assert server.taken[0].options == f"SIZE={len(message.wire)}"


async def test_a_message_too_large_for_the_relay_is_refused_before_it_is_asked(extensions: tuple[str, ...]) -> None:
    """S17: both sizes are told, and smaller messages go on."""
    small, large = letter("ann@example.org", size=980), letter("bob@example.org", size=2000)
    with relay(Manners(extensions=(f"SIZE {len(small.wire)}", *extensions[1:]))) as server:
        transport = transport_to(server)
        receipts = [await transport.hand_over(message, unheard) for message in (large, small, large, small)]
        await transport.close()
    assert [receipt.outcome for receipt in receipts] == ["refused", "sent", "refused", "sent"]
    assert (receipts[0].code, receipts[0].enhanced) == (0, "5.3.4")
    assert receipts[0].reply == "the message has 2,020 bytes, the relay takes at most 1,000"
    assert [command for command in server.commands if "bob" in command] == []
    assert server.connections == 1


@pytest.mark.parametrize("offered", ["SIZE", "SIZE 0", "SIZE lots", "SIZE -1", "SIZE 1" + "0" * 5000, "SIZE ²"])
async def test_a_relay_that_names_no_size_is_sent_any(offered: str) -> None:
    """S17: RFC 1870, section 4: 0 or nothing is no promise, and at most 20 digits are a number."""
    with relay(Manners(extensions=(offered,))) as server:
        [receipt] = await send(server, "ann@example.org")
    assert receipt.outcome == "sent"


async def test_a_relay_that_finds_a_message_too_large_itself_refuses_it_before_it_is_written(
    extensions: tuple[str, ...],
) -> None:
    """S17: 552 to MAIL."""
    with relay(Manners(extensions=extensions, mail_reply="552 5.3.4 too large")) as server:
        [receipt] = await send(server, "ann@example.org")
    assert (receipt.outcome, receipt.code, receipt.enhanced) == ("refused", 552, "5.3.4")
    assert server.taken == []


# --- The bytes ---


WORDS = st.sampled_from(["QUIT", "RSET", "DATA", "MAIL FROM:<x@y>", "=2E", "=2E=2E", " .", "", "-- ", "From x"])
LINES = st.lists(WORDS | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=998).filter(
    lambda line: not line.startswith(".")), max_size=6)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=LINES, cuts=st.lists(st.integers(0, 4000), max_size=4))
async def test_a_message_arrives_as_it_is_and_no_line_of_it_is_taken_for_a_command(
    server: Relay, lines: list[str], cuts: list[int],
) -> None:
    """S21: in whatever parts it is handed over; that composed messages have no dot at the beginning of a line and no
    line longer than 998 octets is the composer's."""
    wire = "".join(f"{line}\r\n" for line in ("Subject: Hello", "", *lines)).encode()
    places = [0, *sorted(min(cut, len(wire)) for cut in cuts), len(wire)]
    parts = tuple(wire[begin:end] for begin, end in pairwise(places))
    before = len(server.commands), len(server.taken)
    transport = transport_to(server)
    await transport.hand_over(Message("desk@news.example.org", "ann@example.org", "<i.1@x.test>", parts), unheard)
    await transport.close()
    assert [taken.data for taken in server.taken[before[1]:]] == [wire]
    assert [command[:4] for command in server.commands[before[0]:]] == ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]
