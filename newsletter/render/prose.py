"""Plain words: how long they take to read, how wide they are, where they may be cut and where a line may end."""

import re
from collections.abc import Iterator

from rich.cells import cell_len, split_graphemes

COLUMNS = 72
"""The width of the plain-text edition."""

_WORDS_A_MINUTE = 220
# Scripts that take two columns a character and end lines between them, and emoji.
_WIDE = (
    "\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\U0001f300-\U0001faff"
    "\U00020000-\U0003fffd"
)
_CLOSING = "、。〉》」』】〕〗〙〛！），．：；？］｝"
# What must stay on one line: a run without spaces, or one wide character with the marks and closing signs after it.
_UNIT = re.compile(
    rf"[{_WIDE}](?:[\u0300-\u036f\ufe0f\U0001f3fb-\U0001f3ff{_CLOSING}]|\u200d[^ \t\n]?)*|[^ \t\n{_WIDE}]+"
)

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|(?:mailto|tel):")
# What `compile` writes where a placeholder stands. Only a story's number stands in text whose lines are made there.
_PLACEHOLDER = re.compile(r"(n[0-9a-f]{20}n)[a-z_]+\1")


def width(text: str) -> int:
    """How many columns of a plain-text page the text takes: two for a wide character or an open placeholder, none for a
    combining mark."""
    return cell_len(_PLACEHOLDER.sub("00", text))


def minutes(text: str) -> int:
    """How many minutes the text takes to read: at least one. Two wide characters count as a word."""
    wide = len(re.findall(f"[{_WIDE}]", text))
    return max(1, round((len(text.split()) + wide / 2) / _WORDS_A_MINUTE))


def brief(text: str, words: int) -> str:
    """The first `words` words on one line, with an ellipsis if there are more; whole sentences if that loses no more
    than half. A script without spaces is cut after four characters for each word."""
    all_words = text.split()
    if len(all_words) <= words:
        return cut(" ".join(all_words), words * 12)
    begin = " ".join(all_words[:words])
    sentences = re.match(r"(?s).*[.!?。！？][\"'”’»)\]]*(?=\s)", begin + " ")
    if sentences and len(sentences[0]) * 2 >= len(begin):
        return sentences[0]
    return begin.rstrip(",;:–—- ") + "…"


def cut(text: str, limit: int) -> str:
    """The text in at most `limit` characters as a reader counts them (graphemes), the ellipsis among them; cut at a
    space if there is one in the last quarter."""
    spans, _ = split_graphemes(text)
    if len(spans) <= limit:
        return text
    begin = text[: spans[limit - 1][0]]
    space = begin.rfind(" ")
    if space > len(begin) * 3 // 4:
        begin = begin[:space]
    return begin.rstrip(" ,;:–—-") + "…"


def wrap(text: str, *, first: str = "", rest: str = "", taken: int = 0) -> str:
    """Each paragraph of the text in lines of at most `COLUMNS`; wide characters count two, and lines may end between
    them. A word too long for a line is broken, but an address keeps its length.

    `first` is what the first line begins with, `rest` what the others do; `taken` columns of the first line are used
    already.
    """
    paragraphs = [each for each in re.split(r"\n\s*\n", text.strip()) if each]
    laid = (_lines(each, first if not number else rest, rest, 0 if number else taken)
            for number, each in enumerate(paragraphs))
    return "\n\n".join("\n".join(lines) for lines in laid)


def heading(text: str, sign: str) -> str:
    """The text in lines, and below it a line of `sign` as wide as the widest of them."""
    lines = wrap(text).split("\n")
    return "\n".join([*lines, sign[:1] * max(map(width, lines))])


def _lines(paragraph: str, first: str, rest: str, taken: int) -> list[str]:
    lines, line, bare = list[str](), " " * taken + first, not taken
    for unit in _units(paragraph, COLUMNS - width(rest)):
        if not bare and width(line + unit.rstrip(" ")) > COLUMNS:
            lines.append(line.rstrip(" "))
            line = rest
        line += unit
        bare = False
    whole = [*lines, line.rstrip(" ")]
    return [whole[0][taken:], *whole[1:]]


def _units(paragraph: str, room: int) -> Iterator[str]:
    """Pieces that stay on one line, each with the space that follows it."""
    for found in _UNIT.finditer(paragraph):
        *begun, last = [found[0]] if _ADDRESS.search(found[0]) else _broken(found[0], room)
        yield from begun
        yield last + " " * paragraph[found.end(): found.end() + 1].isspace()


def _broken(word: str, room: int) -> list[str]:
    """The word in pieces of at most `room` columns, broken between what a reader takes for characters."""
    if width(word) <= room:
        return [word]
    pieces = [""]
    for start, end, _ in split_graphemes(word)[0]:
        if pieces[-1] and width(pieces[-1] + word[start:end]) > room:
            pieces.append("")
        pieces[-1] += word[start:end]
    return pieces
