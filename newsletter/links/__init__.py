"""Links: every address of the public pages in a mail, from one table of routes, with tokens that name the subscriber.
"""

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

from newsletter.links.keyring import Keyring, fingerprint
from newsletter.links.routes import ROUTES, Page
from newsletter.links.tokens import Handle, HandleTokens, Purpose, Row, RowTokens, Tokens, named
from newsletter.model import Subscriber

__all__ = [
    "NEWEST", "ROUTES", "Handle", "HandleTokens", "Keyring", "Links", "Page", "Purpose", "Row", "RowTokens", "Tokens",
    "fingerprint", "named",
]

_VERSIONS: Mapping[int, Callable[[Keyring], Tokens]] = MappingProxyType({1: RowTokens, 2: HandleTokens})
NEWEST = 2
"""The version of the links in issues that are frozen from now on."""


class Links:
    """The links of one site, in one version (`Issue.link_version`)."""

    def __init__(self, base_url: str, keyring: Keyring, *, version: int = NEWEST) -> None:
        """`base_url` is the absolute address of the public pages."""
        self._base = base_url.rstrip("/")
        self._tokens = _VERSIONS[version](keyring)
        self._before = cache(self._before_token)

    def unsubscribe(self, newsletter: str, subscriber: Subscriber) -> str:
        """The address of the page that ends the subscription."""
        return self._personal("unsubscribe", newsletter, subscriber)

    def preferences(self, newsletter: str, subscriber: Subscriber) -> str:
        """The address of the page on which the subscriber chooses topics and frequency."""
        return self._personal("preferences", newsletter, subscriber)

    def web(self, issue_id: str) -> str:
        """The address of the issue on the web."""
        return self._base + ROUTES["issue"].format(issue=issue_id)

    def message_id_local(self, issue_id: str, subscriber: Subscriber) -> str:
        """The part before the @ of the Message-ID (`Tokens.message_id_local`)."""
        return self._tokens.message_id_local(issue_id, subscriber)

    def _personal(self, purpose: Purpose, newsletter: str, subscriber: Subscriber) -> str:
        return self._before(purpose, newsletter) + self._tokens.token(purpose, newsletter, subscriber)

    def _before_token(self, purpose: Purpose, newsletter: str) -> str:
        """The beginning of the link, which is the same for every subscriber."""
        return self._base + ROUTES[purpose].format(newsletter=newsletter, token="")
