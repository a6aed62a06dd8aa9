"""Story HTML, cleaned to an allow-list before anything else uses it.

nh3 parses as browsers do and removes dangerous parts; the rest is then written anew from its tree by a writer that
knows only the tags of `ALLOWED`. So the result is balanced, parses as XML, has no comment, no CDATA and no attribute
but `href` and `title`, and is safe inside MJML, whose parser is strict and copies everything to the output.
"""

import html
import re
from collections.abc import Iterable, Iterator
from itertools import dropwhile
from typing import NamedTuple

import nh3
from lxml import etree

from newsletter.model import Picture
from newsletter.sources.link import absolute
from newsletter.sources.plain import legible, plain

ALLOWED = frozenset({"p", "br", "a", "strong", "em", "ul", "ol", "li", "blockquote", "code", "pre", "h3", "h4", "sup",
                     "sub"})
"""The tags that a cleaned body can have."""
MAX_DEPTH = 30
"""Maximum nesting of elements; of deeper ones only the text is kept."""
MAX_OPEN = 200
"""Maximum number of open elements, roughly counted, for HTML to be parsed: the time grows with its square."""
MAX_SIZE = 400_000
"""Maximum characters of HTML that are read of one story."""

_BREAK = "<br />\n"  # between blocks where only inline content is allowed; the source's own breaks have no line end
_RENAMED = {"b": "strong", "i": "em", "h1": "h3", "h2": "h3", "h3": "h4", "h4": "h4", "h5": "h4", "h6": "h4"}
_INLINE = frozenset({"a", "strong", "b", "em", "i", "code", "sup", "sub", "br", "img"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
# These tags are not allowed, but they end a paragraph: without them the words of two cells would run together.
_BOUNDARIES = frozenset({"div", "section", "article", "aside", "main", "header", "footer", "nav", "figure",
                         "figcaption", "table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th", "dl", "dt",
                         "dd", "address", "center", "details", "summary", "fieldset", "hr"})
_DROPPED = frozenset({"script", "style", "svg", "math", "template", "noscript", "noembed", "noframes", "iframe",
                      "object", "title", "select", "textarea", "xmp"})
_VOID = re.compile(r"<(br|hr|img)\b([^<>]*?)/?>")
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/<>]*)")
_CLOSING_THEMSELVES = frozenset({"br", "hr", "img", "p", "li", "input", "meta", "link", "source", "wbr", "area",
                                 "col", "embed", "td", "th", "tr", "dt", "dd", "option", "thead", "tbody"})


class Cleaned(NamedTuple):
    """A body of allowed HTML, and the first picture that was in it."""

    body: str
    picture: Picture | None = None


def clean(markup: str, base: str = "") -> Cleaned:
    """`markup` reduced to the allow-list; relative links are resolved against `base`, an absolute address.

    Loose text becomes paragraphs, pictures are removed (the first https one is returned), and a link that leads neither
    to the web nor to a mailbox is replaced by its text. Raises nothing, whatever the input.
    """
    markup = legible(markup[:MAX_SIZE])
    if crowded(markup, MAX_OPEN):
        return Cleaned(paragraphs(html.unescape(re.sub(r"<[^<>]*(?:>|\Z)", " ", markup))))
    # An XHTML writer's "<br></br>" is two line breaks to a browser.
    tree = _tree(re.sub(r"</br\s*>", "", markup, flags=re.IGNORECASE))
    return Cleaned("\n".join(_blocks(tree, base, 0)), _picture(tree, base))


def paragraphs(text: str) -> str:
    """Plain text as HTML paragraphs, which empty lines separate."""
    blocks = (" ".join(block.split()) for block in re.split(r"\n\s*\n", legible(text)))
    return "\n".join(f"<p>{html.escape(block, quote=False)}</p>" for block in blocks if block)


def crowded(markup: str, limit: int) -> bool:
    """Whether more than `limit` elements seem to be open at once: a rough count, more likely too high than too low."""
    depth = 0
    open_now: dict[str, int] = {}
    for tag in _TAG.finditer(markup):
        closing, name = tag[1], tag[2].lower()
        if name in _CLOSING_THEMSELVES:
            continue
        if not closing:
            open_now[name] = open_now.get(name, 0) + 1
            depth += 1
            if depth > limit:
                return True
        elif open_now.get(name):
            open_now[name] -= 1
            depth -= 1
    return False


def _tree(markup: str) -> etree._Element:
    """The parsed markup; nh3's own output is balanced and escaped, so an XML parser keeps it exactly as it is."""
    safe = nh3.clean(markup, tags=_INLINE | _HEADINGS | _BOUNDARIES | {"p", "ul", "ol", "li", "blockquote", "pre"},
                     clean_content_tags=_DROPPED, link_rel=None, url_schemes={"http", "https", "mailto"},
                     attributes={"a": {"href", "title"}, "img": {"src", "alt", "width", "height"}})
    safe = _VOID.sub(r"<\1\2/>", legible(safe).replace("&nbsp;", "\u00a0"))
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=True)
    return etree.fromstring(f"<div>{safe}</div>", parser)


