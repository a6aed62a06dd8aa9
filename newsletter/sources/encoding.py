"""Bytes decoded to text by a fixed order: the encoding that they show, the declared one, UTF-8, then a last resort."""

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # The marks of UTF-32 begin or end like those of UTF-16, so they come first.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(data: bytes, *, declared: str = "", otherwise: str = "cp1252") -> tuple[str, bool]:
    """The text of `data` without its byte order mark, and whether its encoding was known.

    These are tried in order: a byte order mark, UTF-16 recognised by its zero bytes, the `declared` encoding, UTF-8. If
    none fits, the text is read as `otherwise` with U+FFFD for undecodable bytes, and the second value is False.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark):].decode(encoding, "replace"), True
    for encoding in (_wide(data), declared, "utf-8"):
        text = _strict(data, encoding)
        if text is not None:
            return text, True
    return data.decode(otherwise, "replace"), False


def _wide(data: bytes) -> str:
    """The name of UTF-16 without a mark, in which most scripts have zero for every second byte; empty if it is not."""
    start = data[:200]
    low, high = start[::2].count(0), start[1::2].count(0)
    if high > len(start) // 5 and low == 0:
        return "utf-16-le"
    return "utf-16-be" if low > len(start) // 5 and high == 0 else ""


def _strict(data: bytes, encoding: str) -> str | None:
    if not encoding:
        return None
    try:
        return data.decode(encoding)
    except (LookupError, ValueError):  # an unknown name, one with NUL in it, or bytes that do not fit
        return None
