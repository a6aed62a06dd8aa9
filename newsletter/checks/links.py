"""Links and pictures: where they may go, and what they have to say (docs/decisions.md has the rules' sources)."""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from newsletter.checks.page import Link, Page
from newsletter.model import Problem

SHORTENERS = frozenset({
    "bit.ly", "buff.ly", "cutt.ly", "goo.gl", "is.gd", "ow.ly", "rb.gy", "rebrand.ly", "t.co", "t.ly", "tiny.cc",
    "tinyurl.com",
})
"""Hosts that hide where a link goes; filters hold them against a mail."""

_OURS = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"(?:https?://)?((?:[a-z0-9-]+\.)+[a-z]{2,})(?:/\S*)?", re.IGNORECASE)
_SECURE = "Write https:// if the page can be reached so."


def faults(page: Page, place: str) -> Iterator[Problem]:
    """What is wrong with the links and pictures of a block that stands at `place`."""
    for link in page.links:
        yield from (Problem(place, found, cure) for found, cure in _of_link(link))
    for address in page.pictures:
        if not _is_secure(address):
            yield Problem(place, f"the picture {address} is not at an https address", _SECURE)
    for address in page.wordless:
        yield Problem(place, f"the picture {address} has no words", 'Write alt="…" that says what it shows, or alt="".')


def _of_link(link: Link) -> Iterator[tuple[str, str]]:
    try:
        aim = urlsplit(link.address)
        port = aim.port
    except ValueError as error:
        yield f"the link {link.address} cannot be read: {error}", "Copy the address from the browser again."
        return
    if aim.scheme in ("mailto", "tel") and aim.path:
        return
    host = aim.hostname or ""
    if not _is_secure(link.address):
        yield f"the link {link.address or '(empty)'} is not a whole https address", _SECURE
    if aim.username is not None or aim.password is not None:
        yield f"the link {link.address} has a name or password in it", "Take out what stands before the @."
    if _is_number(host) and host not in _OURS:
        yield f"the link {link.address} goes to a bare IP address", "Write the name of the host."
    if port not in (None, 443) and host not in _OURS:
        yield f"the link {link.address} names port {port}", "Take the port out; filters distrust it."
    if host.removeprefix("www.") in SHORTENERS:
        yield f"the link {link.address} is shortened", "Write the address that it leads to."
    yield from _of_words(link.words, aim)


def _of_words(words: str, aim: SplitResult) -> Iterator[tuple[str, str]]:
    host = (aim.hostname or "").removeprefix("www.")
    if not words:
        yield f"the link {aim.geturl()} has no words", "Say in its text where it goes."
    elif (named := _HOST.fullmatch(words)) and not f".{host}".endswith(f".{named[1].lower().removeprefix('www.')}"):
        yield f"the link that reads {words} goes to {host}", "Let a link that names a host go there."


def _is_secure(address: str) -> bool:
    try:
        aim = urlsplit(address)
        host = aim.hostname
    except ValueError:
        return False
    return bool(host) and (aim.scheme == "https" or (aim.scheme == "http" and host in _OURS))


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
