"""The transport that hands messages to a relay over SMTP (RFC 5321), on connections that are kept and reused.

1. A message takes an idle connection, opens one (see `opening`), or waits behind the message of a busy one.
2. The message is sent over it (see `conversation`), or over another one if the connection turns out to be closed.
3. The connection is offered to the next message, unless it was cut.
"""

import asyncio
import re
import ssl
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import cast

from aiosmtplib import SMTPAuthenticationError, SMTPException

from newsletter.address import can_be_sent
from newsletter.errors import ConfigError, NewsletterError, TryLater, UsageError
from newsletter.model import Message, Receipt
from newsletter.transports.conversation import Conversation, Lost
from newsletter.transports.opening import Login, NoTls, Opening, RelayAddress, failure
from newsletter.transports.reply import Reply
from newsletter.transports.settings import RelaySettings, TransportSettings

_LOOPBACK = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1")
_LOGIN_TRIES = 3
"""How many logins in a row may be deferred before a person must look: more may lock the account."""
_WANTS_LOGIN = 530
"""The code with which a relay demands AUTH or STARTTLS (RFC 4954, section 6, and RFC 3207, section 4)."""

_IDLE, _UNOPENED, _BEHIND = range(3)
"""The kinds of seat for a message, the preferred one first: on an idle connection, the most recently used first; on a
new connection; behind the message of a busy one, the oldest offer first (so that offers of closed connections are used
up)."""


