"""An SMTP relay with faults on request. Its log counts where it and the sender's ledger differ."""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from time import monotonic

from chaos.faults import AttemptFault, ConnectionFault, Faults

HOST = "127.0.0.1"
CARE = 0.002
"""Seconds until a message is answered: a real relay writes it to disk first."""
SLOW = 0.25
"""Seconds until a slow answer."""
SHUT = 0.15
"""Seconds for which the relay does not listen."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message of which all bytes arrived."""

    at: float
    """Seconds of a monotonic clock."""
    connection: int
    recipient: str
    message_id: str
    taken: bool
    """Whether the relay accepted it. If not, it was refused, or dropped with the connection."""


@dataclass(frozen=True, slots=True)
class Made:
    """A fault that was injected."""

    at: float
    connection: int
    recipient: str
    """Empty for a fault of a connection."""
    fault: AttemptFault | ConnectionFault


@dataclass(slots=True)
class Log:
    """Arrivals and faults, each in order of time."""

    arrivals: list[Arrival] = field(default_factory=list)
    faults: list[Made] = field(default_factory=list)
    taken: int = 0
    """How many messages were accepted."""

    def arrive(self, connection: int, recipient: str, message_id: str, *, taken: bool) -> None:
        self.arrivals.append(Arrival(monotonic(), connection, recipient, message_id, taken))
        self.taken += taken

    def make(self, connection: int, recipient: str, fault: AttemptFault | ConnectionFault) -> None:
        self.faults.append(Made(monotonic(), connection, recipient, fault))


class Relay:
    """A server that listens from `open` until `close`, always on the same port."""

    def __init__(self, faults: Faults, *, care: float = CARE) -> None:
        """`care` is the seconds until a message is answered."""
        self.faults, self.care = faults, care
        self.log = Log()
        self.attempts: Counter[str] = Counter()
        """How often each address was named in RCPT."""
        self.sessions: set[_Session] = set()
        """The connections that are open."""
        self._connections = 0
        self._aim = 0
        self._aim_reached = asyncio.Event()
        self._door: asyncio.Server | None = None
        self.door_open = asyncio.Event()
        # This socket is bound and never listens: no other program gets the port while the relay does not listen.
        self._place = _bound(0)
        self.port: int = self._place.getsockname()[1]

    async def open(self) -> None:
        self._door = await asyncio.get_running_loop().create_server(self._session, sock=_bound(self.port))
        self.door_open.set()

    async def close(self) -> None:
        """Ends every connection, and frees the port."""
        if self._door:
            self._door.close()
        else:
            self._reopening.cancel()
        sessions = tuple(self.sessions)
        for session in sessions:
            session.hang_up()
        await asyncio.gather(*(session.ended.wait() for session in sessions))
        self._place.close()

    async def has_taken(self, messages: int) -> None:
        """Returns when the relay has accepted so many messages in all. Only one caller at a time may wait."""
        self._aim_reached.clear()
        self._aim = messages
        self.arrived()
        await self._aim_reached.wait()

    def arrived(self) -> None:
        """Called after a message was logged: wakes `has_taken` if it is time."""
        if self.log.taken >= self._aim:
            self._aim_reached.set()

    def shut_the_door(self) -> None:
        """Stops listening for a moment; open connections stay."""
        if self._door:
            self._door.close()
            self._door = None
            self.door_open.clear()
            self._reopening = asyncio.ensure_future(self._reopen())

    async def _reopen(self) -> None:
        await asyncio.sleep(SHUT)
        await self.open()

    def _session(self) -> "_Session":
        self._connections += 1
        return _Session(self, self._connections)


def _bound(port: int) -> socket.socket:
    """A socket bound to the port, beside others of ours that do not listen; 0 is any that is free."""
    # With its protocol named: without it asyncio leaves Nagle's algorithm on, and each answer waits for 40 ms.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((HOST, port))
    return bound


