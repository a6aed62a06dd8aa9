"""How a connection to a relay begins: greeting, EHLO, STARTTLS and AUTH, each of them aiosmtplib's.

What is asked for is done or nothing is sent: without the TLS that is wanted no login and no message leaves, and a login
that is refused is not tried a second time, as relays lock accounts.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPHeloError, SMTPResponseException

from newsletter.errors import ConfigError, TryLater
from newsletter.transports.reply import Reply, cleaned
from newsletter.transports.settings import Security

Token = Callable[[], Awaitable[str]]
"""Gives an OAuth 2.0 access token; asked for each connection, as a token is good for an hour or so."""

MECHANISMS = ("plain", "login", "cram-md5")
"""Ways to log in with a password, the preferred first: TLS keeps the secret, and CRAM-MD5 fails at relays that keep
passwords hashed."""

_ABOUT_THE_COMMAND = range(500, 505)
"""Refusals of AUTH that say nothing about user and password: not known here (RFC 4954, section 4)."""


class NoTls(Exception):
    """The relay does not offer the encryption that is wanted."""


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """Where a relay is, how we greet it, and how connections to it are protected."""

    host: str
    port: int
    local_hostname: str
    """Our name in EHLO."""
    security: Security = "starttls"
    tls: ssl.SSLContext | None = None
    """Decides which certificates are good; None is the system's."""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are to a relay."""

    username: str
    password: str = field(default="", repr=False)
    token: Token | None = None
    """In place of the password: the login is XOAUTH2."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How connections to one relay are opened."""

    relay: RelayAddress
    login: Login | None
    tls: ssl.SSLContext | None
    """None where the relay's `security` is "none"."""
    timeout: float
    """Seconds for all of it."""

    @property
    def place(self) -> str:
        return str(self.relay)

    async def open(self) -> SMTP:
        """A connection on which mail may be sent.

        Raises ConfigError if no way to log in is left, and what `failure` has words for.
        """
        token = await self.login.token() if self.login and self.login.token else ""
        smtp = SMTP(
            hostname=self.relay.host, port=self.relay.port, local_hostname=self.relay.local_hostname,
            timeout=self.timeout, use_tls=self.relay.security == "tls", start_tls=False, tls_context=self.tls,
        )
        try:
            async with asyncio.timeout(self.timeout):
                await smtp.connect()
                await _greet(smtp)
                if self.relay.security == "starttls":
                    await _encrypt(smtp)
                if self.login:
                    await self._log_in(self.login, smtp, token)
            if not smtp.is_connected:
                raise ConnectionResetError("it closed the connection after its greeting")
        except BaseException:
            smtp.close()
            raise
        return smtp

    async def _log_in(self, login: Login, smtp: SMTP, token: str) -> None:
        """By the first mechanism that the relay knows; only if it turns out not to know it, by the next."""
        known = ["xoauth2"] if login.token else list(MECHANISMS)
        refusal: SMTPAuthenticationError | None = None
        for mechanism in [each for each in known if each in smtp.server_auth_methods]:
            try:
                await _log_in_by(mechanism, login, smtp, token)
            except SMTPAuthenticationError as error:
                if error.code not in _ABOUT_THE_COMMAND:
                    raise
                refusal = error
            else:
                return
        if refusal:
            raise refusal
        raise ConfigError(
            f"the relay offers no login that we can do: it knows {_listed(smtp.server_auth_methods)}, "
            f"we know {_listed(known)}", place=self.place, cure="Set login and security as the relay's operator says.",
        )


async def _log_in_by(mechanism: str, login: Login, smtp: SMTP, token: str) -> None:
    match mechanism:
        case "plain":
            await smtp.auth_plain(login.username, login.password)
        case "login":
            await smtp.auth_login(login.username, login.password)
        case "cram-md5":
            await smtp.auth_crammd5(login.username, login.password)
        case "xoauth2":
            await smtp.auth_xoauth2(login.username, token)


async def _greet(smtp: SMTP) -> None:
    """EHLO, or HELO where that is not known (RFC 5321, section 3.2)."""
    try:
        await smtp.ehlo()
    except SMTPHeloError:
        if not smtp.is_connected:
            raise
        await smtp.helo()


async def _encrypt(smtp: SMTP) -> None:
    """STARTTLS, and EHLO once more: what was offered in clear text may be a stranger's (RFC 3207, section 4.2)."""
    if not smtp.supports_extension("starttls"):
        raise NoTls("it does not offer STARTTLS")
    try:
        await smtp.starttls()
    except SMTPResponseException as error:
        raise NoTls(f"to STARTTLS it says {Reply(error.code, error.message)}") from error
    await _greet(smtp)


def failure(error: Exception, opening: Opening) -> ConfigError | TryLater:
    """Why there is no connection, in words that name the cure: TryLater, or ConfigError where waiting mends nothing."""
    match error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error:
        case ssl.SSLCertVerificationError(verify_message=words):
            cure = "Set host to the name in the relay's certificate, or have that renewed; nothing is sent unchecked."
            return TryLater(f"the relay's certificate is not good: {words}", place=opening.place, cure=cure)
        case NoTls() as reason:
            cure = 'Set security = "tls" if this port encrypts from the first byte, or use the port that has STARTTLS.'
            words = f"the relay does not encrypt, and nothing is sent in clear text: {reason}"
            return TryLater(words, place=opening.place, cure=cure)
        case SMTPAuthenticationError(code=code, message=message) if code // 100 == 5:
            words = f"the relay refuses our login: {Reply(code, message)}"
            cure = "Correct username and password (or token), then start again: it is not tried meanwhile."
            return ConfigError(words, place=opening.place, cure=cure)
        case ValueError() as reason:  # aiosmtplib's, and Python's where a name cannot be written in ASCII
            words = f"host or local_hostname cannot be used: {cleaned(str(reason))}"
            return ConfigError(words, place=opening.place, cure="Write names as they stand in DNS, in ASCII.")
        case SMTPResponseException(code=code, message=message) if code > 0:  # else aiosmtplib's own words
            return _not_now(str(Reply(code, message)), opening)
        case SMTPException(message=words):
            return _not_now(cleaned(words), opening)
        case reason:
            return _not_now(cleaned(str(reason)) or "no connection within the time", opening)


def _not_now(words: str, opening: Opening) -> TryLater:
    cure = "Look whether the relay is up, and at host, port and security in newsletter.toml; the mail waits."
    return TryLater(f"the relay cannot be used now: {words}", place=opening.place, cure=cure)


def _listed(names: list[str]) -> str:
    return ", ".join(sorted({name.upper() for name in names})) or "none"
