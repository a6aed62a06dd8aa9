"""Replies of a relay (RFC 5321, section 4.2), and the receipt that follows from the answer to a message."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from newsletter.model import Receipt

_MARKS = (b" ", b"-", b"")
"""The character after the code: a space marks the last line, a hyphen that more follow. Some servers leave it out on a
last line without text."""
_LONGEST = 32_768
"""The most octets of one reply, with code, mark and CRLF of each line: RFC 5321 permits 512 a line, and the reply to
EHLO has a few dozen lines."""
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\S)")
_OUTCOMES: Mapping[int, Literal["sent", "deferred", "refused", "in_doubt"]] = {2: "sent", 4: "deferred", 5: "refused"}


class Reply(NamedTuple):
    """One answer."""

    code: int
    text: str
    """Its lines without their codes, separated by line feeds; bytes that are not UTF-8 are kept as surrogates."""

    def __str__(self) -> str:
        return f"{self.code} {cleaned(self.text)}"


class NotSmtp(Exception):
    """The bytes received are not an SMTP reply."""


class ReplyReader:
    """Puts replies together from the pieces in which they arrive."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[Reply]:
        """The replies that this piece completes; each is given before the next is read.

        Raises NotSmtp for bytes that are not a reply, and for a reply without an end.
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
    """The receipt for an answer to a message (RFC 5321, section 4.2.1); `in_doubt` for an answer without meaning."""
    enhanced = _ENHANCED.match(reply.text)
    outcome = _OUTCOMES.get(reply.code // 100, "in_doubt")
    return Receipt(outcome, reply.code, enhanced[0] if enhanced else "", cleaned(reply.text))


def cleaned(text: str) -> str:
    """A relay's text on one line, without control characters, cut to 500 characters."""
    printable = text if text.isprintable() else "".join(each if each.isprintable() else " " for each in text)
    return " ".join(printable.split())[:500]
