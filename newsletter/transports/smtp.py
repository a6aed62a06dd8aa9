"""The transport that hands messages to a relay over SMTP (RFC 5321), on connections that are kept and used again.

1. A message takes an idle connection or opens one: greeting, STARTTLS or TLS, EHLO and AUTH are aiosmtplib's.
2. MAIL, RCPT and DATA are asked one after the other (a relay with PIPELINING could be told all at once: `_converse`).
   What is refused there is refused for certain, and a connection lost there has taken nothing.
3. The bytes leave as they are. From now until the answer to the final dot nobody can tell whether the relay has taken
   the message (RFC 1047): what goes wrong here is `in_doubt`, and only here.
4. The connection goes back to the idle ones, after RSET if something was refused; it is closed if it is out of step.
"""

import asyncio
import contextlib
import dataclasses
import functools
import re
import ssl
from collections.abc import Mapping
from typing import Literal

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPHeloError, SMTPResponse

from newsletter.errors import ConfigError, TryLater
from newsletter.model import Message, Receipt

Security = Literal["starttls", "tls", "none"]
"""How a connection is protected. What is asked for is never given up for clear text."""

_ADDRESS = re.compile(r"[^\s<>@\x00-\x1f\x7f]+@[^\s<>@\x00-\x1f\x7f]+")
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\S)")
_LOOPBACK = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1")
_OUTCOMES: Mapping[int, Literal["sent", "deferred", "refused", "in_doubt"]] = {2: "sent", 4: "deferred", 5: "refused"}
_QUIT_TIMEOUT = 5
"""Seconds a relay has to answer QUIT; nothing depends on the answer."""


