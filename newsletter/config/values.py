"""What a single value may be: each function takes it as written, gives it as used, or raises `Wrong`."""

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
    """A value that cannot be: what was found, and the cure."""

    def __init__(self, found: str, cure: str) -> None:
        super().__init__(found)
        self.found, self.cure = found, cure


def line(text: str) -> str:
    """One line of text: it may end up in a header (RFC 5322, section 2.2)."""
    if _NOT_IN_A_LINE.search(text):
        raise Wrong("there is a line break or another control character in it", "Write it on one line.")
    return text.strip()


def name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text):
        raise Wrong(f"{quoted(text)} is no name", 'Use lower-case letters, digits and hyphens: "weekly", "eu-digest".')
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
        port = url.port  # raises ValueError when it is no number below 65536
    except ValueError as error:
        raise Wrong(f"{quoted(text)} is no web address", f'Write an absolute one: "{example}".') from error
    if url.scheme not in ("http", "https") or not url.hostname or re.search(r"[\s\"'<>\\]", url.geturl()):
        raise Wrong(f"{quoted(text)} is no absolute web address", f'Write one such as "{example}".')
    if url.username or url.query or url.fragment or port == 0:
        raise Wrong("it has a user, a query, a fragment or port 0", f'Write scheme, host and path alone: "{example}".')
    if url.scheme == "http" and not THIS_MACHINE.fullmatch(url.hostname):
        raise Wrong(f"{quoted(text)} is not encrypted", "Write https; plain http is for localhost.")
    return url.geturl().rstrip("/")


def postal_address(text: str) -> str:
    """One line; the lines of a longer text are joined by commas."""
    parts = [part.strip(" \t,") for part in text.splitlines()]
    joined = line(", ".join(part for part in parts if part))
    if not joined:
        raise Wrong("it is empty", "Write the sender's postal address: readers and the law expect it in every mail.")
    return joined


def store_url(text: str) -> str:
    """An SQLAlchemy address of one of the two databases; the value is never repeated, as it may hold a password."""
    scheme, _, rest = line(text).partition("://")
    if scheme == "postgres":
        raise Wrong('it begins with "postgres://"', 'Write "postgresql://…".')
    if scheme.partition("+")[0] not in ("sqlite", "postgresql") or not rest.strip("/"):
        cure = 'Write "sqlite:///newsletter.db" or "postgresql://USER@HOST/NAME".'
        raise Wrong("it names no database we know", cure)
    if scheme.startswith("sqlite") and not rest.startswith("/"):
        raise Wrong("two slashes are one too few", f'Write "{scheme}:///FILE", or four slashes for an absolute path.')
    return text.strip()


def source(text: str) -> str:
    """A path or an address of stories. A login in the address is refused, and not repeated."""
    try:
        url = urlsplit(text)
        login = "@" in url.netloc
        url.port  # noqa: B018 - raises ValueError for what is no number, which may be a piece of a password
    except ValueError:
        login = "@" in text
    if login and "://" in text:
        cure = "Write a [[source]] with the address, a username and a password_file instead."
        raise Wrong("there is a login in the address", cure)
    return text


def has_password(url: str) -> bool:
    """Whether there is a password between the user and the host of an address."""
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
        raise Wrong(f"{quoted(text)} is no length of time", 'Write a number with its unit: "14d", "6h", "90m".')
    given = timedelta()
    for number, unit in re.findall(r"(\d+)\s*([wdhms])", text):
        given += timedelta(**{UNITS[unit]: min(int(number), 10**9)})
        if given > LONGEST:
            raise Wrong(f"{quoted(text)} is longer than ten years", 'Write a shorter time: "14d", "6h", "90m".')
    if not given:
        raise Wrong("it is no time at all", 'Write a longer time: "14d", "6h", "90m".')
    return given


def listed(value: object) -> object:
    """A list; one text is taken apart at its semicolons, as in the environment and in the preference file."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(";") if part.strip())
    return value


def timezone(text: str) -> str:
    if text not in timezones.names():
        cure = meant(timezones.nearest(text)) or 'Write an IANA name such as "Europe/London".'
        raise Wrong(f"{quoted(text)} is no time zone", cure)
    return text


def language(text: str) -> str:
    """A tag by its shape (BCP 47); whether we have words for it is the template's business."""
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", text):
        raise Wrong(f"{quoted(text)} is no language", 'Write a tag such as "en", "de" or "pt-BR".')
    return text
