"""Blocks compiled once, joined and filled are the same bytes as the whole edition compiled by itself."""

import quopri
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from newsletter.model import Edition, Entry, Interests, Manifest, Section
from newsletter.render.compile import Part, Site, body, compile, names, parts_of
from newsletter.render.environment import environment, render
from newsletter.render.expand import expand
from newsletter.render.html import to_html
from newsletter.render.layout import Placed, layout
from newsletter.render.placeholders import PLACEHOLDERS, fill
from newsletter.render.template import FRAME, Template
from tests.conftest import DATA

SITE = Site('Desk "&" Co, 1 <Example> Street', "https://news.example.org/weekly?a=1&b=2")
BROKEN = "<p>1\n<b>b</b>\n<i>i</i><ul><li>\\u{a0}</p></mj-text><script>x</script><!-- -- --><img src=x>"
AWKWARD = [
    "", "Zoë", 'Jo "the <b>" O\'Neill', "& &amp; &#38; <!-- --> &{x}", "👩‍👩‍👧 👓️ 🏴‍☠️", "محمد\u200f", "a\u00a0b",
    "n" * 300, "ö" * 300, "e\u0301\u0327", "{{ slot.subject }} {% raw %}", "back\\slash \\u{a0} \\n", "…–’ · ＡＢ 日本",
    ".", "..\n.", "From here", " edge ", "a=b =3D =\n", "`$x` %s %%", "\x80\x00\x1b\ufeff\u2028", "'", "tab\there",
]


class Press:
    """A template's issue compiled once, and the slow way to compile any edition of it whole."""

    def __init__(self, template: Template, manifest: Manifest, language: str) -> None:
        self.manifest, self.template, self.words = manifest, template, template.words(language)
        self.blocks = compile(template, manifest, language=language, site=SITE)
        known = names(template, manifest, self.words, SITE, {})
        self.jinja = environment(template, self.words, known, manifest.slot.zone)
        self.parts = {part.key: part for part in parts_of(manifest, language)}

    def spliced(self, placed: tuple[Placed, ...], personal: Mapping[str, str]) -> bytes:
        return b"".join(
            piece for each in placed for piece in fill(self.blocks.html[each.key], {**each.values, **personal})
        )

    def whole(self, placed: tuple[Placed, ...], personal: Mapping[str, str]) -> str:
        head, *between, _ = placed
        whole = "".join(self._block(self.parts[each.key], {**each.values, **personal}) for each in between)
        self.jinja.globals["slot"] = {**head.values, **personal}
        return to_html(render(self.jinja, self.template, FRAME, {"body": Markup(whole)}))

    def _block(self, part: Part, slots: Mapping[str, str]) -> str:
        self.jinja.globals["slot"] = slots
        return body(self.jinja, self.template, part, self.template.blocks.get(part.kind, ""))


@pytest.fixture(scope="module", params=["weekly-en", "weekly-ar", "briefing-fr", "single-ar", "awkward-de"])
def press(request: pytest.FixtureRequest, manifest: Manifest) -> Press:
    name, language = str(request.param).split("-")
    template = Template.load(name, DATA / "render")
    titled = [
        replace(each, story=replace(each.story, title=(title + each.story.title)[:400], body=each.story.body + BROKEN))
        for each, title in zip(manifest.candidates, AWKWARD[1:], strict=False)
    ]
    return Press(template, replace(manifest, candidates=tuple(titled)), language)


@dataclass(frozen=True)
class Choice:
    """An edition by numbers, so that it fits any issue."""

    order: list[int]
    cuts: list[int]
    also_in: list[list[int]]
    more: list[int]
    quiet: bool

    def edition(self, manifest: Manifest) -> Edition:
        slugs = [topic.slug for topic in manifest.topics]
        entries = [
            Entry(manifest.candidates[number].story.id, tuple(slugs[topic] for topic in topics))
            for number, topics in zip(self.order, self.also_in, strict=False)
        ]
        bounds = [0, *sorted(min(cut, len(entries)) for cut in self.cuts), len(entries)]
        pieces = [tuple(entries[start:end]) for start, end in pairwise(bounds)]
        sections = (Section(*each) for each in zip(slugs, pieces, self.more, strict=True) if each[1])
        return Edition(Interests(topics=tuple(slugs[:2])), frozenset(), tuple(sections), self.quiet or not entries)


