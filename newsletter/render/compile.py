"""An issue's stories compiled once: every block of every edition, in one language, ready for the wire."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from types import MappingProxyType

from markupsafe import Markup

from newsletter.errors import TemplateError
from newsletter.model import Block, BlockSet, Manifest, Place, Placeholder, Problem, digest
from newsletter.render import markup
from newsletter.render.environment import Sandbox, environment, render, tongue, turned
from newsletter.render.lint import lint
from newsletter.render.placeholders import PLACEHOLDERS
from newsletter.render.prose import width
from newsletter.render.template import FRAME, Template, text_twin
from newsletter.render.wire import quote
from newsletter.render.words import Words, direction
from newsletter.text import quoted

_URLS = frozenset({"href", "src"})
_WORDED = frozenset({"alt", "title", "aria-label", "content", "summary"})
_ENDS = {"foot": "\n", "item": "\n"}
"""The ends of those kinds of plain-text blocks that do not end with an empty line."""
_SEAM = "\ufdd0"
"""Stands for the lines of the list of contents: a noncharacter, which no text contains."""


@dataclass(frozen=True, slots=True)
class Site:
    """The values that are the same for every subscriber of an issue and are in no story."""

    postal_address: str
    """One line; empty shows none."""
    web_url: str = ""
    """The issue's own page on the web; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Part:
    """A block before it is compiled."""

    key: str
    """That of `model.Block`."""
    kind: str
    """One of `template.KINDS`."""
    values: Mapping[str, object]
    """The names that its file may use in addition to `environment.EVERYWHERE`, with their values."""


def compile(template: Template, manifest: Manifest, *, language: str, site: Site) -> BlockSet:
    """Every block of the issue in one language: head, foot, a heading for each topic, each story that stands for itself
    both as the lead and as one of many, the line for what was left out and the note of a quiet week.

    Raises TemplateError, with file and line where they are known, if the template or a story cannot be compiled.
    """
    if faults := lint(template):
        raise _refused(template, faults)
    words = template.words(language)
    nonce = f"n{digest([asdict(manifest), template.hash, language])}n"  # nobody who writes a story can know it
    tokens = {name: f"{nonce}{name}{nonce}" for name in PLACEHOLDERS}
    jinja = environment(template, words, names(template, manifest, words, site, tokens), manifest.slot.zone)
    parts = list(parts_of(manifest, language))
    html = _cut(_html(jinja, template, parts, nonce), f"<!--{nonce}([0-9]+)-->", len(parts), template)
    text = _cut(_text(jinja, template, parts, nonce), f"{nonce}([0-9]+)\n", len(parts), template)
    keys, kinds = ("head", *(part.key for part in parts), "foot"), ("head", *(part.kind for part in parts), "foot")
    opener = _Opener(template, nonce)
    stretches = {key: _even(each, _ENDS.get(kind, "\n\n")) for key, kind, each in zip(keys, kinds, text, strict=True)}
    if "contents" in template.blocks:  # the lines of the list stand close: an empty line follows the last
        stretches["contents-end"] = "\n" + stretches["contents-end"]
    return BlockSet(
        language,
        html={key: opener.block(key, kind, stretch) for key, kind, stretch in zip(keys, kinds, html, strict=True)},
        text={key: opener.text_block(key, kind, stretches[key]) for key, kind in zip(keys, kinds, strict=True)},
        catalogues=tuple(words.catalogues),
    )


def _refused(template: Template, faults: Sequence[Problem]) -> TemplateError:
    """One error for all faults."""
    if len(faults) == 1:
        return TemplateError(faults[0].found, place=faults[0].place, cure=faults[0].cure)
    listed = "\n".join(f"  {fault}" for fault in faults)
    return TemplateError(f"the template has {len(faults)} faults\n{listed}", place=template.folder)


def names(
    template: Template, manifest: Manifest, words: Words, site: Site, values: Mapping[str, str],
) -> dict[str, object]:
    """The value of each of `environment.EVERYWHERE`."""
    rtl = direction(words.language) == "rtl"
    return {
        "newsletter": manifest.newsletter, "date": datetime.fromisoformat(manifest.slot.local), "site": site,
        "language": words.language, "dir": "rtl" if rtl else "ltr", "start": "right" if rtl else "left",
        "end": "left" if rtl else "right", "theme": template.theme, "slot": MappingProxyType(dict(values)),
    }


