"""Plain words: how long they take to read, how wide they are, where they may be cut and where a line may end."""

import re

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


def width(text: str) -> int:
    """How many columns of a plain-text page the text takes: two for a wide character, none for a combining mark."""
    return cell_len(text)


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


def wrap(text: str, columns: int = COLUMNS) -> str:
    """Each paragraph of the text in lines of at most `columns`; wide characters count two, and lines may end between
    them. What has no place to break, like an address of the web, keeps its length."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return "\n\n".join("\n".join(_lines(paragraph, columns)) for paragraph in paragraphs)


def _lines(paragraph: str, columns: int) -> list[str]:
    lines, line = list[str](), ""
    for unit in _units(paragraph):
        if line and width(line + unit.rstrip()) > columns:
            lines.append(line.rstrip())
            line = ""
        line += unit
    return [*lines, line.rstrip()]


def _units(paragraph: str) -> list[str]:
    """What stays on one line, each with the space that follows it."""
    found = _UNIT.finditer(paragraph)
    return [unit[0] + " " * paragraph[unit.end(): unit.end() + 1].isspace() for unit in found]
