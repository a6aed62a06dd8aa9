"""Rules for single values: each function takes a value as written, and returns it as used or raises `Wrong`."""

import re
from datetime import timedelta
from urllib.parse import SplitResult, urlsplit

from newsletter import address, timezones
from newsletter.errors import DataError
from newsletter.text import BREAKS, CONTROLS, SURROGATES, meant, quoted

UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
LONGEST = timedelta(days=3660)
_NOT_IN_A_LINE = re.compile(f"[{CONTROLS}{BREAKS}{SURROGATES}]")
THIS_MACHINE = re.compile(r"localhost|.+\.localhost|127\.\d+\.\d+\.\d+|::1")


class Wrong(ValueError):
    """An invalid value: what was found, and how to fix it."""

    def __init__(self, found: str, cure: str) -> None:
        super().__init__(found)
        self.found, self.cure = found, cure


def line(text: str) -> str:
    """One line of text: it may end up in a header (RFC 5322, section 2.2)."""
    if _NOT_IN_A_LINE.search(text):
        raise Wrong("it contains a line break or another control character", "Write it on one line.")
    return text.strip()


def name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text):
        cure = 'Use lower-case letters, digits and hyphens: "weekly", "eu-digest".'
        raise Wrong(f"{quoted(text)} is not a valid name", cure)
    return text


def mailbox(text: str) -> str:
    """An address with a display name or without (RFC 5322, section 3.4); empty stays empty."""
    if text:
        try:
            address.mailbox(text)
        except DataError as error:
            cure = 'Write an address: "Digital Desk <desk@news.example.org>".'
            raise Wrong(error.found.rstrip("."), cure) from error
    return text


def base_url(text: str) -> str:
    """An absolute address without user, query and fragment; its last slash is dropped."""
    example = "https://news.example.org"
    try:
        url = urlsplit(line(text))
        port = url.port  # raises ValueError if it is not a number below 65536
    except ValueError as error:
        raise Wrong(f"{quoted(text)} is not a web address", f'Write an absolute one: "{example}".') from error
    if url.scheme not in ("http", "https") or not url.hostname or re.search(r"[\s\"'<>\\]", url.geturl()):
        raise Wrong(f"{quoted(text)} is not an absolute web address", f'Write one such as "{example}".')
    if url.username or url.query or url.fragment or port == 0:
        raise Wrong("it has a user, a query, a fragment or port 0", f'Write only scheme, host and path: "{example}".')
    if url.scheme == "http" and not THIS_MACHINE.fullmatch(url.hostname):
        raise Wrong(f"{quoted(text)} is not encrypted", "Write https; plain http is for localhost only.")
    return url.geturl().rstrip("/")


def postal_address(text: str) -> str:
    """One line; the lines of a longer text are joined by commas."""
    parts = [part.strip(" \t,") for part in text.splitlines()]
    joined = line(", ".join(part for part in parts if part))
    if not joined:
        cure = "Write the sender's postal address: subscribers and the law expect it in every mail."
        raise Wrong("it is empty", cure)
    return joined


def store_url(text: str) -> str:
    """An SQLAlchemy URL of SQLite or PostgreSQL; messages never repeat it, since it may contain a password."""
    scheme, _, rest = line(text).partition("://")
    if scheme == "postgres":
        raise Wrong('it begins with "postgres://"', 'Write "postgresql://…".')
    if scheme.partition("+")[0] not in ("sqlite", "postgresql") or not rest.strip("/"):
        cure = 'Write "sqlite:///newsletter.db" or "postgresql://USER@HOST/NAME".'
        raise Wrong("it names no supported database", cure)
    if scheme.startswith("sqlite") and not rest.startswith("/"):
        raise Wrong("it has one slash too few", f'Write "{scheme}:///FILE", or four slashes for an absolute path.')
    return text.strip()


def source(text: str) -> str:
    """The path or web address of a source. An address that contains a login is refused, and not repeated."""
    try:
        url = urlsplit(text)
        login = "@" in url.netloc
        _ = url.port  # raises ValueError if the port is not a number, which may be a piece of a password
    except ValueError:
        login = "@" in text
    if login and "://" in text:
        cure = "Write a [[source]] with the address, a username and a password_file instead."
        raise Wrong("the address contains a login", cure)
    return text


def has_password(url: str) -> bool:
    """Whether a URL contains a password, between its user and its host."""
    try:
        parts: SplitResult = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.password)


def duration(value: object) -> object:
    """ "6h", "14d", "1d 12h": whole numbers with a unit, added up. A timedelta stays as it is."""
    if isinstance(value, timedelta):
        return value
    text = str(value).strip()
    if not re.fullmatch(r"(\d{1,9}\s*[wdhms]\s*)+", text):
        raise Wrong(f"{quoted(text)} is not a length of time", 'Write a number with its unit: "14d", "6h", "90m".')
    given = timedelta()
    for number, unit in re.findall(r"(\d+)\s*([wdhms])", text):
        given += timedelta(**{UNITS[unit]: min(int(number), 10**9)})
        if given > LONGEST:
            raise Wrong(f"{quoted(text)} is longer than ten years", 'Write a shorter time: "14d", "6h", "90m".')
    if not given:
        raise Wrong(f"{quoted(text)} is no time at all", 'Write a longer time: "14d", "6h", "90m".')
    return given


def listed(value: object) -> object:
    """A list; a single text is split at its semicolons, as in the environment and in the preference file."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(";") if part.strip())
    return value


def timezone(text: str) -> str:
    if text not in timezones.names():
        cure = meant(timezones.nearest(text)) or "Write an IANA name such as “Europe/London”."
        raise Wrong(f"unknown time zone {quoted(text)}", cure)
    return text


def language(text: str) -> str:
    """A language tag, by its shape only (BCP 47): whether there is a translation for it is up to the template."""
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", text):
        raise Wrong(f"{quoted(text)} is not a language tag", 'Write one such as "en", "de" or "pt-BR".')
    return text
