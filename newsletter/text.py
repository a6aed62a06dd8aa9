"""Characters: the named sets that no other module lists again, text made clean, and foreign text in messages.

The sets are the inside of a regular expression's brackets: `re.compile(f"[{CONTROLS}{BIDI}]")`.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable
from difflib import get_close_matches

CONTROLS = "\x00-\x1f\x7f-\x9f"
"""Unicode's category Cc: C0, DEL and C1, with tab and the line ends among them."""
CONTROLS_IN_TEXT = "\x00-\x08\x0b-\x1f\x7f-\x9f"
"""The controls that text of many lines, brought to line feeds, has no use for: all but tab and line feed."""
CONTROLS_OF_XML = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"
"""The controls that XML 1.1 wants as references, section 2.2. Fewer than `CONTROLS_IN_TEXT`: a lone carriage return or
NEL in what was just fetched still ends a line, and words would be glued together without it."""
CONTROLS_WITHOUT_WIDTH = "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"
"""The controls that are no white space either: they vanish, where the others become a space."""
BREAKS = "\n\v\f\r\x1c-\x1e\x85\u2028\u2029"
"""Where `str.splitlines` ends a line."""
BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Marks, embeddings, overrides and isolates that turn the direction of text (Unicode, annex 9)."""
INVISIBLE = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
)
"""What shows nothing and takes no room. Joiners are not among them: emoji, Indic and Arabic letters need them."""
JOINERS = "\u200c\u200d"
SURROGATES = "\ud800-\udfff"
"""Halves of characters: text with one of them cannot be encoded."""
NONCHARACTERS = "\ufdd0-\ufdef\ufffe\uffff"
DASHES = (
    "-\u058a\u05be\u1400\u1806\u2010-\u2015\u2053\u207b\u208b\u2212\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u301c\u3030\u30a0"
    "\ufe31\ufe32\ufe58\ufe63\uff0d\U00010d6e\U00010ead"
)
"""Whatever a keyboard, a spreadsheet or a word processor writes for a hyphen or a minus sign."""

_GONE = re.compile(f"[{BIDI}{INVISIBLE}{SURROGATES}{NONCHARACTERS}]+")
_SPACES = re.compile(f"[{CONTROLS}{BREAKS}]+")
_STRAY = re.compile(f"[{CONTROLS_IN_TEXT}\u2028\u2029{SURROGATES}{NONCHARACTERS}]")
_DASH = re.compile(f"[{DASHES}]")


def line(text: str, longest: int | None = None) -> str:
    """One clean line for a header, a label or a table, in NFC, of at most `longest` characters: no control, no
    surrogate, nothing invisible, nothing that turns the direction; any white space is one space."""
    if not (text.isascii() and text.isprintable() and "  " not in text):
        text = unicodedata.normalize("NFC", " ".join(_SPACES.sub(" ", _GONE.sub("", text)).split()))
    return text.strip()[:longest].rstrip(f" {JOINERS}")


def lines(text: str) -> str:
    """Clean text of many lines, which end in line feeds: as it is but for controls, halves of characters and the space
    around it."""
    if text.isprintable():
        return text.strip()
    return _STRAY.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def hyphened(text: str) -> str:
    """The text with every kind of dash and minus sign as "-"."""
    return text if text.isascii() else _DASH.sub("-", text)


# --- In messages ----------------------------------------------------------------------------------------------


def shown(text: str, longest: int = 60) -> str:
    """Foreign text as a message may hold it: on one line, U+FFFD for what cannot be printed, cut with "…"."""
    if not text.isprintable():
        text = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
    return text if len(text) <= longest else text[:longest - 1] + "…"


def quoted(text: str, longest: int = 60) -> str:
    """ `shown`, in the quotes that every message has: “weekly”."""
    return f"“{shown(text, longest)}”"


def nearest(word: str, known: Iterable[str], *, never: Collection[str] = (), alike: float = 0.6) -> str:
    """The known word that `word` resembles most, in whatever case; empty if none does.

    `never` are known words that must not be proposed, such as "active" to somebody who wrote "inactive". The result is
    empty if one of them is the most alike: the next best would be a guess. `alike` is difflib's ratio, 0 to 1.
    """
    by_fold = {each.casefold(): each for each in known}
    close = get_close_matches(word[:_LONGEST].casefold(), [*by_fold, *(each.casefold() for each in never)], 1, alike)
    found = by_fold.get(close[0], "") if close else ""
    return "" if found in never else found


def meant(near: str) -> str:
    """The sentence for what `nearest` found; empty for nothing."""
    return f"Did you mean {quoted(near, 200)}?" if near else ""


_LONGEST = 80
"""Characters of a word that are compared: difflib's time grows with their square."""
