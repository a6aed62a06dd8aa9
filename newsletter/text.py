"""Characters: named sets, which no other module repeats, clean text, and foreign text in messages.

Each set is written for the brackets of a regular expression: `re.compile(f"[{CONTROLS}{BIDI}]")`.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable
from difflib import get_close_matches

CONTROLS = "\x00-\x1f\x7f-\x9f"
"""Unicode's category Cc: C0, DEL and C1, including tab and the line ends."""
CONTROLS_IN_TEXT = "\x00-\x08\x0b-\x1f\x7f-\x9f"
"""The controls that are useless in text of several lines with line feeds: all but tab and line feed."""
CONTROLS_OF_XML = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"
"""The controls that XML 1.1, section 2.2, allows only as references. These are fewer than `CONTROLS_IN_TEXT`: a lone
carriage return or NEL in fetched text still ends a line, and words would be joined without it."""
CONTROLS_WITHOUT_WIDTH = "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"
"""The controls that are not white space: they are removed, while the others become a space."""
BREAKS = "\n\v\f\r\x1c-\x1e\x85\u2028\u2029"
"""The characters at which `str.splitlines` ends a line."""
BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Marks, embeddings, overrides and isolates that change the direction of text (Unicode, annex 9)."""
INVISIBLE = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
)
"""Characters that show nothing and take no room, except the joiners, which emoji, Indic and Arabic letters need."""
JOINERS = "\u200c\u200d"
SURROGATES = "\ud800-\udfff"
"""Halves of characters; text that contains one cannot be encoded."""
NONCHARACTERS = "\ufdd0-\ufdef\ufffe\uffff"
DASHES = (
    "-\u058a\u05be\u1400\u1806\u2010-\u2015\u2053\u207b\u208b\u2212\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u301c\u3030\u30a0"
    "\ufe31\ufe32\ufe58\ufe63\uff0d\U00010d6e\U00010ead"
)
"""Every character that a keyboard, a spreadsheet or a word processor writes for a hyphen or a minus sign."""

_GONE = re.compile(f"[{BIDI}{INVISIBLE}{SURROGATES}{NONCHARACTERS}]+")
_SPACES = re.compile(f"[{CONTROLS}{BREAKS}]+")
_STRAY = re.compile(f"[{CONTROLS_IN_TEXT}\u2028\u2029{SURROGATES}{NONCHARACTERS}]")
_DASH = re.compile(f"[{DASHES}]")


def line(text: str, longest: int | None = None) -> str:
    """One clean line for a header, a label or a table, in NFC and of at most `longest` characters: without controls,
    surrogates, invisible characters and changes of direction, and with single spaces for all white space."""
    if not (text.isascii() and text.isprintable() and "  " not in text):
        text = unicodedata.normalize("NFC", " ".join(_SPACES.sub(" ", _GONE.sub("", text)).split()))
    return text.strip()[:longest].rstrip(f" {JOINERS}")


def lines(text: str) -> str:
    """Clean text of several lines, which end in line feeds: unchanged except for controls, halves of characters and the
    white space around it."""
    if text.isprintable():
        return text.strip()
    return _STRAY.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def hyphened(text: str) -> str:
    """The text with every kind of dash and minus sign as "-"."""
    return text if text.isascii() else _DASH.sub("-", text)


# --- In messages ----------------------------------------------------------------------------------------------


def shown(text: str, longest: int = 60) -> str:
    """Foreign text made safe for a message: on one line, with U+FFFD for unprintable characters, and cut with "…"."""
    if not text.isprintable():
        text = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
    return text if len(text) <= longest else text[:longest - 1] + "…"


def quoted(text: str, longest: int = 60) -> str:
    """ `shown` in the quotation marks of all messages: “weekly”."""
    return f"“{shown(text, longest)}”"


def nearest(word: str, known: Iterable[str], *, never: Collection[str] = (), alike: float = 0.6) -> str:
    """The known word that `word` resembles most, regardless of case; empty if there is none.

    `never` are known words that must not be proposed, such as "active" for "inactive". If one of them resembles `word`
    most, the result is empty, since the next best would be a guess. `alike` is difflib's least ratio, from 0 to 1.
    """
    by_fold = {each.casefold(): each for each in known}
    close = get_close_matches(word[:_LONGEST].casefold(), [*by_fold, *(each.casefold() for each in never)], 1, alike)
    found = by_fold.get(close[0], "") if close else ""
    return "" if found in never else found


def meant(near: str) -> str:
    """The sentence that proposes the word from `nearest`; empty for an empty word."""
    return f"Did you mean {quoted(near, 200)}?" if near else ""


_LONGEST = 80
"""Maximum characters of a word that are compared: difflib's time grows with their square."""
