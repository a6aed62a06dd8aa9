"""The settings with which a transport is opened: those of newsletter.toml that concern transports, as frozen data."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Security = Literal["starttls", "tls", "none"]
"""The protection of a connection. If it cannot be had, nothing is sent: clear text never takes its place."""


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """A `[[relay]]`: an SMTP server that accepts the project's mail."""

    host: str
    port: int
    local_hostname: str
    """The sender's own name in EHLO."""
    security: Security
    connections: int
    """How many may be open at a time."""
    username: str
    """Empty means no login."""
    login: Literal["password", "xoauth2"]
    secret: Callable[[], str] = field(repr=False)
    """Gives the password or the access token. It may read a file or run a command; raises ConfigError if that fails."""
    verify: bool
    """Whether the certificate must be valid and issued for the host's name."""
    ca_file: Path | None
    """Certificates to trust instead of the system's."""


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """The settings of all transports; each uses its own. A service with a table of its own gets a field here."""

    root: Path
    """The project's folder."""
    outbox: str
    """The file transport's folder, relative to `root`."""
    dot_timeout: float
    """Seconds to wait for the answer to the end of a message."""
    relays: tuple[RelaySettings, ...]
    """In the order of newsletter.toml."""