def parts_of(manifest: Manifest, language: str) -> Iterator[Part]:
    """The parts from which editions of the issue are made, except the frame, in the order in which they are compiled.

    `contents` is the part before the lines of the list, `contents-end` the part after them.
    """
    stories = {candidate.story.id: candidate.story for candidate in manifest.candidates}
    shown = [
        (candidate.story.id, {
            "story": candidate.story, "tongue": tongue(candidate.story, manifest, language),
            "turned": turned(candidate.story, manifest, language),
            "also": [stories[each] for each in candidate.also if stories[each].link],
        })
        for candidate in manifest.candidates if not candidate.merged_into
    ]
    yield Part("contents", "contents", {})
    yield from (Part(f"item:{story}", "item", values) for story, values in shown)
    yield Part("contents-end", "contents", {})
    for position, topic in enumerate(manifest.topics):
        yield Part(f"topic:{topic.slug}", "topic", {"topic": topic, "position": position})
    for kind in ("lead", "story"):
        yield from (Part(f"{kind}:{story}", kind, values) for story, values in shown)
    yield from (Part(kind, kind, {}) for kind in ("rest", "more", "quiet"))


def body(jinja: Sandbox, template: Template, part: Part, file: str) -> str:
    """The text that a file makes of a part; empty without a file. Raises TemplateError with file and line."""
    if not file:
        return ""
    if part.kind == "item":
        return render(jinja, template, file, part.values).strip()
    if part.kind != "contents":
        return render(jinja, template, file, part.values)
    pieces = render(jinja, template, file, {"items": Markup(_SEAM)}).split(_SEAM)  # noqa: S704  # one character of ours
    if len(pieces) != 2:
        cure = "Write {{ items }} once, where the lines of the list go."
        raise TemplateError(f"{{{{ items }}}} occurs {len(pieces) - 1} times", place=template.place(file), cure=cure)
    return pieces[0].rstrip() if part.key == "contents" else pieces[1].lstrip()


def _html(jinja: Sandbox, template: Template, parts: list[Part], nonce: str) -> str:
    from newsletter.render.html import to_html  # slow: cssutils, premailer and requests

    bodies = {part.key: body(jinja, template, part, template.blocks.get(part.kind, "")) for part in parts}
    marked = "".join(f"{_marker(nonce, number, key)}{each}" for number, (key, each) in enumerate(bodies.items()))
    marked += _marker(nonce, len(parts), "")
    try:
        return to_html(_framed(jinja, template, marked))
    except TemplateError as whole:
        for part in (None, *parts):
            try:
                to_html(_framed(jinja, template, _alone(part, bodies) if part else ""))
            except TemplateError as error:
                file = template.blocks[part.kind] if part else FRAME
                found = f"{part.key}: {error.found}" if part else error.found
                raise TemplateError(found, place=error.place or template.place(file), cure=error.cure) from error
        raise TemplateError(whole.found, place=template.folder, cure=whole.cure) from whole


def _marker(nonce: str, number: int, key: str) -> str:
    """A mark that is found again after compiling: a comment in the section of a list, elsewhere between sections."""
    comment = f"<!--{nonce}{number}-->"
    return comment if key.startswith("item:") or key == "contents-end" else f"<mj-raw>{comment}</mj-raw>"


def _alone(part: Part, bodies: Mapping[str, str]) -> str:
    """A part as whole sections, with nothing of the others."""
    if part.kind not in ("contents", "item"):
        return bodies[part.key]
    return bodies["contents"] + (bodies[part.key] if part.kind == "item" else "") + bodies["contents-end"]


def _framed(jinja: Sandbox, template: Template, body: str) -> str:
    return render(jinja, template, FRAME, {"body": Markup(body)})  # noqa: S704  # each part was escaped as it was made


def _text(jinja: Sandbox, template: Template, parts: list[Part], nonce: str) -> str:
    bodies = [body(jinja, template, part, text_twin(template.blocks.get(part.kind, ""))) for part in parts]
    marked = "".join(f"{nonce}{number}\n{each}\n" for number, each in enumerate([*bodies, ""]))
    return markup.clean(render(jinja, template, text_twin(FRAME), {"body": marked}))


