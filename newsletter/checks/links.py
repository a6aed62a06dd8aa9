"""Links: where they may go, and what their words say (docs/decisions.md has the rules' sources)."""

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
"""Hosts that hide where a link goes; filters hold them against a mail."""

_OURS = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"(?:https?://)?((?:[a-z0-9-]+\.)+[a-z]{2,})(?:/\S*)?", re.IGNORECASE)


def is_secure(address: str) -> bool:
    """Whether an address is a whole https address, or one on this machine."""
    try:
        aim = urlsplit(address)
        host = aim.hostname
    except ValueError:
        return False
    return bool(host) and (aim.scheme == "https" or (aim.scheme == "http" and host in _OURS))


def _aim(address: str) -> SplitResult | str:
    """The parts of an address, or why it has none."""
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
    """The problems of a page where `fault` says what is wrong with a link to the web, given its parts and its host."""
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
    return "" if is_secure(link.address) else f"the link {link.address or '(empty)'} is not a whole https address"


@_each
def _with_credentials(link: Link, aim: SplitResult, host: str) -> str:
    given = aim.username is not None or aim.password is not None
    return f"the link {link.address} has a name or password in it" if given else ""


@_each
def _to_a_number(link: Link, aim: SplitResult, host: str) -> str:
    return f"the link {link.address} goes to a bare IP address" if _is_number(host) and host not in _OURS else ""


@_each
def _with_a_port(link: Link, aim: SplitResult, host: str) -> str:
    odd = aim.port not in (None, 443) and host not in _OURS
    return f"the link {link.address} names port {aim.port}" if odd else ""


@_each
def _shortened(link: Link, aim: SplitResult, host: str) -> str:
    return f"the link {link.address} is shortened" if host.removeprefix("www.") in SHORTENERS else ""


@_each
def _wordless(link: Link, aim: SplitResult, host: str) -> str:
    return "" if link.words else f"the link {aim.geturl()} has no words"


@_each
def _misleading(link: Link, aim: SplitResult, host: str) -> str:
    host, named = host.removeprefix("www."), _HOST.fullmatch(link.words)
    if not named or f".{host}".endswith(f".{named[1].lower().removeprefix('www.')}"):
        return ""
    return f"the link that reads {link.words} goes to {host}"


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


_PHISHING = "Filters take it for phishing, and readers cannot see where it goes."

RULES: tuple[Rule[Page], ...] = (
    Rule("link-unreadable", "warning", "No mail program can follow it.",
         "Copy the address from the browser again.", _unreadable),
    Rule("link-insecure", "warning", "A mail has no page to be relative to, and http shows others what is read.",
         "Write https:// if the page can be reached so.", _insecure),
    Rule("link-credentials", "warning", _PHISHING, "Take out what stands before the @.", _with_credentials),
    Rule("link-number", "warning", _PHISHING, "Write the name of the host.", _to_a_number),
    Rule("link-port", "warning", "Filters distrust ports, and many networks block them.", "Take the port out.",
         _with_a_port),
    Rule("link-shortened", "warning", _PHISHING, "Write the address that it leads to.", _shortened),
    Rule("link-wordless", "warning", "A screen reader has nothing to read out.", "Say in its text where it goes.",
         _wordless),
    Rule("link-misleading", "warning", _PHISHING, "Let a link that names a host go there.", _misleading),
)
