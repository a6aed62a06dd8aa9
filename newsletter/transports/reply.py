"""A relay's replies (RFC 5321, section 4.2), and the meaning of a reply to a message."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from newsletter.model import Receipt

_MARKS = (b" ", b"-", b"")
"""The character after the code: for the last line, for more lines, or (some servers) none on the last line."""
_LONGEST = 32_768
"""Octets of one reply with all its lines, each with code, mark and CRLF: RFC 5321 allows 512 a line, and EHLO's has a
few dozen."""
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\S)")
_OUTCOMES: Mapping[int, Literal["sent", "deferred", "refused", "in_doubt"]] = {2: "sent", 4: "deferred", 5: "refused"}


class Reply(NamedTuple):
    """One answer."""

    code: int
    text: str
    """Its lines without their codes, parted by line feeds; what is not UTF-8 is kept as surrogates."""

    def __str__(self) -> str:
        return f"{self.code} {cleaned(self.text)}"


class NotSmtp(Exception):
    """Bytes from the relay are no SMTP reply."""


class ReplyReader:
    """Replies out of the pieces in which they arrive."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[Reply]:
        """The replies that are whole with this piece, each before the next is looked at.

        Raises NotSmtp where no reply stands, or one without an end.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            line = line.rstrip()
            code, mark = line[:3], line[3:4]
            if not (len(code) == 3 and code.isdigit() and mark in _MARKS):
                raise NotSmtp(f"this is no SMTP reply: {line[:200].decode('utf-8', 'surrogateescape')}")
            self._lines.append(line[4:].lstrip())
            if mark != b"-":
                text = b"\n".join(self._lines).decode("utf-8", "surrogateescape")
                self._lines.clear()
                yield Reply(int(code), text)
        if (self._rest or self._lines) and len(self._rest) + sum(len(line) + 6 for line in self._lines) > _LONGEST:
            raise NotSmtp("a reply without an end")


def receipt_of(reply: Reply) -> Receipt:
    """The meaning of a reply to a message (RFC 5321, section 4.2.1); one that makes no sense leaves it in doubt."""
    enhanced = _ENHANCED.match(reply.text)
    outcome = _OUTCOMES.get(reply.code // 100, "in_doubt")
    return Receipt(outcome, reply.code, enhanced[0] if enhanced else "", cleaned(reply.text))


def cleaned(text: str) -> str:
    """A relay's words on one line, without control characters, of at most 500 characters."""
    printable = text if text.isprintable() else "".join(each if each.isprintable() else " " for each in text)
    return " ".join(printable.split())[:500]
