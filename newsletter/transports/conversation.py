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
from collections.abc import Mapping

from newsletter.model import Message, Receipt
from newsletter.transports.reply import NotSmtp, Reply, ReplyReader, cleaned, receipt_of

_QUIT_TIMEOUT = 5
"""Seconds a relay has to answer QUIT; nothing depends on the answer."""


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
        self._transport, self._extensions = transport, extensions
        self._timeout, self._dot_timeout = timeout, dot_timeout
        self._loop = asyncio.get_running_loop()
        self._reader = ReplyReader()
        self._replies: list[Reply] = []
        self._wanted = 0
        self._waiter: asyncio.Future[None] | None = None
        self._end: Exception | None = None
        transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        return self._end is None and not self._transport.is_closing()

    async def hand_over(self, message: Message) -> Receipt:
        """One transaction. Raises Lost, the connection cut, if it ends before the message has begun."""
        options = [f"SIZE={sum(map(len, message.parts))}"] if "size" in self._extensions else []
        if not (message.sender + message.recipient).isascii():
            if "smtputf8" not in self._extensions:
                return Receipt("refused", 0, "5.6.7", "the relay does not offer SMTPUTF8, which this address needs")
            options.append("SMTPUTF8")
        replies = await self._ask(
            " ".join((f"MAIL FROM:<{message.sender}>", *options)), f"RCPT TO:<{message.recipient}>", "DATA",
        )
        for reply, yes in zip(replies, _YES, strict=False):
            if reply.code // 100 != yes:
                return await self._turned_down(reply, replies)
        if len(replies) < len(_YES) or not self.is_open:
            raise Lost(self._end or ConnectionResetError("the connection was closed"))
        return await self._send(message)

    async def quit(self) -> None:
        """Takes leave of the relay."""
        if self.is_open:
            self._transport.write(b"QUIT\r\n")
            await self._answers(1, self._loop.time() + _QUIT_TIMEOUT)
        self._transport.close()

    def cut(self) -> None:
        """Ends the connection at once: nothing that has not left yet leaves, and no late answer is heard."""
        self._fail(ConnectionAbortedError("cut by us"))

    # --- One transaction ---

    async def _ask(self, *commands: str) -> list[Reply]:
        """The answers to the commands before the message; fewer where the connection has ended or, asked one by one,
        after the first that is no yes."""
        deadline = self._loop.time() + self._timeout
        groups = [commands] if "pipelining" in self._extensions else [(command,) for command in commands]
        replies: list[Reply] = []
        for group in groups:
            if self._end is None:
                self._transport.write("".join(f"{command}\r\n" for command in group).encode())
            replies += await self._answers(len(group), deadline)
            if self._end or replies[-1].code // 100 != _YES[len(replies) - 1]:
                break
        return replies

    async def _send(self, message: Message) -> Receipt:
        self._transport.writelines((*message.parts, b".\r\n"))
        answers = await self._answers(1, self._loop.time() + self._dot_timeout)
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
            await self._reset(b"RSET\r\n")
        elif last == 3 and replies[1].code // 100 in (4, 5):  # DATA to nobody: an empty message, RFC 2920, section 3.1
            await self._reset(b".\r\n", b"RSET\r\n")
        else:  # to somebody, who would get the empty message
            self.cut()
        return receipt_of(decisive)

    async def _reset(self, *commands: bytes) -> None:
        if self._end:
            return
        self._transport.writelines(commands)
        answers = await self._answers(len(commands), self._loop.time() + self._timeout)
        if len(answers) < len(commands) or answers[-1].code != 250:
            self.cut()

    # --- Answers ---

    async def _answers(self, count: int, deadline: float) -> list[Reply]:
        """So many answers; fewer only where the connection has ended, by itself or because the time was up."""
        self._wanted = count
        if self._end is None and len(self._replies) < count:
            self._waiter = self._loop.create_future()
            timer = self._loop.call_at(deadline, self._fail, TimeoutError("the relay takes too long"))
            try:
                await self._waiter
            finally:
                timer.cancel()
                self._waiter = None
        self._wanted = 0
        replies, self._replies = self._replies, []
        return replies

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
        self._wake()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)
