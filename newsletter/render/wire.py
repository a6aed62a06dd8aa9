"""Text as quoted-printable that can be cut and joined anywhere between two calls (RFC 2045, section 6.7).

`binascii.b2a_qp` leaves no room for what a join needs: a soft break at the end, and an encoded dot at the start.
"""

import re

SOFT = b"=\r\n"
"""A line end that is not part of the text."""

_SPECIAL = re.compile(rb"[^ -<>-~]")
# 76 octets, less two for an encoded first byte and one for the "=" of a soft break.
_LINE = re.compile(rb".{1,73}(?<!=)(?<!=.)", re.DOTALL)
_SPACE_AT_END = re.compile(rb" \Z")


def quote(text: str) -> bytes:
    """`text` in UTF-8 as quoted-printable: CRLF, lines of at most 76 octets, none ending in white space, none starting
    with a dot (so SMTP has nothing to stuff) or with "From " (which mbox files take for a new message).

    It starts and ends at the beginning of a line, so pieces follow one another in any order, and their join decodes to
    the join of their texts.
    """
    *whole, rest = (_SPECIAL.sub(_escape, line) for line in text.encode().split(b"\n"))
    ended = b"".join(_wrap(_SPACE_AT_END.sub(b"=20", line)) + b"\r\n" for line in whole)
    return ended + _wrap(rest) + SOFT if rest else ended


def _escape(byte: re.Match[bytes]) -> bytes:
    return b"=%02X" % byte[0][0]


def _wrap(line: bytes) -> bytes:
    """One line of the text as lines of the wire; the last has no end yet."""
    return SOFT.join(map(_guard, _LINE.findall(line)))


def _guard(line: bytes) -> bytes:
    if line.startswith(b"."):
        return b"=2E" + line[1:]
    if line.startswith(b"From "):
        return b"=46" + line[1:]
    return line
