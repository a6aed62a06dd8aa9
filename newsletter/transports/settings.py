"""What a transport is opened with: the settings of newsletter.toml that concern transports, as frozen data."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Security = Literal["starttls", "tls", "none"]
"""How a connection is protected. A protection that is asked for is never given up for clear text."""


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """A `[[relay]]`: an SMTP server that takes our mail."""

    host: str
    port: int
    local_hostname: str
    """Our name in EHLO."""
    security: Security
    connections: int
    """How many are open at a time."""
    username: str
    """Empty: no login."""
    login: Literal["password", "xoauth2"]
    secret: Callable[[], str] = field(repr=False)
    """Gives the password or the access token. It may read a file or run a command, and it raises ConfigError."""
    verify: bool
    """Whether the certificate must be valid and in the host's name."""
    ca_file: Path | None
    """Certificates to trust instead of the system's."""


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """The settings of all transports; each takes its own. A service with a table of its own gets a field here."""

    root: Path
    """The project's folder."""
    outbox: str
    """The file transport's folder, relative to `root`."""
    dot_timeout: float
    """Seconds to wait for the answer to the end of a message."""
    relays: tuple[RelaySettings, ...]
    """In the order of newsletter.toml."""
