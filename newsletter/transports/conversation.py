"""One connection to a relay, and the mail transactions on it (RFC 5321, section 3.3), in groups (RFC 2920).

1. MAIL, RCPT and DATA leave in one write if the relay offers PIPELINING; if not, each waits for the answer to the one
   before. A refusal at this stage is definite, and if the connection is lost, the message was definitely not sent.
2. The bytes of the message leave as they are. From now until the answer to the final dot nobody can know whether the
   relay has accepted the message (RFC 1047): a failure is `in_doubt` here, and only here.
3. If the next message is waiting, its MAIL, RCPT and DATA leave in the same write (RFC 2920, section 3.1, permits a
   message at the beginning of a group): one round trip for each message. Its own bytes still wait for their turn.
4. After a refusal, RSET prepares for the next message. A connection that is out of step is cut.

aiosmtplib owns the connection until it has greeted, encrypted and logged in; then the conversation becomes the protocol
of its asyncio transport. aiosmtplib would wait for each answer and scan every byte of a message twice;
`docs/benchmarks.md` has the difference.
"""

import asyncio
import contextlib
import dataclasses
import re
import socket
from collections.abc import Callable, Mapping, Sequence

from newsletter.model import Message, Receipt
from newsletter.transports.reply import NotSmtp, Reply, ReplyReader, cleaned, receipt_of

_QUIT_TIMEOUT = 5
"""Seconds a relay has to answer QUIT; nothing depends on the answer."""

_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)
"""A socket option of Linux; None on other systems."""
_LIMIT = re.compile(r"[0-9]{1,20}")
"""The parameter of SIZE (RFC 1870, section 4); 0 or none means that the relay states no limit."""
_YES = (2, 2, 3)
"""First digits of the positive answers to MAIL, RCPT and DATA."""


class Lost(Exception):
    """The connection ended before a byte of the message had left. `receipt` reports it as definitely not sent."""

    def __init__(self, cause: Reply | Exception) -> None:
        super().__init__(str(cause))
        if isinstance(cause, Reply):
            self.receipt = dataclasses.replace(receipt_of(cause), outcome="deferred")
        else:
            self.receipt = Receipt("deferred", reply=cleaned(f"the connection ended before the message: {cause}"))


@dataclasses.dataclass(eq=False, slots=True)
class _Envelope:
    """The commands before a message."""

    commands: list[str]
    """MAIL, RCPT and DATA."""
    has_left: bool = False


