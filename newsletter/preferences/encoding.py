"""Bytes decoded to text, whatever program saved the file: UTF-8, UTF-16 with or without a BOM, Windows-1252."""

import codecs
from pathlib import Path
from typing import TextIO

from newsletter.errors import DataError


def opened(path: Path, place: str) -> TextIO:
    """The file as text, with its line ends as they are.

    Bytes that are not UTF-8 are read as Windows-1252 one by one, so that a row pasted from an old spreadsheet is read
    correctly among rows in UTF-8; bytes that are text in neither become U+FFFD.
    Raises `DataError` for a file that cannot be opened, is empty or is not text.
    """
    try:
        with path.open("rb") as file:
            name = _encoding(file.read(4096), place)
        return path.open(encoding=name, errors=_WINDOWS if name.startswith("utf-8") else "replace", newline="")
    except OSError as error:
        raise DataError(f"the file cannot be opened: {error.strerror}", place=place,
                        cure="Check its name and permissions.") from error


def _encoding(start: bytes, place: str) -> str:
    if not start:
        raise DataError("the file is empty", place=place, cure='Begin it with a line such as "email,name,topics".')
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if b"\0" not in start:
        return "utf-8"
    if start[1:2] == b"\0" != start[:1]:
        return "utf-16-le"
    if start[:1] == b"\0" != start[1:2]:
        return "utf-16-be"
    raise DataError("the file is not text", place=place, cure='Save the sheet as "CSV UTF-8".')


_WINDOWS = "newsletter-windows-1252"


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start:error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_WINDOWS, _as_windows)
