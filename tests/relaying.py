"""Short ways for tests of the SMTP transport: a letter, a transport to a server of ours, both ways of talking."""

import asyncio
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest

from newsletter.model import Message, Receipt
from newsletter.transports.opening import Login, RelayAddress
from newsletter.transports.smtp import SmtpTransport
from tests.smtpd import Manners, Relay, relay

PLAIN = Manners().extensions
"""What a relay offers that does not take commands in groups (S14)."""


@pytest.fixture(params=[(*PLAIN, "PIPELINING"), PLAIN], ids=["pipelined", "plain"])
def extensions(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """What the relay offers: with PIPELINING, and without."""
    offered: tuple[str, ...] = request.param
    return offered


@pytest.fixture
def server(extensions: tuple[str, ...]) -> Iterator[Relay]:
    with relay(Manners(extensions=extensions)) as running:
        yield running


def letter(recipient: str, sender: str = "desk@news.example.org", size: int = 300) -> Message:
    return Message(sender, recipient, "<i.1@news.example.org>", (b"Subject: Hello\r\n\r\n", b"x" * size, b"\r\n"))


def leap(seconds: float) -> None:
    """The event loop's clock jumps: whatever waits for an answer has waited so much longer."""
    loop = asyncio.get_running_loop()
    now = loop.time
    patch.object(loop, "time", lambda: now() + seconds).start()  # the loop ends with its test


async def heard(server: Relay, command: str, times: int = 1) -> None:
    """Returns when the server has been given so many commands that begin so."""
    # The server hears in threads of its own, which cannot set an event of this loop.
    while sum(each.startswith(command) for each in server.commands) < times:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def unheard() -> None:
    """Where a test does not care that the message goes on the wire."""


def transport_to(server: Relay, **settings: Any) -> SmtpTransport:
    """`settings` are those of RelayAddress, Login and SmtpTransport."""

    def given(*names: str) -> dict[str, Any]:
        return {name: settings.pop(name) for name in names if name in settings}

    address = {"local_hostname": "desk.test", "security": "none", **given("local_hostname", "security", "tls")}
    login = given("username", "password", "token")
    return SmtpTransport(
        RelayAddress("127.0.0.1", server.port, **address), Login(**login) if login else None,
        **{"connections": 2, "timeout": 20, **settings},
    )


async def send(server: Relay, *recipients: str, **settings: Any) -> list[Receipt]:
    """One message after the other on one transport."""
    transport = transport_to(server, **settings)
    receipts = [await transport.hand_over(letter(recipient), unheard) for recipient in recipients]
    await transport.close()
    return receipts
