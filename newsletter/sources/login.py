"""A login for one site, and addresses without the logins that they may contain."""

import re
from base64 import b64encode
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Self

import httpx2

from newsletter.sources.network import Refused


@dataclass(frozen=True, slots=True)
class Login:
    """A user name and password for the site of one address, by HTTP basic authentication (RFC 7617)."""

    address: str
    username: str
    password: str = field(repr=False)

    @classmethod
    def within(cls, address: str) -> Self | None:
        """The login that an address contains, or None. Raises httpx2.InvalidURL."""
        url = httpx2.URL(address)
        return cls(address, url.username, url.password) if url.userinfo else None

    def authorization(self, url: httpx2.URL) -> str:
        """The Authorization header for a request; empty for any site but the login's own.

        Raises Refused if the password would be sent unencrypted to another machine.
        """
        if _site(url) != _site(httpx2.URL(self.address)):
            return ""
        if url.scheme != "https" and not _is_this_machine(url.host):
            raise Refused("the password would be sent unencrypted", 'Begin the address with "https://".')
        return "Basic " + b64encode(f"{self.username}:{self.password}".encode()).decode()


def shown(address: str) -> str:
    """An address without its login, as it may be shown anywhere."""
    try:
        url = httpx2.URL(address)
        return str(without_login(url)) if url.userinfo else address
    except (httpx2.InvalidURL, ValueError):
        return re.sub(r"://.*@", "://", address, flags=re.DOTALL)


def without_login(url: httpx2.URL) -> httpx2.URL:
    return url.copy_with(userinfo=b"")


def _site(url: httpx2.URL) -> tuple[str, str, int | None]:
    """Scheme, host and port, which browsers call the origin (RFC 6454)."""
    return url.scheme, url.host, url.port


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