def _cut(document: str, marker: str, count: int, template: Template) -> list[str]:
    """The stretches before, between and after the markers; each marker has to be there once, in order."""
    pieces = re.split(marker, document)
    if [int(number) for number in pieces[1::2]] != list(range(count + 1)):
        raise TemplateError(
            "the blocks cannot be told apart in what came out", place=template.place(FRAME),
            cure="Put {{ body }} once into the frame, directly inside mj-body, and as it is.",
        )
    return pieces[::2]


def _even(text: str, end: str) -> str:
    """A stretch of plain text without spaces at line ends, with one empty line at most, and `end` at its own."""
    lines = "\n".join(line.rstrip() for line in text.strip("\n").split("\n"))
    lines = re.sub(r"\n{3,}", "\n\n", lines).strip("\n")
    return lines + end if lines else ""


class _Opener:
    """Turns stretches of finished text into blocks: finds the placeholders, and encodes what is between them."""

    def __init__(self, template: Template, nonce: str) -> None:
        self._template = template
        self._token = re.compile(f"{nonce}([a-z_]+){nonce}")

    def block(self, key: str, kind: str, html: str) -> Block:
        """A block of HTML."""
        places = {
            found.start(): self._place(found[1], piece, found.start() - piece.start())
            for piece in markup.TOKEN.finditer(html) for found in self._token.finditer(html, *piece.span())
        }
        return self._opened(key, kind, html, places)

    def text_block(self, key: str, kind: str, text: str) -> Block:
        """A block of plain text."""
        return self._opened(key, kind, text, {found.start(): "text" for found in self._token.finditer(text)})

    def _column(self, text: str, start: int) -> int:
        """The columns taken before a placeholder, from the start of its line or from an earlier placeholder in it."""
        return width(self._token.split(text[text.rfind("\n", 0, start) + 1: start])[-1])

    def _opened(self, key: str, kind: str, text: str, places: Mapping[int, Place]) -> Block:
        segments, end, size = list[bytes | Placeholder](), 0, 0
        for found in self._token.finditer(text):
            self._allow(found[1], kind)
            place = places[found.start()]
            column = self._column(text, found.start()) if place == "text" else 0
            segments += [quote(text[end: found.start()]), Placeholder(found[1], place, column)]
            size += len(text[end: found.start()].encode())
            end = found.end()
        segments.append(quote(text[end:]))
        size += len(text[end:].encode())
        return Block(key, tuple(segment for segment in segments if segment), size)

    def _allow(self, placeholder: str, kind: str) -> None:
        if (allowed := PLACEHOLDERS[placeholder].blocks) and kind not in allowed:
            cure = f"Use it only in: {', '.join(allowed)}."
            raise self._misplaced(placeholder, f"has no value in {quoted(kind)}", cure)

    def _place(self, placeholder: str, piece: re.Match[str], offset: int) -> Place:
        """The place of a placeholder in a piece of HTML."""
        holds = PLACEHOLDERS[placeholder].holds
        if piece["text"] is not None:
            return "html"
        attributes = markup.ATTRIBUTE.finditer(piece[0])
        attribute = next((each for each in attributes if each.start() <= offset < each.end()), None)
        name = attribute[1].lower() if piece["tag"] is not None and attribute else ""
        if name in _URLS and holds == "url":
            return "url"
        if name in _WORDED:
            return "attribute"
        where = f"attribute {quoted(name)}" if name else "comment, style or tag"
        raise self._misplaced(placeholder, f"cannot stand in the {where}",
                              "Put words into text, alt, title or aria-label, and addresses into href or src.")

    def _misplaced(self, placeholder: str, found: str, cure: str) -> TemplateError:
        use = re.compile(rf"\bslot\.{placeholder}\b")
        places = (self._template.place(file, source[: match.start()].count("\n") + 1)
                  for file, source in self._template.files.items() for match in use.finditer(source))
        return TemplateError(f"slot.{placeholder} {found}", place=" or ".join(places), cure=cure)
