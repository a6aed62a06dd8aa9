"""One connection to a relay, and the mail transactions on it (RFC 5321, section 3.3), in groups (RFC 2920).

1. MAIL, RCPT and DATA leave in one write if the relay offers PIPELINING, else each waits for the answer to the one
   before. What is refused there is refused for certain, and a connection lost there has taken nothing.
2. The bytes of the message leave as they are. From now until the answer to the final dot nobody can tell whether the
   relay has taken the message (RFC 1047): what goes wrong here is `in_doubt`, and only here.
3. After a refusal RSET makes ready for the next message. A connection that is out of step is cut.

The connection is aiosmtplib's as long as it takes to greet, encrypt and log in; then the conversation is the protocol
of its transport. aiosmtplib waits for each answer and looks through every byte of a message twice: `docs/benchmarks.md`
has the difference.
"""

import asyncio
import dataclasses
import re
from collections.abc import Callable, Mapping

from newsletter.model import Message, Receipt
from newsletter.transports.reply import NotSmtp, Reply, ReplyReader, cleaned, receipt_of

_QUIT_TIMEOUT = 5
"""Seconds a relay has to answer QUIT; nothing depends on the answer."""

_LIMIT = re.compile(r"[0-9]{1,20}")
"""The parameter of SIZE (RFC 1870, section 4); 0 or none means that nothing is promised."""
_YES = (2, 2, 3)
"""First digits of the answers to MAIL, RCPT and DATA that let us go on."""


class Lost(Exception):
    """The connection ended before a byte of the message had left: definitely not sent, and `receipt` says so."""

    def __init__(self, cause: Reply | Exception) -> None:
        super().__init__(str(cause))
        if isinstance(cause, Reply):
            self.receipt = dataclasses.replace(receipt_of(cause), outcome="deferred")
        else:
            self.receipt = Receipt("deferred", reply=cleaned(f"the connection ended before the message: {cause}"))


