"""Opening a connection to a relay with aiosmtplib: greeting, EHLO, STARTTLS and AUTH.

No requirement is dropped: without the TLS that is configured, no login and no message leaves. A login that is refused
is not tried a second time, as relays lock accounts.
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
"""Gives an OAuth 2.0 access token. It is called for each connection, as a token is valid for an hour or so."""

MECHANISMS = ("plain", "login", "cram-md5")
"""Mechanisms for a login with a password, the preferred one first: TLS protects the secret, and CRAM-MD5 fails at
relays that store passwords hashed."""

_ABOUT_THE_COMMAND = range(500, 505)
"""Codes of refusals that concern the AUTH command itself, not user and password (RFC 4954, section 4)."""


class NoTls(Exception):
    """The relay does not offer the encryption that is configured."""


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """A relay's address, the sender's own name, and the protection of connections."""

    host: str
    port: int
    local_hostname: str
    """The sender's own name in EHLO."""
    security: Security = "starttls"
    tls: ssl.SSLContext | None = None
    """Decides which certificates are valid; None means the system's."""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Login:
    """A user of a relay."""

    username: str
    password: str = field(default="", repr=False)
    token: Token | None = None
    """Used instead of the password if it is set: the login is then XOAUTH2."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens connections to one relay."""

    relay: RelayAddress
    login: Login | None
    tls: ssl.SSLContext | None
    """None if the relay's `security` is "none"."""
    timeout: float
    """Seconds that opening may take in all."""

    @property
    def place(self) -> str:
        return str(self.relay)

    async def open(self) -> SMTP:
        """A connection on which mail may be sent.

        Raises ConfigError if the relay offers no usable login, and the errors that `failure` translates.
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
        """Logs in with the first mechanism that the relay offers, and with the next only if it does not know that one.
        """
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
            f"the relay offers no login that can be used: it offers {_listed(smtp.server_auth_methods)}; "
            f"{_listed(known)} can be used", place=self.place,
            cure="Set login and security as the relay's operator describes.",
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
    """Sends EHLO, or HELO if the relay does not know that (RFC 5321, section 3.2)."""
    try:
        await smtp.ehlo()
    except SMTPHeloError:
        if not smtp.is_connected:
            raise
        await smtp.helo()


async def _encrypt(smtp: SMTP) -> None:
    """Sends STARTTLS, and EHLO again: an offer in clear text may come from an attacker (RFC 3207, section 4.2)."""
    if not smtp.supports_extension("starttls"):
        raise NoTls("it does not offer STARTTLS")
    try:
        await smtp.starttls()
    except SMTPResponseException as error:
        raise NoTls(f"its answer to STARTTLS is {Reply(error.code, error.message)}") from error
    await _greet(smtp)


def failure(error: Exception, opening: Opening) -> ConfigError | TryLater:
    """The error to report if there is no connection: TryLater, or ConfigError if waiting would not help."""
    match error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error:
        case ssl.SSLCertVerificationError(verify_message=reason):
            cure = "Set host to the name in the relay's certificate, or have that renewed; nothing is sent unchecked."
            return TryLater(f"the relay's certificate is not valid: {reason}", place=opening.place, cure=cure)
        case NoTls() as reason:
            cure = 'Set security = "tls" if this port encrypts from the first byte, or use the port that has STARTTLS.'
            found = f"the relay does not encrypt, and nothing is sent in clear text: {reason}"
            return TryLater(found, place=opening.place, cure=cure)
        case SMTPAuthenticationError(code=code, message=message) if code // 100 == 5:
            found = f"the relay refuses the login: {Reply(code, message)}"
            cure = "Correct username and password (or token), then start again: it is not tried meanwhile."
            return ConfigError(found, place=opening.place, cure=cure)
        case ValueError() as reason:  # aiosmtplib's, and Python's where a name cannot be written in ASCII
            found = f"host or local_hostname cannot be used: {cleaned(str(reason))}"
            return ConfigError(found, place=opening.place, cure="Write names as they stand in DNS, in ASCII.")
        case SMTPResponseException(code=code, message=message) if code > 0:  # else the text is aiosmtplib's own
            return _not_now(str(Reply(code, message)), opening)
        case SMTPException(message=reason):
            return _not_now(cleaned(reason), opening)
        case reason:
            return _not_now(cleaned(str(reason)) or "no connection in time", opening)


def _not_now(reason: str, opening: Opening) -> TryLater:
    cure = "Check whether the relay is up, and host, port and security in newsletter.toml; the mail waits."
    return TryLater(f"the relay cannot be used now: {reason}", place=opening.place, cure=cure)


def _listed(names: list[str]) -> str:
    return ", ".join(sorted({name.upper() for name in names})) or "none"