class _Session(asyncio.Protocol):
    """A connection: commands one after the other, or between DATA and the dot the message."""

    _transport: asyncio.Transport

    def __init__(self, relay: Relay, number: int) -> None:
        self.ended = asyncio.Event()
        self._relay, self._log, self._number = relay, relay.log, number
        self._fault = relay.faults.of_connection(number)
        self._attempt_fault: AttemptFault | None = None
        """The fault of the attempt that is under way."""
        self._buffer = bytearray()
        self._answering = False
        """Whether an answer is delayed, so that bytes sent ahead have to wait for it."""
        self._in_body = False
        self._mailing, self._recipient = False, ""
        self._mails = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._relay.sessions.add(self)
        if self._fault == "door shut":
            self._make("door shut")
            self._relay.shut_the_door()
        if self._fault == "turned away":
            self._make("turned away")
            self._leave("421 4.3.2 come back later")
        else:
            self._reply("220 relay.test ESMTP")

    def connection_lost(self, exc: Exception | None) -> None:
        self._relay.sessions.discard(self)
        self.ended.set()

    def hang_up(self) -> None:
        """Ends the connection without an answer."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._go_on()

    def _go_on(self) -> None:
        """Processes the buffer as far as lines and messages are complete."""
        while not self._answering and not self._transport.is_closing():
            if self._in_body:
                if self._buffer and self._attempt_fault == "cut in the body":
                    self._make_to_attempt()
                    self.hang_up()
                    return
                body = self._whole(b".\r\n") if self._buffer.startswith(b".\r\n") else self._whole(b"\r\n.\r\n")
                if body is None:
                    return
                self._end_of_message(body)
            elif (line := self._whole(b"\r\n")) is not None:
                self._command(line.decode("utf-8", "replace"))
            else:
                return

    def _whole(self, end: bytes) -> bytes | None:
        """Takes the bytes before `end` out of the buffer; None, and leaves them, if `end` has not arrived."""
        found = self._buffer.find(end)
        if found < 0:
            return None
        whole = bytes(self._buffer[:found])
        del self._buffer[: found + len(end)]
        return whole

    def _reply(self, text: str) -> None:
        self._transport.write(f"{text}\r\n".encode())

    def _leave(self, text: str) -> None:
        self._reply(text)
        self._transport.close()

    def _make(self, fault: ConnectionFault) -> None:
        self._log.make(self._number, "", fault)

    def _make_to_attempt(self) -> None:
        if self._attempt_fault:
            self._log.make(self._number, self._recipient, self._attempt_fault)

    # --- Commands ---

    def _command(self, line: str) -> None:
        verb, _, argument = line.partition(" ")
        commands: dict[str, Callable[[str], None]] = {
            "EHLO": self._ehlo, "MAIL": self._mail, "RCPT": self._rcpt, "DATA": self._data, "RSET": self._rset,
        }
        if verb.upper() == "QUIT":
            self._leave("221 2.0.0 bye")
        elif verb.upper() in commands:
            commands[verb.upper()](argument)
        else:
            self._reply("502 5.5.1 unknown here")

    def _ehlo(self, argument: str) -> None:
        offered = ["8BITMIME", "SIZE 10000000", "ENHANCEDSTATUSCODES"]
        if self._fault != "no pipelining":
            offered.append("PIPELINING")
        self._reply("\r\n".join(["250-relay.test", *(f"250-{each}" for each in offered[:-1]), f"250 {offered[-1]}"]))

    def _mail(self, argument: str) -> None:
        self._mails += 1
        self._recipient = ""
        some = self._relay.faults.patience(self._number)
        if self._fault == "421 after some" and self._mails > some:
            self._make("421 after some")
            self._leave("421 4.7.0 enough for this connection")
        elif self._fault == "closed after some" and self._mails > some:
            self._make("closed after some")
            self.hang_up()
        elif self._fault == "MAIL 451" and self._mails % 10 == 0:
            self._make("MAIL 451")
            self._mailing = False
            self._reply("451 4.3.0 not now")
        else:
            self._mailing = True
            self._reply("250 2.1.0 ok")

    def _rcpt(self, argument: str) -> None:
        address = argument[len("TO:<"):].partition(">")[0]  # in capitals or not: RFC 5321, section 2.4
        if not self._mailing:
            self._reply("503 5.5.1 MAIL first")
            return
        self._relay.attempts[address] += 1
        self._attempt_fault = self._relay.faults.of_attempt(address, self._relay.attempts[address])
        self._recipient = address
        refusal = _TO_RCPT.get(self._attempt_fault or "")
        if refusal is None:
            self._reply("250 2.1.5 ok")
            return
        self._make_to_attempt()
        self._recipient = ""
        if refusal.startswith("421"):
            self._leave(refusal)
        else:
            self._reply(refusal)

    def _data(self, argument: str) -> None:
        if not self._recipient:
            self._reply("503 5.5.1 no recipient")
        elif self._attempt_fault == "DATA 451":
            self._make_to_attempt()
            self._reply("451 4.3.0 not now")
        else:
            self._in_body = True
            self._reply("354 go on")

    def _rset(self, argument: str) -> None:
        self._mailing, self._recipient = False, ""
        self._reply("250 2.0.0 ok")

    # --- The message ---

    def _end_of_message(self, body: bytes) -> None:
        self._in_body = False
        fault = self._attempt_fault
        taken = fault in (None, "slow", "cut after taking")
        message_id = BytesHeaderParser().parsebytes(body)["Message-ID"] or ""
        self._log.arrive(self._number, self._recipient, message_id, taken=taken)
        self._relay.arrived()
        self._make_to_attempt()
        self._mailing = False
        if fault in ("cut before taking", "cut after taking"):
            self.hang_up()
        else:
            self._answering = True
            wait = SLOW if fault == "slow" else self._relay.care
            asyncio.get_running_loop().call_later(wait, self._answer, _TO_DOT.get(fault or "", "250 2.0.0 taken"))

    def _answer(self, text: str) -> None:
        self._answering = False
        if self._transport.is_closing():
            return
        if text.startswith("421"):
            self._leave(text)
        else:
            self._reply(text)
            self._go_on()


_TO_RCPT = {
    "RCPT 450": "450 4.2.1 try again", "RCPT 550": "550 5.1.1 nobody of that name", "RCPT 421": "421 4.3.2 going down",
}
_TO_DOT = {
    "dot 451": "451 4.3.0 try again", "dot 421": "421 4.3.2 going down", "dot 554": "554 5.6.0 we do not like this",
}
