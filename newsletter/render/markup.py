"""MJML and HTML as text: cut into comments, styles, tags and text, and made safe for the MJML compiler.

MRML writes attribute values with Rust's debug escaping: a backslash doubles, a no-break space becomes `\\u{a0}`, a
quote breaks out of its attribute. It also drops white space between two tags if there is a line end in it. It passes
numeric references through untouched, and the CSS inliner's parser resolves them. So every character that could be hurt
is written as a reference first.
"""

import re
from collections.abc import Iterator

from newsletter.text import CONTROLS_IN_TEXT, NONCHARACTERS, SURROGATES

TOKEN = re.compile(
    r"""(?P<comment> <!--.*?--> )
      | (?P<style>   <(?P<kind>mj-style|style)\b[^>]*+> .*? </(?P=kind)\s*+> )
      | (?P<title>   <(?P<head>mj-title|mj-preview)\b[^>]*+> .*? </(?P=head)\s*+> )
      | (?P<tag>     </?[A-Za-z] (?: [^"'>] | "[^"]*+" | '[^']*+' )*+ > )
      | (?P<text>    [^<]++ | < )""",
    re.DOTALL | re.VERBOSE,
)
"""One piece of a document. The groups `comment`, `style`, `title` (MJML's), `tag` and `text` tell which."""

ATTRIBUTE = re.compile(r"""([^\s"'>/=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
"""An attribute in a tag: name, and the value in the one or the other kind of quotes."""

VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
"""HTML elements without an end tag (HTML, section 13.1.2)."""

_MJML_TAG = re.compile(r"</?mj|\Z")
_ILLEGAL = re.compile(f"[{CONTROLS_IN_TEXT}{SURROGATES}{NONCHARACTERS}]")
_IN_TEXT = re.compile(r'[^ !#-\[\]-~\t\n]')
_IN_VALUE = re.compile(r'[^ !#-;=?-\[\]-~]')


def clean(text: str) -> str:
    """`text` without the characters that no HTML may hold: control characters, surrogates, noncharacters."""
    return _ILLEGAL.sub("", text)


def armour(document: str) -> str:
    """The document with everything but plain ASCII written as numeric references, in text and in attribute values;
    a title is brought onto one line. Comments stay as they are but for double dashes, styles but for escaped quotes."""
    return TOKEN.sub(_armour, clean(document))


def _armour(token: re.Match[str]) -> str:
    piece = token[0]
    match token.lastgroup:
        case "comment":  # one for Outlook holds what it shows, and an address may have two dashes
            return f"<!--{re.sub('(?<=-)-', '&#45;', piece[4:-3])}-->"
        case "tag":
            return ATTRIBUTE.sub(lambda found: f'{found[1]}="{_references(_IN_VALUE, value_of(found))}"', piece)
        case "text":
            return piece if piece == "<" else _references(_IN_TEXT, _held(token))
        case "title":
            start, end = piece.index(">") + 1, piece.rindex("<")
            return piece[:start] + _references(_IN_TEXT, " ".join(piece[start:end].split())) + piece[end:]
        case "style":  # CSS knows no references, and Jinja has escaped what it wrote there
            return piece.replace("&#39;", "'").replace("&#34;", '"').replace("&gt;", ">")
    return piece


def _held(text: re.Match[str]) -> str:
    """The text, with what would be dropped between two HTML tags as a reference."""
    if text[0].strip() or "\n" not in text[0]:
        return text[0]
    before = text.string.rfind("<", 0, text.start())
    in_mjml = _MJML_TAG.match(text.string, max(before, 0)) or _MJML_TAG.match(text.string, text.end())
    return text[0] if in_mjml else "&#10;"


def _references(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda found: f"&#{ord(found[0])};", text)


def value_of(attribute: re.Match[str]) -> str:
    """The value in a match of `ATTRIBUTE`, as written."""
    return str(attribute[2] if attribute[2] is not None else attribute[3])


def regular(html: str) -> str:
    """The HTML with each attribute in double quotes and escaped in one way (HTML, section 13.3, and < > as well).

    libxml2 takes single quotes where the value holds a double one, and leaves `<!-- -->` and `&{}` in a value alone.
    """
    return TOKEN.sub(_regular, html)


def _regular(token: re.Match[str]) -> str:
    if token["tag"] is None:
        return token[0]
    return ATTRIBUTE.sub(lambda found: f'{found[1]}="{_regular_value(value_of(found))}"', token[0])


def _regular_value(value: str) -> str:
    return value.replace("&{", "&amp;{").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")


def depth(document: str) -> int:
    """How many elements stand inside one another at the deepest place."""
    deepest = level = 0
    for step in _steps(document):
        level = max(0, level + step)
        deepest = max(deepest, level)
    return deepest


def _steps(document: str) -> Iterator[int]:
    for tag in re.finditer(r"<(/?)([A-Za-z][\w-]*)[^<>]*?(/?)>", document):
        if tag[1]:
            yield -1
        elif not tag[3] and tag[2].lower() not in VOID:
            yield 1