class SmtpTransport:
    """The transport for one relay. `lanes` is twice the largest number of connections: on each of them one message is
    being sent and the next may wait."""

    def __init__(
        self, relay: RelayAddress, login: Login | None = None, *, connections: int = 10, timeout: float = 300,
        dot_timeout: float = 600,
    ) -> None:
        """`timeout` is how many seconds opening a connection may take, and how many MAIL, RCPT and DATA may take
        together; `dot_timeout` how many the message itself may take (RFC 5321, section 4.5.3.2).

        Raises ConfigError if the password would cross a network in clear text.
        """
        if login and relay.security == "none" and not _LOOPBACK.fullmatch(relay.host):
            cure = 'Set security = "starttls" (port 587) or "tls" (port 465).'
            raise ConfigError(f"the password for the relay {relay.host} would be sent unencrypted", cure=cure)
        self.lanes = 2 * connections
        self._timeout, self._dot_timeout = timeout, dot_timeout
        tls = None if relay.security == "none" else relay.tls or ssl.create_default_context()
        self._opening = Opening(relay, login, tls, timeout)
        self._door = asyncio.Lock()
        self._failures = 0
        self._failure: NewsletterError | None = None
        self._logins_put_off = 0
        self._open: set[Conversation] = set()
        self._given_up = 0
        self._seats: asyncio.PriorityQueue[tuple[int, int, Conversation | None]] = asyncio.PriorityQueue()
        """The seats on offer: kind (`_IDLE` ...), a number for the order, and the connection, None for a new one."""
        self._numbers = count()
        for _ in range(connections):
            self._offer(_UNOPENED)

    async def hand_over(self, message: Message, on_wire: Callable[[], None]) -> Receipt:
        """Reports the message's outcome; calls `on_wire` when the relay waits for its first byte.

        Raises TryLater if the relay cannot be reached or refuses the connection, ConfigError if it demands another
        login: nothing has left. If it is cancelled, it closes the connection; a message under way is then in doubt.
        """
        if not (can_be_sent(message.sender) and can_be_sent(message.recipient)):
            return Receipt("refused", reply="not an address that can be put on MAIL or RCPT")
        while True:
            conversation, fresh = await self._take()
            try:
                receipt = await conversation.hand_over(message, on_wire)
                if receipt.code == _WANTS_LOGIN:
                    raise self._wants_login(receipt)
                return receipt
            except Lost as lost:
                if fresh:
                    return lost.receipt
                # Relays close connections that are idle or have carried many messages: go on with a new one.
            except BaseException:
                conversation.cut()  # an answer still under way would count as the answer to the next command
                raise
            finally:
                self._give_back(conversation)

    async def close(self) -> None:
        """Ends idle connections with QUIT. It does not wait for messages that are under way."""
        idle = [conversation for conversation in self._open if not conversation.is_busy]
        await asyncio.gather(*(conversation.quit() for conversation in idle))
        for conversation in idle:
            self._count_out(conversation)
        self._failure, self._logins_put_off = None, 0

    # --- Connections ---

    async def _take(self) -> tuple[Conversation, bool]:
        """A connection, and whether it was opened just now. Waits for one if no more may be opened."""
        while True:
            _, _, conversation = await self._seats.get()
            if conversation and conversation.is_open:
                return conversation, False
            if conversation:
                self._count_out(conversation)
                continue
            try:
                return await self._connect(), True
            except BaseException as error:
                if not (isinstance(error, TryLater) and self._open):
                    self._offer(_UNOPENED)
                    raise
                self._given_up += 1  # the relay allows no more connections: use the open ones

    def _give_back(self, conversation: Conversation) -> None:
        if not conversation.is_open:
            self._count_out(conversation)
        elif conversation.is_busy:
            self._offer(_BEHIND, conversation)
        else:
            self._offer(_IDLE, conversation)

    def _offer(self, rank: int, conversation: Conversation | None = None) -> None:
        number = next(self._numbers)
        self._seats.put_nowait((rank, -number if rank == _IDLE else number, conversation))

    def _count_out(self, conversation: Conversation) -> None:
        """Removes a closed connection. After the last one, all connections that were given up may be tried again."""
        if conversation not in self._open:
            return
        self._open.remove(conversation)
        self._offer(_UNOPENED)
        while self._given_up and not self._open:
            self._given_up -= 1
            self._offer(_UNOPENED)

    async def _connect(self) -> Conversation:
        """Opens a connection, one at a time. Callers that waited meanwhile share a failure: a wrong password is tried
        once, not by each of them."""
        failures = self._failures
        async with self._door:
            if self._failure and (self._failures != failures or isinstance(self._failure, ConfigError)):
                raise self._failure
            try:
                smtp = await self._opening.open()
            except NewsletterError as error:
                self._failed(error)
                raise
            except (NoTls, SMTPException, OSError, ValueError) as error:
                reported = self._attention(error) or failure(error, self._opening)
                self._failed(reported)
                raise reported from error
        self._logins_put_off = 0
        conversation = Conversation(
            cast(asyncio.Transport, smtp.transport), smtp.esmtp_extensions,
            timeout=self._timeout, dot_timeout=self._dot_timeout,
        )
        self._open.add(conversation)
        if conversation.pipelines:
            self._offer(_BEHIND, conversation)
        return conversation

    def _failed(self, error: NewsletterError) -> None:
        self._failures += 1
        self._failure = error

    def _attention(self, error: Exception) -> ConfigError | None:
        """The error that ends the attempts if one login after another is deferred while no connection is open."""
        if not isinstance(error, SMTPAuthenticationError) or error.code // 100 != 4 or self._open:
            return None
        self._logins_put_off += 1
        if self._logins_put_off < _LOGIN_TRIES:
            return None
        cure = "Check the account, username and password, and ask the relay's operator; then start again."
        found = f"the relay has deferred the login {_LOGIN_TRIES} times in a row: {Reply(error.code, error.message)}"
        return ConfigError(found, place=self._opening.place, cure=cure)

    def _wants_login(self, receipt: Receipt) -> ConfigError:
        cure = "Set security, username and password_file of this relay as its operator describes."
        return ConfigError(f"the relay demands a login or encryption first: {receipt.code} {receipt.reply}",
                           place=self._opening.place, cure=cure)


def opened(settings: TransportSettings) -> SmtpTransport:
    """The transport for the first `[[relay]]`. Raises UsageError if there is none, ConfigError if its secret cannot be
    read."""
    if not settings.relays:
        raise UsageError("there is no relay to send to", place="newsletter.toml", cure="Add a [[relay]] with its host.")
    relay = settings.relays[0]
    address = RelayAddress(relay.host, relay.port, relay.local_hostname, relay.security, _trust(relay))
    return SmtpTransport(
        address, _login(relay), connections=relay.connections, dot_timeout=settings.dot_timeout,
    )


def _login(relay: RelaySettings) -> Login | None:
    if not relay.username:
        return None
    if relay.login == "xoauth2":
        return Login(relay.username, token=partial(asyncio.to_thread, relay.secret))
    return Login(relay.username, relay.secret())


def _trust(relay: RelaySettings) -> ssl.SSLContext | None:
    """The certificates to trust: the system's, or those of `ca_file`; any if `verify` is false."""
    if relay.verify:
        return ssl.create_default_context(cafile=relay.ca_file) if relay.ca_file else None
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