class Conversation(asyncio.Protocol):
    """A connection after the greeting. Messages take turns; the commands of the next one may be sent ahead."""

    def __init__(
        self, transport: asyncio.Transport, extensions: Mapping[str, str], *, timeout: float, dot_timeout: float,
    ) -> None:
        """`extensions` are those of the last EHLO, in lower case (RFC 5321, section 4.1.1.1).

        `timeout` is how many seconds MAIL, RCPT and DATA may take together; `dot_timeout` how many the message may
        take, from its first byte to the answer (RFC 5321, section 4.5.3.2). Both hold for a relay that answers byte by
        byte, too.
        """
        self._transport = transport
        self.pipelines = "pipelining" in extensions
        self._knows_utf8 = "smtputf8" in extensions
        self._size = extensions.get("size")
        self._encrypts = transport.get_extra_info("sslcontext") is not None
        self._timeout, self._dot_timeout = timeout, dot_timeout
        self._loop = asyncio.get_running_loop()
        self._reader = ReplyReader()
        self._turn = asyncio.Lock()
        self._envelopes: list[_Envelope] = []
        """The envelope of the message whose turn it is, and of those that wait, in order."""
        self._owed = 0
        """How many answers the relay still has to send."""
        self._replies: list[Reply] = []
        self._wanted = 0
        self._waiter: asyncio.Future[None] | None = None
        self._deadline = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._end: Exception | None = None
        transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        return self._end is None and not self._transport.is_closing()

    @property
    def is_busy(self) -> bool:
        """Whether a message is under way, or waits for its turn."""
        return bool(self._envelopes)

    async def hand_over(self, message: Message, on_wire: Callable[[], None]) -> Receipt:
        """Runs one transaction when its turn has come; calls `on_wire` before the first byte of the message.

        Raises Lost if the connection ends before that; it is then cut. Errors of `on_wire` are passed on; the caller
        must then cut the connection.
        """
        size = sum(map(len, message.parts))
        if misfit := self._misfit(message, size):
            return misfit
        envelope = _Envelope(self._commands(message, size))
        self._envelopes.append(envelope)
        try:
            async with self._turn:
                if refusal := await self._refusal(await self._ask(envelope)):
                    return refusal
                on_wire()
                return await self._send(message)
        finally:
            self._envelopes.remove(envelope)

    async def quit(self) -> None:
        """Ends the connection with QUIT."""
        if self.is_open:
            self._write(["QUIT"])
            self._deadline = self._loop.time() + _QUIT_TIMEOUT
            await self._answers(1)
        self._transport.close()

    def cut(self) -> None:
        """Ends the connection at once: nothing more leaves, and late answers are ignored."""
        self._fail(ConnectionAbortedError("cut by us"))

    # --- One transaction ---

    def _misfit(self, message: Message, size: int) -> Receipt | None:
        """The refusal of a message that the relay cannot take, which is not offered to it at all; else None (RFC 1870,
        section 6; RFC 6531)."""
        if self._size and _LIMIT.fullmatch(self._size) and 0 < int(self._size) < size:
            reply = f"the message has {size:,} bytes, the relay takes at most {int(self._size):,}"
            return Receipt("refused", 0, "5.3.4", reply)
        if not self._knows_utf8 and not (message.sender + message.recipient).isascii():
            return Receipt("refused", 0, "5.6.7", "the relay does not offer SMTPUTF8, which this address needs")
        return None

    def _commands(self, message: Message, size: int) -> list[str]:
        """MAIL, RCPT and DATA, with only the parameters that the relay offers."""
        mail = f"MAIL FROM:<{message.sender}>"
        if self._size is not None:
            mail += f" SIZE={size}"
        if not (message.sender + message.recipient).isascii():
            mail += " SMTPUTF8"
        return [mail, f"RCPT TO:<{message.recipient}>", "DATA"]

    async def _ask(self, envelope: _Envelope) -> list[Reply]:
        """The answers to the commands before the message. There are fewer if the connection has ended or if, without
        pipelining, one of them is negative: the rest is then not sent."""
        self._deadline = self._loop.time() + self._timeout
        if self.pipelines:
            if not envelope.has_left:
                self._write(envelope.commands)
            return await self._answers(len(envelope.commands))
        replies: list[Reply] = []
        for command, yes in zip(envelope.commands, _YES, strict=True):
            self._write([command])
            replies += await self._answers(1)
            if self._end or replies[-1].code // 100 != yes:
                break
        return replies

    async def _refusal(self, replies: list[Reply]) -> Receipt | None:
        """The receipt of the first negative answer; None if the relay waits for the message. Raises Lost."""
        for reply, yes in zip(replies, _YES, strict=False):
            if reply.code // 100 != yes:
                return await self._turned_down(reply, replies)
        if len(replies) < len(_YES) or not self.is_open:
            raise Lost(self._end or ConnectionResetError("the connection was closed"))
        return None

    async def _send(self, message: Message) -> Receipt:
        self._owed += 1
        pieces = (*message.parts, b".\r\n", self._announcement())
        if self._encrypts:  # else each piece would become a TLS record of its own
            self._transport.write(b"".join(pieces))
        else:
            self._transport.writelines(pieces)
        self._deadline = self._loop.time() + self._dot_timeout
        answers = await self._answers(1)
        if not answers:
            return Receipt("in_doubt", reply=cleaned(f"no answer to the final dot: {self._end}"))
        receipt = receipt_of(answers[0])
        if receipt.outcome == "in_doubt":
            self.cut()
        return receipt

    def _announcement(self) -> bytes:
        """The commands of the next message, if they may be sent before its turn; else empty."""
        if not self.pipelines or len(self._envelopes) < 2:
            return b""
        following = self._envelopes[1]
        following.has_left = True
        self._owed += len(following.commands)
        return _lines(following.commands)

    async def _turned_down(self, decisive: Reply, replies: list[Reply]) -> Receipt:
        """The receipt of the first negative answer. Then prepares the relay for the next message."""
        if decisive.code == 421 or not 400 <= decisive.code <= 599:  # closing, or an answer to another command
            self.cut()
            raise Lost(decisive)
        last = replies[-1].code // 100
        if last in (4, 5):
            await self._reset("RSET")
        elif last == 3 and replies[1].code // 100 in (4, 5):  # DATA without recipient: RFC 2920, section 3.1
            await self._reset(".", "RSET")
        else:  # there is a recipient, who would get an empty message
            self.cut()
        return receipt_of(decisive)

    async def _reset(self, *commands: str) -> None:
        self._write(commands)
        self._deadline = self._loop.time() + self._timeout
        answers = await self._answers(len(commands))
        if len(answers) < len(commands) or answers[-1].code != 250:
            self.cut()

    def _write(self, commands: Sequence[str]) -> None:
        if self._end is None:
            self._owed += len(commands)
            self._transport.write(_lines(commands))

    # --- Answers ---

    async def _answers(self, count: int) -> list[Reply]:
        """The next `count` answers; fewer only if the connection has ended, by itself or at the deadline."""
        self._wanted = count
        if self._end is None and len(self._replies) < count:
            self._waiter = self._loop.create_future()
            self._keep_watch()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._wanted = 0
        replies, self._replies = self._replies[:count], self._replies[count:]
        return replies

    def _keep_watch(self) -> None:
        """Sets a timer that checks the deadline. One timer serves many answers: a new one for each would cost more than
        everything else in waiting."""
        if self._watch is None or self._watch.when() > self._deadline:
            if self._watch:
                self._watch.cancel()
            self._watch = self._loop.call_at(self._deadline, self._look)

    def _look(self) -> None:
        self._watch = None
        if self._waiter is None:
            return
        if self._loop.time() >= self._deadline:
            self._fail(TimeoutError("the relay takes too long"))
        else:
            self._keep_watch()

    def data_received(self, data: bytes) -> None:
        try:
            for reply in self._reader.feed(data):
                self._take(reply)
        except NotSmtp as error:
            self._fail(error)
        if self._owed:
            self._ask_for_the_rest()

    def _ask_for_the_rest(self) -> None:
        """Makes the kernel acknowledge received bytes at once. A relay that uses Nagle's algorithm and sends answers
        one by one holds the next one back until then, and kernels delay it by up to 40 ms (RFC 1122, 4.2.3.2)."""
        if _QUICKACK is not None and (connected := self._transport.get_extra_info("socket")):
            with contextlib.suppress(OSError):
                connected.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def _take(self, reply: Reply) -> None:
        if not self._owed:
            raise NotSmtp(f"an answer that belongs to no command: {reply}")
        self._owed -= 1
        self._replies.append(reply)
        if reply.code == 421:  # no other answer follows (RFC 5321, section 3.8)
            self._fail(ConnectionResetError(f"the relay closes the connection: {reply}"))
        elif len(self._replies) == self._wanted:
            self._wake()

    def eof_received(self) -> None:
        self._fail(ConnectionResetError("the relay closed the connection"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError("the connection was closed"))

    def _fail(self, error: Exception) -> None:
        if self._end is None:
            self._end = error
            self._transport.abort()
            if self._watch:
                self._watch.cancel()
        self._wake()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)


def _lines(commands: Sequence[str]) -> bytes:
    return "".join(f"{command}\r\n" for command in commands).encode()
