"""Plain text of a title, a name or a summary, without anything that is not text.

Titles end up in subjects and names in headers, so a line break, a direction override or an invisible letter in them is
either an accident or an attack.
"""

import html
import re
import unicodedata

import lxml.html
from inscriptis import Inscriptis
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.config import ParserConfig

from newsletter.text import BIDI, CONTROLS_OF_XML, INVISIBLE, JOINERS, NONCHARACTERS, SURROGATES

MAX_MARKS = 8
"""Maximum number of combining marks kept on one letter; no script needs more."""
SENTENCE_END = ".!?…。！？؟।"
CLOSERS = "\"'”’»›)]}"

_UNPRINTABLE = re.compile(f"[{CONTROLS_OF_XML}{SURROGATES}{NONCHARACTERS}]")
_BIDI = re.compile(f"[{BIDI}]")
_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_JOINERS = re.compile(f"[{JOINERS}]+")
_TAGS = re.compile("(\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f)|[\U000e0000-\U000e007f]")
_JOINED = frozenset({"Lo", "Mn", "Mc", "Me", "So", "Sk"})
_FORMATTING = re.compile(r"</?(?:a|abbr|b|big|br|cite|code|del|em|font|i|ins|kbd|mark|q|s|small|span|strong|sub|sup|tt"
                         r"|u|wbr)(?:\s[^<>]*|/)?>", re.IGNORECASE)
_TEXT = ParserConfig(css=CSS_PROFILES["strict"])


def plain(text: str) -> str:
    """`text` on one line, without controls, direction overrides, invisible characters and piles of combining marks.

    Joiners are kept where writing needs them (emoji, Indic and Arabic letters), and so are flags written with tag
    characters.
    """
    text = _BIDI.sub("", legible(" ".join(text.split())))
    text = _TAGS.sub(lambda found: found[1] or "", _INVISIBLE.sub("", text))
    text = _JOINERS.sub(_joiner, text)
    return " ".join(_few_marks(unicodedata.normalize("NFC", text)).split())


def legible(text: str) -> str:
    """`text` with only the characters that XML accepts: no controls but tab and line ends, no lone surrogates."""
    return _UNPRINTABLE.sub("", text)


def _joiner(found: re.Match[str]) -> str:
    before, after = found.string[:found.start()][-1:], found.string[found.end():][:1]
    both = before and after and {unicodedata.category(before), unicodedata.category(after)} <= _JOINED
    return found[0][0] if both else ""


def _few_marks(text: str) -> str:
    kept, run = [], 0
    for character in text:
        run = run + 1 if unicodedata.category(character)[0] == "M" else 0
        if run <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)


def unmarked(title: str) -> str:
    """The text of a title written as HTML: without formatting tags, and with references decoded once.

    Only formatting tags are removed, so that a title about the <video> element keeps its subject.
    """
    return html.unescape(_FORMATTING.sub("", title))


def text_of(body: str) -> str:
    """The text of a cleaned body, its paragraphs separated by empty lines."""
    if not body:
        return ""
    text = Inscriptis(lxml.html.document_fromstring(body), _TEXT).get_text()
    text = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


def beginning(text: str, words: int = 60) -> str:
    """About the first `words` words on one line: whole sentences if they fill at least half of it, else cut with
    "…"."""
    every = plain(text).split()
    if len(every) <= words:
        return cut(" ".join(every), words * 10)
    for end in range(words, words // 2, -1):
        if ends_sentence(every[end - 1]):
            return cut(" ".join(every[:end]), words * 10)
    return cut(" ".join(every[:words]) + " …", words * 10)


def cut(text: str, length: int) -> str:
    """`text` in at most `length` characters, cut between words if possible, with "…" where it was cut."""
    text = text.removesuffix(" …") + "…" if text.endswith(" …") else text
    if len(text) <= length:
        return text
    head = text[:length - 1]
    return (head.rsplit(" ", 1)[0] if " " in head[length // 2:] else head).rstrip(" ,;:–—-") + "…"


def ends_sentence(text: str) -> bool:
    """Whether `text` ends like a sentence, ignoring closing quotes and brackets."""
    return text.rstrip().rstrip(CLOSERS).endswith(tuple(SENTENCE_END))