class SmtpTransport:
    """One relay. `lanes` is how many connections to it there are at most."""

    def __init__(
        self, host: str, port: int, *, local_hostname: str, security: Security = "starttls", connections: int = 10,
        username: str = "", password: str = "", timeout: float = 300, dot_timeout: float = 600,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`local_hostname` is our name in EHLO. `timeout` and `dot_timeout` are seconds for each answer and for the one
        to the final dot (RFC 5321, section 4.5.3.2). `tls` decides which certificates are good; None is the system's.

        Raises ConfigError if the password would cross a network in clear text.
        """
        if username and security == "none" and not _LOOPBACK.fullmatch(host):
            cure = 'Set security = "starttls" (port 587) or "tls" (port 465).'
            raise ConfigError(f"the password for the relay {host} would be sent unencrypted", cure=cure)
        self.lanes = connections
        self._place, self._dot_timeout = f"{host}:{port}", dot_timeout
        self._new = functools.partial(
            SMTP, hostname=host, port=port, local_hostname=local_hostname, timeout=timeout,
            use_tls=security == "tls", start_tls=security == "starttls",
            tls_context=None if security == "none" else tls or ssl.create_default_context(),
            username=username or None, password=password if username else None,
        )
        self._door = asyncio.Lock()
        self._failures = 0
        self._failure: ConfigError | TryLater | None = None
        self._open = 0
        self._given_up = 0
        self._places: asyncio.LifoQueue[SMTP | None] = asyncio.LifoQueue()
        """Where a connection is idle, or (None) one may be opened: the most recently used is the first out."""
        for _ in range(connections):
            self._places.put_nowait(None)

    async def hand_over(self, message: Message) -> Receipt:
        """What became of the message.

        Raises TryLater if the relay cannot be reached or turns us away, ConfigError if it wants another login: nothing
        has left. When cancelled it closes the connection; what was under way is then in doubt.
        """
        if not (_ADDRESS.fullmatch(message.sender) and _ADDRESS.fullmatch(message.recipient)):
            return Receipt("refused", reply="not an address that can be put on MAIL or RCPT")
        while True:
            smtp, fresh = await self._take()
            try:
                return await self._converse(smtp, message)
            except _Lost as lost:
                if fresh:
                    return lost.receipt
                # Relays close idle connections, and others after so many messages: go on with a new one.
            except BaseException:
                smtp.close()  # an answer still under way would be taken for that to the next command
                raise
            finally:
                self._give_back(smtp)

    async def close(self) -> None:
        """Takes leave of the relay. Messages still under way are not waited for."""
        places = [self._places.get_nowait() for _ in range(self._places.qsize())]
        await asyncio.gather(*(_quit(smtp) for smtp in places if smtp))
        for smtp in places:
            if smtp:
                self._give_back(smtp)
            else:
                self._places.put_nowait(None)
        self._failure = None

    # --- Connections ---

    async def _take(self) -> tuple[SMTP, bool]:
        """A connection, and whether it was opened just now. Waits for one if there are as many as there may be."""
        while True:
            smtp = await self._places.get()
            if smtp and smtp.is_connected:
                return smtp, False
            if smtp:
                self._count_out()
            try:
                return await self._connect(), True
            except BaseException as error:
                if not (isinstance(error, TryLater) and self._open):
                    self._places.put_nowait(None)
                    raise
                self._given_up += 1  # the relay wants no more than are open: do with those

    def _give_back(self, smtp: SMTP) -> None:
        if smtp.is_connected:
            self._places.put_nowait(smtp)
        else:
            self._places.put_nowait(None)
            self._count_out()

    def _count_out(self) -> None:
        """A connection is gone; with the last one the relay is tried afresh, with as many as there may be."""
        self._open -= 1
        while self._given_up and not self._open:
            self._given_up -= 1
            self._places.put_nowait(None)

    async def _connect(self) -> SMTP:
        """One at a time, and who waited meanwhile shares a failure: a wrong password is tried once, not by all."""
        failures = self._failures
        async with self._door:
            if self._failure and (self._failures != failures or isinstance(self._failure, ConfigError)):
                raise self._failure
            smtp = self._new()
            try:
                await smtp.connect()
                await _greet(smtp)
            except (SMTPException, OSError) as error:
                smtp.close()
                self._failures += 1
                self._failure = _failure(error, self._place)
                raise self._failure from error
        self._open += 1
        return smtp

    # --- One message ---

    async def _converse(self, smtp: SMTP, message: Message) -> Receipt:
        """One transaction (RFC 5321, section 3.3). Raises _Lost if the connection ends before the message has begun."""
        options = [b"SIZE=%d" % sum(map(len, message.parts))] if smtp.supports_extension("size") else []
        if not (message.sender + message.recipient).isascii():
            if not smtp.supports_extension("smtputf8"):
                return Receipt("refused", 0, "5.6.7", "the relay does not offer SMTPUTF8, which this address needs")
            options.append(b"SMTPUTF8")
        sender, recipient = f"FROM:<{message.sender}>".encode(), f"TO:<{message.recipient}>".encode()
        for command, expected in (((b"MAIL", sender, *options), 2), ((b"RCPT", recipient), 2), ((b"DATA",), 3)):
            reply = await _ask(smtp, *command)
            if reply.code == 530:  # RFC 4954, section 6, and RFC 3207, section 4: it wants AUTH or STARTTLS first
                raise self._wants_login(reply)
            if reply.code // 100 != expected:
                return await _turned_down(smtp, reply)
        return await self._send(smtp, message)

    async def _send(self, smtp: SMTP, message: Message) -> Receipt:
        try:
            if smtp.protocol is None:
                raise ConnectionResetError("the connection ended after DATA")
            protocol = smtp.protocol
            protocol.write(message.wire + b".\r\n")
        except (SMTPException, OSError) as error:
            raise _Lost(error) from error
        try:
            reply = await protocol.read_response(timeout=self._dot_timeout)
        except (SMTPException, OSError) as error:
            smtp.close()
            return Receipt("in_doubt", reply=_cleaned(f"no answer to the final dot: {error}"))
        receipt = _receipt(reply)
        if receipt.outcome == "in_doubt" or reply.code == 421:
            smtp.close()
        return receipt

    def _wants_login(self, reply: SMTPResponse) -> ConfigError:
        cure = "Set security, username and password_file of this relay as its operator says."
        return ConfigError(f"the relay takes no mail from us: {_said(reply)}", place=self._place, cure=cure)


class _Lost(Exception):
    """The connection ended before a byte of the message had left: definitely not sent."""

    def __init__(self, cause: SMTPResponse | Exception) -> None:
        super().__init__(str(cause))
        if isinstance(cause, SMTPResponse):
            self.receipt = dataclasses.replace(_receipt(cause), outcome="deferred")
        else:
            self.receipt = Receipt("deferred", reply=_cleaned(f"the connection ended before the message: {cause}"))


async def _greet(smtp: SMTP) -> None:
    """EHLO, or HELO where that is not known (RFC 5321, section 3.2), unless STARTTLS or AUTH have seen to it."""
    if not smtp.is_ehlo_or_helo_needed:
        return
    try:
        await smtp.ehlo()
    except SMTPHeloError:
        if not smtp.is_connected:
            raise
        await smtp.helo()


async def _ask(smtp: SMTP, *command: bytes) -> SMTPResponse:
    """The answer to a command before the message; raises _Lost, the connection closed, if there is no sound one."""
    try:
        reply = await smtp.execute_command(*command)
    except (SMTPException, OSError) as error:
        smtp.close()
        raise _Lost(error) from error
    if reply.code == 421 or not 200 <= reply.code <= 599:
        smtp.close()
        raise _Lost(reply)
    return reply


async def _turned_down(smtp: SMTP, reply: SMTPResponse) -> Receipt:
    if reply.code < 400:  # a yes to another question than ours
        smtp.close()
        raise _Lost(reply)
    with contextlib.suppress(_Lost):
        if (await _ask(smtp, b"RSET")).code != 250:
            smtp.close()
    return _receipt(reply)


async def _quit(smtp: SMTP) -> None:
    with contextlib.suppress(SMTPException, OSError):
        await smtp.quit(timeout=_QUIT_TIMEOUT)
    smtp.close()


def _receipt(reply: SMTPResponse) -> Receipt:
    """What an answer to a message means (RFC 5321, section 4.2.1); from one that makes no sense nobody can tell."""
    enhanced = _ENHANCED.match(reply.message)
    return Receipt(
        _OUTCOMES.get(reply.code // 100, "in_doubt"), reply.code, enhanced[0] if enhanced else "",
        _cleaned(reply.message),
    )


def _failure(error: Exception, place: str) -> ConfigError | TryLater:
    """Why there is no connection, in words that name the cure."""
    if isinstance(error, SMTPAuthenticationError) and error.code // 100 == 5:
        cure = "Correct username and password_file of this relay, then start again: it is not tried meanwhile."
        return ConfigError(f"the relay refuses our login: {_said(error)}", place=place, cure=cure)
    reason = error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        cure = "Set host to the name in the relay's certificate, or have that renewed; nothing is sent unchecked."
        return TryLater(f"the relay's certificate is not good: {reason.verify_message}", place=place, cure=cure)
    cure = "Look whether the relay is up, and at host, port and security in newsletter.toml; the mail waits."
    return TryLater(f"the relay cannot be used now: {_cleaned(str(reason))}", place=place, cure=cure)


def _said(reply: SMTPResponse | SMTPAuthenticationError) -> str:
    return f"{reply.code} {_cleaned(reply.message)}"


def _cleaned(text: str) -> str:
    """A relay's words on one line, without control characters, of at most 500 characters."""
    printable = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(printable.split())[:500]
