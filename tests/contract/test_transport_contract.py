"""What every transport keeps: one answer to each message, the very bytes, and no harm in closing."""

import asyncio
import errno
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.delivering.ports import Transport
from newsletter.model import Message
from newsletter.transports import TRANSPORTS
from newsletter.transports.file import FileTransport
from newsletter.transports.null import NullTransport
from newsletter.transports.opening import RelayAddress
from newsletter.transports.smtp import SmtpTransport
from tests.smtpd import Manners, relay


def letter(recipient: str, text: str = "Good morning.", issue: str = "weekly-2026-11-30") -> Message:
    message_id = f"<{issue}.{abs(hash(recipient)):x}@news.example.org>"
    head = f"From: desk@news.example.org\r\nTo: {recipient}\r\nMessage-ID: {message_id}\r\n\r\n".encode()
    return Message("desk@news.example.org", recipient, message_id, (head, text.encode(), b"\r\n"))


def unheard() -> None:
    """Where a test does not care that the message goes on the wire."""


@dataclass(frozen=True)
class Offer:
    """A transport, and what has arrived behind it, by recipient."""

    transport: Transport
    arrived: Callable[[], dict[str, bytes]]


@asynccontextmanager
async def nothing(folder: Path) -> AsyncIterator[Offer]:
    yield Offer(NullTransport(), dict)


@asynccontextmanager
async def a_folder(folder: Path) -> AsyncIterator[Offer]:
    def arrived() -> dict[str, bytes]:
        files = (path.read_bytes() for path in folder.rglob("*.eml"))
        return {re.findall(rb"^To: (\S+)\r$", data, re.MULTILINE)[0].decode(): data for data in files}

    yield Offer(FileTransport(folder), arrived)


@asynccontextmanager
async def a_relay(folder: Path, *offering: str) -> AsyncIterator[Offer]:
    with relay(Manners(extensions=(*Manners().extensions, *offering))) as server:
        transport = SmtpTransport(RelayAddress("127.0.0.1", server.port, "desk.test", "none"), connections=3)
        yield Offer(transport, lambda: {each.recipient: each.data for each in server.taken})
        await transport.close()


@asynccontextmanager
async def a_pipelining_relay(folder: Path) -> AsyncIterator[Offer]:
    async with a_relay(folder, "PIPELINING") as offered:
        yield offered


ARRIVING = {"file": a_folder, "smtp": a_relay, "smtp, pipelined": a_pipelining_relay}
OFFERS = {"null": nothing, **ARRIVING}


def test_every_transport_keeps_this_contract() -> None:
    assert {name.partition(",")[0] for name in OFFERS} == set(TRANSPORTS)


@pytest_asyncio.fixture(params=OFFERS.values(), ids=OFFERS)
async def offer(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Offer]:
    async with request.param(tmp_path) as offered:
        yield offered


@pytest_asyncio.fixture(params=ARRIVING.values(), ids=ARRIVING)
async def arriving(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Offer]:
    async with request.param(tmp_path) as offered:
        yield offered


async def test_a_message_is_sent_and_the_receipt_says_so(offer: Offer) -> None:
    receipt = await offer.transport.hand_over(letter("ann@example.org"), unheard)
    assert receipt.outcome == "sent"
    assert receipt.reply


async def test_it_is_said_once_that_a_message_goes_on_the_wire(offer: Offer) -> None:
    said: list[str] = []
    for recipient in ("ann@example.org", "bob@example.org"):
        await offer.transport.hand_over(letter(recipient), partial(said.append, recipient))
    assert said == ["ann@example.org", "bob@example.org"]


async def test_nothing_has_arrived_when_it_is_said_and_nothing_ever_does_if_that_goes_wrong(offer: Offer) -> None:
    def full() -> None:
        assert offer.arrived() == {}
        raise OSError(errno.ENOSPC, "no space left")

    with pytest.raises(OSError, match="no space left"):
        await offer.transport.hand_over(letter("ann@example.org"), full)
    await offer.transport.hand_over(letter("bob@example.org"), unheard)
    await offer.transport.close()
    assert "ann@example.org" not in offer.arrived()


async def test_it_takes_at_least_one_message_at_a_time(offer: Offer) -> None:
    assert offer.transport.lanes >= 1


async def test_closing_is_harmless_twice_and_sending_goes_on_after_it(offer: Offer) -> None:
    await offer.transport.close()
    assert (await offer.transport.hand_over(letter("ann@example.org"), unheard)).outcome == "sent"
    await offer.transport.close()
    await offer.transport.close()
    assert (await offer.transport.hand_over(letter("bob@example.org"), unheard)).outcome == "sent"


async def test_the_bytes_arrive_as_they_are(arriving: Offer) -> None:
    message = letter("ann@example.org", "First line=20\r\n\r\n  <p>=C3=A9</p>\r\n-- \r\nFrom here=\r\n=2E\r\n")
    await arriving.transport.hand_over(message, unheard)
    assert arriving.arrived() == {"ann@example.org": message.wire}


async def test_more_messages_than_lanes_at_once_all_arrive(arriving: Offer) -> None:
    messages = [letter(f"reader{number}@example.org", "x" * 70_000) for number in range(20)]
    receipts = await asyncio.gather(*(arriving.transport.hand_over(each, unheard) for each in messages))
    assert {receipt.outcome for receipt in receipts} == {"sent"}
    assert arriving.arrived() == {message.recipient: message.wire for message in messages}


LINES = st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=70).filter(
    lambda line: not line.startswith(".")), max_size=8)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=LINES)
async def test_any_text_in_is_the_same_text_out(arriving: Offer, lines: list[str]) -> None:
    message = letter("ann@example.org", "\r\n".join(lines))
    await arriving.transport.hand_over(message, unheard)
    assert arriving.arrived()["ann@example.org"] == message.wire