class Conversation(asyncio.Protocol):
    """A connection on which the relay has greeted us; one message at a time."""

    def __init__(
        self, transport: asyncio.Transport, extensions: Mapping[str, str], *, timeout: float, dot_timeout: float,
    ) -> None:
        """`extensions` are those of the last EHLO, in lower case (RFC 5321, section 4.1.1.1).

        `timeout` is the seconds until MAIL, RCPT and DATA are answered, all of them; `dot_timeout` those until the
        message is written and answered (RFC 5321, section 4.5.3.2). A relay that drips cannot hold us longer.
        """
        self._transport = transport
        self._pipelines = "pipelining" in extensions
        self._knows_utf8 = "smtputf8" in extensions
        self._size = extensions.get("size")
        self._timeout, self._dot_timeout = timeout, dot_timeout
        self._loop = asyncio.get_running_loop()
        self._reader = ReplyReader()
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

    async def hand_over(self, message: Message, on_wire: Callable[[], None]) -> Receipt:
        """One transaction; `on_wire` is called before the first byte of the message.

        Raises Lost, the connection cut, if it ends before that, and what `on_wire` raises: cut it then.
        """
        size = sum(map(len, message.parts))
        if misfit := self._misfit(message, size):
            return misfit
        replies = await self._ask(self._commands(message, size))
        for reply, yes in zip(replies, _YES, strict=False):
            if reply.code // 100 != yes:
                return await self._turned_down(reply, replies)
        if len(replies) < len(_YES) or not self.is_open:
            raise Lost(self._end or ConnectionResetError("the connection was closed"))
        on_wire()
        return await self._send(message)

    async def quit(self) -> None:
        """Takes leave of the relay."""
        if self.is_open:
            self._write("QUIT")
            self._deadline = self._loop.time() + _QUIT_TIMEOUT
            await self._answers(1)
        self._transport.close()

    def cut(self) -> None:
        """Ends the connection at once: nothing that has not left yet leaves, and no late answer is heard."""
        self._fail(ConnectionAbortedError("cut by us"))

    # --- One transaction ---

    def _misfit(self, message: Message, size: int) -> Receipt | None:
        """Why the relay cannot take the message, so that it is not even asked (RFC 1870, section 6; RFC 6531)."""
        if self._size and _LIMIT.fullmatch(self._size) and 0 < int(self._size) < size:
            words = f"the message has {size:,} bytes, the relay takes at most {int(self._size):,}"
            return Receipt("refused", 0, "5.3.4", words)
        if not self._knows_utf8 and not (message.sender + message.recipient).isascii():
            return Receipt("refused", 0, "5.6.7", "the relay does not offer SMTPUTF8, which this address needs")
        return None

    def _commands(self, message: Message, size: int) -> list[str]:
        """MAIL, RCPT and DATA, with those parameters alone that the relay offers."""
        mail = f"MAIL FROM:<{message.sender}>"
        if self._size is not None:
            mail += f" SIZE={size}"
        if not (message.sender + message.recipient).isascii():
            mail += " SMTPUTF8"
        return [mail, f"RCPT TO:<{message.recipient}>", "DATA"]

    async def _ask(self, commands: list[str]) -> list[Reply]:
        """The answers to the commands before the message; fewer where the connection has ended or, asked one by one,
        after the first that is no yes."""
        self._deadline = self._loop.time() + self._timeout
        if self._pipelines:
            self._write("\r\n".join(commands))
            return await self._answers(len(commands))
        replies: list[Reply] = []
        for command, yes in zip(commands, _YES, strict=True):
            self._write(command)
            replies += await self._answers(1)
            if self._end or replies[-1].code // 100 != yes:
                break
        return replies

    async def _send(self, message: Message) -> Receipt:
        self._transport.writelines((*message.parts, b".\r\n"))
        self._deadline = self._loop.time() + self._dot_timeout
        answers = await self._answers(1)
        if not answers:
            return Receipt("in_doubt", reply=cleaned(f"no answer to the final dot: {self._end}"))
        receipt = receipt_of(answers[0])
        if receipt.outcome == "in_doubt":
            self.cut()
        return receipt

    async def _turned_down(self, decisive: Reply, replies: list[Reply]) -> Receipt:
        """The first answer that is no yes decides; then the relay is made ready for the next message."""
        if decisive.code == 421 or not 400 <= decisive.code <= 599:  # closing, or an answer to another question
            self.cut()
            raise Lost(decisive)
        last = replies[-1].code // 100
        if last in (4, 5):
            await self._reset("RSET")
        elif last == 3 and replies[1].code // 100 in (4, 5):  # DATA to nobody: an empty message, RFC 2920, section 3.1
            await self._reset(".", "RSET")
        else:  # to somebody, who would get the empty message
            self.cut()
        return receipt_of(decisive)

    async def _reset(self, *commands: str) -> None:
        self._write("\r\n".join(commands))
        self._deadline = self._loop.time() + self._timeout
        answers = await self._answers(len(commands))
        if len(answers) < len(commands) or answers[-1].code != 250:
            self.cut()

    def _write(self, commands: str) -> None:
        if self._end is None:
            self._transport.write(f"{commands}\r\n".encode())

    # --- Answers ---

    async def _answers(self, count: int) -> list[Reply]:
        """So many answers; fewer only where the connection has ended, by itself or because the deadline has come."""
        self._wanted = count
        if self._end is None and len(self._replies) < count:
            self._waiter = self._loop.create_future()
            self._keep_watch()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._wanted = 0
        replies, self._replies = self._replies, []
        return replies

    def _keep_watch(self) -> None:
        """Has the deadline looked at when it comes. One timer does for many answers: a new one for each costs more
        than all else that is done to wait."""
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

    def _take(self, reply: Reply) -> None:
        if len(self._replies) >= self._wanted:
            raise NotSmtp(f"an answer to no question of ours: {reply}")
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
