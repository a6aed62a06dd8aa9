"""Rules for links: their targets and their texts (docs/decisions.md has the sources)."""

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from newsletter.checks.page import Link, Page
from newsletter.checks.rule import Rule
from newsletter.model import Problem

SHORTENERS = frozenset({
    "bit.ly", "buff.ly", "cutt.ly", "goo.gl", "is.gd", "ow.ly", "rb.gy", "rebrand.ly", "t.co", "t.ly", "tiny.cc",
    "tinyurl.com",
})
"""Hosts that hide a link's target; filters count them against a mail."""

_OURS = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"(?:https?://)?((?:[a-z0-9-]+\.)+[a-z]{2,})(?:/\S*)?", re.IGNORECASE)


def is_secure(address: str) -> bool:
    """Whether an address is a complete https address, or one on this machine."""
    try:
        aim = urlsplit(address)
        host = aim.hostname
    except ValueError:
        return False
    return bool(host) and (aim.scheme == "https" or (aim.scheme == "http" and host in _OURS))


def _aim(address: str) -> SplitResult | str:
    """The parts of an address, or the reason why it cannot be read."""
    try:
        aim = urlsplit(address)
        _ = aim.port  # raises ValueError for one that is no port
    except ValueError as error:
        return str(error)
    return aim


def _unreadable(page: Page) -> Iterator[Problem]:
    for link in page.links:
        if isinstance(reason := _aim(link.address), str):
            yield Problem(page.place, f"the link {link.address} cannot be read: {reason}")


def _each(fault: Callable[[Link, SplitResult, str], str]) -> Callable[[Page], Iterator[Problem]]:
    """The problems of a page for which `fault` returns a text, given a web link, its parts and its host."""
    def find(page: Page) -> Iterator[Problem]:
        for link in page.links:
            aim = _aim(link.address)
            if isinstance(aim, str) or (aim.scheme in ("mailto", "tel") and aim.path):
                continue
            if found := fault(link, aim, aim.hostname or ""):
                yield Problem(page.place, found)

    return find


@_each
def _insecure(link: Link, aim: SplitResult, host: str) -> str:
    return "" if is_secure(link.address) else f"the link {link.address or '(empty)'} is not a complete https address"


@_each
def _with_credentials(link: Link, aim: SplitResult, host: str) -> str:
    given = aim.username is not None or aim.password is not None
    return f"the link {link.address} contains a user name or a password" if given else ""


@_each
def _to_a_number(link: Link, aim: SplitResult, host: str) -> str:
    odd = _is_number(host) and host not in _OURS
    return f"the link {link.address} goes to an IP address instead of a host name" if odd else ""


@_each
def _with_a_port(link: Link, aim: SplitResult, host: str) -> str:
    odd = aim.port not in (None, 443) and host not in _OURS
    return f"the link {link.address} names port {aim.port}" if odd else ""


@_each
def _shortened(link: Link, aim: SplitResult, host: str) -> str:
    return f"the link {link.address} is shortened" if host.removeprefix("www.") in SHORTENERS else ""


@_each
def _wordless(link: Link, aim: SplitResult, host: str) -> str:
    return "" if link.words else f"the link {aim.geturl()} has no text"


@_each
def _misleading(link: Link, aim: SplitResult, host: str) -> str:
    host, named = host.removeprefix("www."), _HOST.fullmatch(link.words)
    if not named or f".{host}".endswith(f".{named[1].lower().removeprefix('www.')}"):
        return ""
    return f"the link with the text {link.words} goes to {host}"


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


_PHISHING = "Filters take the link for phishing, and subscribers cannot see where it goes."

RULES: tuple[Rule[Page], ...] = (
    Rule("link-unreadable", "warning", "No mail program can follow the link.",
         "Copy the address from the browser again.", _unreadable),
    Rule("link-insecure", "warning",
         "A link in a mail cannot be relative, and http lets others see what a subscriber reads.",
         "Write the complete address with https:// if the page can be reached that way.", _insecure),
    Rule("link-credentials", "warning", _PHISHING, "Remove everything between // and @.", _with_credentials),
    Rule("link-number", "warning", _PHISHING, "Write the host name instead of the IP address.", _to_a_number),
    Rule("link-port", "warning", "Filters distrust ports, and many networks block them.", "Remove the port.",
         _with_a_port),
    Rule("link-shortened", "warning", _PHISHING, "Write the address that the short link leads to.", _shortened),
    Rule("link-wordless", "warning",
         "A screen reader has nothing to read out.", "Give the link a text that names its target.",
         _wordless),
    Rule("link-misleading", "warning",
         _PHISHING, "Link to the host that the text names, or change the text.", _misleading),
)
