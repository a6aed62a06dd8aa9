"""The plain-text edition of every template: its columns, its numbers, its links, and nothing of the HTML."""

import quopri
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import lxml.html
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.model import Block, Candidate, Edition, Entry, Interests, Manifest, Section, Topic
from newsletter.render.compile import Site, compile
from newsletter.render.layout import layout
from newsletter.render.placeholders import fill
from newsletter.render.prose import width
from newsletter.render.template import FRAME, Template, shipped

TEMPLATES = sorted(file.parent.name for file in shipped().glob(f"*/{FRAME}"))
SITE = Site("Desk, 1 " + "Long-and-winding-street " * 4 + ", Exampleton", "https://news.example.org/issues/x")
PERSONAL = {
    "unsubscribe_url": "https://news.example.org/unsubscribe/weekly/1" + "x" * 40,
    "preferences_url": "https://news.example.org/preferences/weekly/1" + "y" * 40,
}
BODY = (
    '<p>See <a href="https://one.example.org/a?b=1&amp;c=2">the rules</a> &amp; <em>more</em>.</p><h2>Then</h2>'
    '<ul><li>1st</li><li><a href="https://two.example.org/">second</a></li></ul><blockquote>Said 1 &lt; 2</blockquote>'
    '<pre>x = 1\n    y</pre><table><tr><th>A</th><td>B</td></tr></table>'
)
TITLES = (
    "Short", "word " * 30 + "end", "日本語の見出し、" * 12, "n" * 150, "الذكاء الاصطناعي " * 9, "👩‍👩‍👧 e\u0301 " * 20,
    "See https://title.example.org/" + "z" * 90,
)


class Press:
    """A template's issue in one language; every other story has no link, and a body of its own."""

    def __init__(self, name: str, language: str, manifest: Manifest) -> None:
        template = Template.load(name, Path("nowhere"))
        self.words = template.words(language)
        self.manifest = replace(
            manifest, topics=(*manifest.topics, Topic("long", "A label that goes on " * 5)),
            candidates=tuple(told(*each) for each in zip(manifest.candidates, TITLES, strict=True)),
        )
        self.blocks = compile(template, self.manifest, language=language, site=SITE)

    def part(self, edition: Edition, greeting: str, kind: Mapping[str, Block]) -> str:
        values = {**PERSONAL, "greeting": self.words.greeting(greeting)}
        wire = b"".join(piece for each in layout(edition, self.manifest, self.words)
                        for piece in fill(kind[each.key], {**each.values, **values}))
        return quopri.decodestring(wire).decode().replace("\r\n", "\n")


def told(candidate: Candidate, title: str) -> Candidate:
    odd = TITLES.index(title) % 2
    story = replace(candidate.story, title=title.strip(), link="" if odd else f"https://s.example.org/{len(title)}",
                    body=BODY if odd else "", date=candidate.story.date - timedelta(days=odd))
    return replace(candidate, story=story)


@pytest.fixture(scope="module", params=[f"{name}-{language}" for name in TEMPLATES for language in ("en", "ar")])
def press(request: pytest.FixtureRequest, manifest: Manifest) -> Press:
    name, _, language = str(request.param).rpartition("-")
    return Press(name, language, manifest)


@st.composite
def editions(draw: st.DrawFn) -> Edition:
    """Some of the seven stories, by place, in sections of up to three."""
    order = draw(st.lists(st.integers(0, 6), unique=True))
    slugs, sections = ["ai", "long", "cyber", "trade"], list[Section]()
    while order and len(sections) < 4:
        size = draw(st.integers(1, 3))
        also = [tuple(draw(st.lists(st.sampled_from(slugs), max_size=2))) for _ in order[:size]]
        entries = tuple(Entry(str(place), topics) for place, topics in zip(order, also, strict=False))
        sections.append(Section(slugs[len(sections)], entries, draw(st.integers(0, 2))))
        order = order[size:]
    return Edition(Interests(tuple(slugs)), frozenset(), tuple(sections), draw(st.booleans()) or not sections)


def of(press: Press, edition: Edition) -> Edition:
    """The edition with the ids of the press's stories in place of their places."""
    ids = [candidate.story.id for candidate in press.manifest.candidates]
    return replace(edition, sections=tuple(
        replace(section, entries=tuple(replace(entry, story=ids[int(entry.story)]) for entry in section.entries))
        for section in edition.sections))


def squeezed(text: str) -> str:
    return "".join(text.split())


names = st.sampled_from(["", "Zoë", "Name " * 30, "山田花子" * 20])


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(editions(), names)
def test_no_line_is_wider_than_72_columns_unless_it_holds_an_address(press: Press, edition: Edition, name: str) -> None:
    text = press.part(of(press, edition), name, press.blocks.text)
    assert [line for line in text.splitlines() if width(line) > 72 and "://" not in line] == []
    assert not re.search(r"[ \t]\n|\n\n\n", text)
    assert text.endswith("\n")


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(editions())
def test_every_link_of_the_html_is_in_the_text_and_in_the_same_order(press: Press, edition: Edition) -> None:
    chosen = of(press, edition)
    page = lxml.html.document_fromstring(press.part(chosen, "", press.blocks.html))
    text = press.part(chosen, "", press.blocks.text)
    addresses = list(dict.fromkeys(str(link.get("href")) for link in page.iter("a")))
    assert [address for address in addresses if address not in text] == []
    of_stories = [address for address in addresses if "://s." in address]
    assert of_stories == sorted(of_stories, key=lambda address: text.index(f"{address}\n"))


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(editions())
def test_stories_stand_in_the_order_of_the_edition_each_with_its_number(press: Press, edition: Edition) -> None:
    chosen = of(press, edition)
    text, end = squeezed(press.part(chosen, "", press.blocks.text)), 0
    titles = {candidate.story.id: squeezed(candidate.story.title) for candidate in press.manifest.candidates}
    for number, story in enumerate(chosen.stories, 1):
        end = text.index(f"{number}.{titles[story]}", end)
    for found in re.finditer(r"\[(\d+)(?:\.\d+)?\]https", text):
        assert 1 <= int(found[1]) <= len(chosen.stories)


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(editions())
def test_no_mark_up_is_left(press: Press, edition: Edition) -> None:
    text = press.part(of(press, edition), "", press.blocks.text)
    assert not re.search(r"</?[a-z]|&(?:amp|lt|nbsp|#\d+);|\{\{|\}\}|\{%|%\(|\bNone\b|\*\*|__", text)


def test_a_slot_that_comes_after_words_is_broken_where_the_line_ends(press: Press) -> None:
    entry = Entry(press.manifest.candidates[0].story.id, ("long", "ai", "cyber"))
    edition = Edition(Interests(("ai",)), frozenset(), (Section("ai", (entry,)),))
    text = press.part(edition, "", press.blocks.text)
    assert squeezed(press.words.listed(["A label that goes on " * 5, "Artificial intelligence"])) in squeezed(text)
    assert max(width(line) for line in text.splitlines() if "://" not in line) <= 72