choices = st.builds(
    Choice, st.lists(st.integers(0, 6), unique=True), st.lists(st.integers(0, 7), min_size=3, max_size=3),
    st.lists(st.lists(st.integers(0, 3), max_size=2), min_size=7, max_size=7),
    st.lists(st.integers(0, 3), min_size=4, max_size=4), st.booleans(),
)
names_of_people = st.one_of(st.sampled_from(AWKWARD), st.text(max_size=60))
paths = st.text("abcXYZ019-_~.=&?%/", max_size=120)


@settings(max_examples=120, phases=(Phase.explicit, Phase.generate), suppress_health_check=[HealthCheck.too_slow])
@given(choices, names_of_people, paths)
def test_a_spliced_edition_is_byte_for_byte_the_edition_compiled_whole(
    press: Press, choice: Choice, greeting: str, path: str,
) -> None:
    edition = choice.edition(press.manifest)
    personal = {
        "greeting": greeting, "unsubscribe_url": f"https://news.example.org/u/{path}",
        "preferences_url": "https://news.example.org/p?t=a&b",
    }
    placed = layout(edition, press.manifest, press.words)
    wire = press.spliced(placed, personal)
    spliced, whole = quopri.decodestring(wire).replace(b"\r\n", b"\n").decode(), press.whole(placed, personal)
    assert without_mjml_styles(spliced) == without_mjml_styles(whole)
    assert_fit_for_the_wire(wire)


def test_the_mjml_that_an_editor_is_shown_makes_the_mail_that_is_sent(press: Press) -> None:
    edition = Choice([3, 0, 1], [1, 3, 3], [[1], [], [2]] + [[]] * 4, [1, 0, 2, 0], False).edition(press.manifest)
    personal = {"greeting": "Zoë", "unsubscribe_url": "https://news.example.org/u", "preferences_url": "https://n.example"}
    placed = layout(edition, press.manifest, press.words)
    shown = expand(press.template, press.manifest, placed, personal, language=press.words.language, site=SITE)
    assert to_html(shown) == press.whole(placed, personal)


@example(["."], ["From x"])
@given(st.lists(st.sampled_from(AWKWARD), max_size=4), st.lists(st.text(max_size=90), max_size=4))
def test_the_plain_text_keeps_every_value_and_fits_the_wire(press: Press, some: list[str], others: list[str]) -> None:
    personal = {"unsubscribe_url": "https://news.example.org/u", "preferences_url": "https://news.example.org/p"}
    for value in some + others:
        blocks = press.blocks.text.values()
        values = dict.fromkeys(PLACEHOLDERS, value) | personal
        wire = b"".join(piece for block in blocks for piece in fill(block, values))
        assert_fit_for_the_wire(wire)
        kept = "".join(char for char in value if char.isprintable() and not char.isspace())
        text = quopri.decodestring(wire).decode()
        assert kept in "".join(text.split()) or not value.isprintable()


def without_mjml_styles(html: str) -> str:
    """The HTML without the styles that MJML makes for the columns and pictures it meets: an edition's are among
    its issue's."""
    made = r'<style(?: type="text/css"| media="[^"]*")>\s*(?:@media only screen and|\.moz-text-html).*?</style>'
    return re.sub(made, "", html, flags=re.DOTALL)


def assert_fit_for_the_wire(wire: bytes) -> None:
    assert b"\n" not in wire.replace(b"\r\n", b"")
    for line in wire.split(b"\r\n"):
        assert len(line) <= 76
        assert line.isascii()
        assert not line.startswith((b".", b"From "))
        assert not line.endswith((b" ", b"\t"))