def _blocks(parent: etree._Element, base: str, depth: int) -> Iterator[str]:
    """The blocks in an element; loose text between them becomes paragraphs."""
    run = [_text(parent.text)]
    for child in parent:
        if child.tag in _INLINE:
            run.append(_inline(child, base, depth + 1))
        else:
            yield from _wrapped("p", run)
            run = []
            yield from _block(child, base, depth + 1)
        run.append(_text(child.tail))
    yield from _wrapped("p", run)


def _block(node: etree._Element, base: str, depth: int) -> Iterator[str]:
    tag = str(node.tag)
    if depth > MAX_DEPTH:
        yield from _wrapped("p", [_words(node)])
    elif tag in ("ul", "ol"):
        yield from _wrapped(tag, _items(node, base, depth))
    elif tag == "blockquote":
        yield from _wrapped(tag, _blocks(node, base, depth))
    elif tag == "pre":
        yield from _wrapped(tag, [html.escape("".join(node.itertext()), quote=False)])
    elif tag in _HEADINGS:
        yield from _wrapped(_RENAMED[tag], _content(node, base, depth))
    else:
        yield from _blocks(node, base, depth)


def _items(node: etree._Element, base: str, depth: int) -> Iterator[str]:
    yield from _wrapped("li", [_text(node.text)])
    for child in node:
        plainly = child.tag == "li" and all(each.tag in _INLINE for each in child)
        content = _content(child, base, depth + 1) if plainly else _block(child, base, depth + 1)
        yield from _wrapped("li", content)
        yield from _wrapped("li", [_text(child.tail)])


def _inline(node: etree._Element, base: str, depth: int) -> str:
    tag = _RENAMED.get(str(node.tag), str(node.tag))
    if tag in ("br", "img"):
        return "<br />" if tag == "br" else ""
    content = _words(node) if depth > MAX_DEPTH else "".join(_content(node, base, depth))
    if not _visible(content):
        return " " if content else ""
    if tag != "a":
        return f"<{tag}>{content}</{tag}>"
    link = absolute(node.get("href") or "", base)
    title = plain(node.get("title") or "")
    named = f' title="{_attribute(title)}"' if title else ""
    return f'<a href="{_attribute(link)}"{named}>{content}</a>' if link else content


def _content(node: etree._Element, base: str, depth: int) -> list[str]:
    """The content of an element as text with inline tags; a block in it starts a new line."""
    parts = [_text(node.text)]
    for child in node:
        if child.tag in _INLINE:
            parts.append(_inline(child, base, depth + 1))
        else:
            parts.append(_BREAK)
            parts += _content(child, base, depth + 1) if depth < MAX_DEPTH else [_words(child)]
        parts.append(_text(child.tail))
    return list(dropwhile(("", _BREAK).__contains__, parts))


def _wrapped(tag: str, parts: Iterable[str]) -> Iterator[str]:
    content = "".join(_trimmed(list(parts)))
    content = content.strip("\n" if tag == "pre" else None)
    if _visible(content):
        yield f"<{tag}>{content}</{tag}>"


def _trimmed(parts: list[str]) -> list[str]:
    """The parts without white space and line breaks at either end."""
    meant = [at for at, part in enumerate(parts) if part.strip() not in ("", "<br />")]
    return parts[meant[0]:meant[-1] + 1] if meant else []


def _visible(content: str) -> bool:
    return bool(re.sub(r"<[^<>]*>", "", content).strip())


def _words(node: etree._Element) -> str:
    return _text("".join(node.itertext()))


def _text(text: str | None) -> str:
    return html.escape(re.sub(r"[ \t\r\n\f]+", " ", text or ""), quote=False)


def _attribute(value: str) -> str:
    """The value escaped for an attribute; beyond plain ASCII by number, because MRML would rewrite it (mjml-python
    1.4)."""
    return "".join(character if character.isascii() and character.isprintable() and character not in "\"'&<>\\"
                   else f"&#{ord(character)};" for character in value)


def _picture(tree: etree._Element, base: str) -> Picture | None:
    """The first picture that is meant to be seen; one of one or two pixels is for tracking."""
    for node in tree.iter("img"):
        url = absolute(node.get("src") or "", base)
        tiny = {node.get("width"), node.get("height")} & {"0", "1", "2"}
        if url.startswith("https://") and not tiny:
            return Picture(url, plain(node.get("alt") or ""))
    return None
