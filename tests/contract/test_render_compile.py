"""Issues compiled to blocks with the template that comes with the program, and what its mails are."""

import quopri
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import pytest
from lxml import etree

from newsletter.errors import TemplateError
from newsletter.model import Block, BlockSet, Edition, Entry, Interests, Manifest, Placeholder, Section
from newsletter.render.compile import Site, compile
from newsletter.render.layout import layout
from newsletter.render.placeholders import PLACEHOLDERS, fill
from newsletter.render.template import Template
from newsletter.render.weights import weigh

SITE = Site("Desk, 1 Example Street, Exampleton", "https://news.example.org/weekly/2026-11-30")
PERSONAL = {
    "unsubscribe_url": "https://news.example.org/u/t0ken", "preferences_url": "https://news.example.org/p/t0ken",
    "greeting": "Hello Zoë,",
}
LEAD = "https://harbour.example.org/ferries?a=1&b=2"
FULL = Edition(Interests(topics=("ai", "cyber", "privacy", "trade")), frozenset(), (
    Section("ai", (Entry(LEAD, ("trade",)), Entry("s4", ("privacy",)), Entry("s7")), more=4),
    Section("cyber", (Entry("s2"), Entry("s6", ("privacy",)))),
    Section("privacy", (Entry("s3"),)),
    Section("trade", (Entry("s5"),), more=1),
))


FRAME_BLOCKS = {"head", "contents", "contents-end", "rest", "more", "quiet", "foot"}
"""Those of an issue without stories and topics."""


@pytest.fixture(scope="module")
def blocks(weekly: Template, manifest: Manifest) -> BlockSet:
    return compile(weekly, manifest, language="en", site=SITE)


def filled(
    weekly: Template, manifest: Manifest, part: Mapping[str, Block], language: str, edition: Edition = FULL,
) -> str:
    placed = layout(edition, manifest, weekly.words(language))
    wire = b"".join(piece for each in placed for piece in fill(part[each.key], {**each.values, **PERSONAL}))
    return quopri.decodestring(wire).decode().replace("\r\n", "\n")


@pytest.fixture(scope="module")
def html(weekly: Template, manifest: Manifest, blocks: BlockSet) -> str:
    return filled(weekly, manifest, blocks.html, "en")


@pytest.fixture(scope="module")
def text(weekly: Template, manifest: Manifest, blocks: BlockSet) -> str:
    return filled(weekly, manifest, blocks.text, "en")


@pytest.fixture(scope="module")
def page(html: str) -> etree._Element:
    return etree.fromstring(html, etree.HTMLParser())


# --- Blocks ---------------------------------------------------------------------------------------------------


def test_there_is_a_block_for_whatever_an_edition_can_hold(blocks: BlockSet, manifest: Manifest) -> None:
    stories = {candidate.story.id for candidate in manifest.candidates}
    expected = {*FRAME_BLOCKS, *(f"topic:{topic.slug}" for topic in manifest.topics)}
    expected |= {f"{kind}:{story}" for kind in ("lead", "story", "item") for story in stories}
    assert set(blocks.html) == set(blocks.text) == expected


def test_a_story_merged_into_another_has_no_block(weekly: Template, manifest: Manifest) -> None:
    first, second, *_ = manifest.candidates
    issue = replace(manifest, candidates=(first, replace(second, merged_into=first.story.id)))
    assert "story:s2" not in compile(weekly, issue, language="en", site=SITE).html


def test_an_issue_without_stories_or_topics_still_has_its_frame(weekly: Template, manifest: Manifest) -> None:
    empty = compile(weekly, replace(manifest, candidates=(), topics=()), language="en", site=Site(""))
    assert set(empty.html) == FRAME_BLOCKS


def test_compiling_again_gives_the_same_bytes(weekly: Template, manifest: Manifest, blocks: BlockSet) -> None:
    assert compile(weekly, manifest, language="en", site=SITE) == blocks


def test_the_sizes_of_blocks_are_those_of_their_decoded_bytes(blocks: BlockSet) -> None:
    for block in [*blocks.html.values(), *blocks.text.values()]:
        wire = b"".join(piece for piece in block.segments if isinstance(piece, bytes))
        assert block.size == len(quopri.decodestring(wire).replace(b"\r\n", b"\n"))


def test_weights_add_up_to_the_edition(weekly: Template, manifest: Manifest, blocks: BlockSet) -> None:
    weights = weigh(blocks)
    placed = [each.key for each in layout(FULL, manifest, weekly.words("en"))]
    sum_of_blocks = sum(blocks.html[key].size for key in placed)
    stories = sum(weights.story[story] for story in FULL.stories[1:]) + weights.lead[LEAD]
    unlisted = sum(blocks.html[f"item:{story}"].size for story in FULL.stories if f"item:{story}" not in placed)
    assert sum_of_blocks == weights.frame + sum(weights.topic.values()) + stories + 2 * weights.more - unlisted


def test_every_slot_is_one_of_the_closed_set_and_each_has_a_place(blocks: BlockSet) -> None:
    gaps = {piece for block in [*blocks.html.values(), *blocks.text.values()] for piece in block.segments
            if isinstance(piece, Placeholder)}
    assert {gap.name for gap in gaps} == set(PLACEHOLDERS) - {"section"}  # a heading of its own says that
    assert Placeholder("subject", "attribute") in gaps
    assert Placeholder("unsubscribe_url", "url") in gaps
    assert Placeholder("unsubscribe_url", "text") in gaps


def test_text_of_a_story_that_looks_like_a_slot_or_a_marker_stays_text(weekly: Template, manifest: Manifest) -> None:
    first, *rest = manifest.candidates
    sly = replace(first, story=replace(first.story, id="sly", title="@@greeting@@ {{ slot.greeting }} <!--0-->"))
    compiled = compile(weekly, replace(manifest, candidates=(sly, *rest)), language="en", site=SITE)
    words = b"".join(piece for piece in compiled.html["story:sly"].segments if isinstance(piece, bytes))
    assert "@@greeting@@ {{ slot.greeting }} &lt;!--0--&gt;" in quopri.decodestring(words).decode()


def test_reading_the_words_of_an_edition_imports_nothing_slow() -> None:
    code = "import sys, newsletter.render.layout, newsletter.render.placeholders; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"premailer", "cssutils", "mjml", "jinja2"} & set(done.stdout.split())


# --- Faults that only show when it is compiled ----------------------------------------------------------------


def changed(weekly: Template, file: str, old: str, new: str) -> Template:
    assert old in weekly.files[file]
    return replace(weekly, files={**weekly.files, file: weekly.files[file].replace(old, new, 1)})


@pytest.mark.parametrize(("file", "old", "new", "found"), [
    ("story.mjml", "<mj-text>", "<mj-text><!-- {{ slot.greeting }} -->", "slot.greeting cannot stand in the comment"),
    ("story.mjml", "<mj-text>", '<mj-text><p class="{{ slot.greeting }}">x</p>', "stand in the attribute “class”"),
    ("story.mjml", "<mj-text>", '<mj-text><a href="{{ slot.greeting }}">x</a>', "cannot stand in the attribute “href”"),
    ("topic.mjml", "<mj-text>", "<mj-text>{{ slot.also_in }}", "slot.also_in has no value in “topic”"),
    ("shared/_foot.mjml", "{{ slot.topics }}", "{{ slot.more }}", "slot.more has no value in “foot”"),
    ("contents.mjml", "<h2>", "<h2>{{ slot.more }}", "slot.more has no value in “contents”"),
    ("text/story.txt", "{% include", "{{ slot.more }}{% include", "slot.more has no value in “lead”"),
])
def test_a_slot_where_it_cannot_stand_is_named_with_file_and_line(
    weekly: Template, manifest: Manifest, file: str, old: str, new: str, found: str,
) -> None:
    with pytest.raises(TemplateError, match=found) as raised:
        compile(changed(weekly, file, old, new), manifest, language="en", site=SITE)
    assert re.search(rf"templates/(weekly/)?{file}:\d+", raised.value.place)
    assert raised.value.cure


def test_the_block_that_does_not_compile_is_named(weekly: Template, manifest: Manifest) -> None:
    deep = "{% if story.id == 's5' %}{% for n in range(200) %}<b>{% endfor %}{% endif %}"
    bad = changed(weekly, "story.mjml", "<mj-text>", f"<mj-text>{deep}<i>x</i>{deep.replace('<b>', '</b>')}")
    with pytest.raises(TemplateError, match=r"story\.mjml: story:s5: 2\d\d elements are nested inside one another"):
        compile(bad, manifest, language="en", site=SITE)


def test_a_frame_that_does_not_compile_is_named(weekly: Template, manifest: Manifest) -> None:
    bad = changed(weekly, "shared/_masthead.mjml", "{{ newsletter.title }}", "{{ '<i>' | html | replace('/', '') }}")
    with pytest.raises(TemplateError, match=r"frame\.mjml: MJML does not compile"):
        compile(bad, manifest, language="en", site=SITE)


# --- The mail (standards.md, sections 7 to 9) -----------------------------------------------------------------


def test_every_address_in_the_mail_is_ours_or_a_story_s(page: etree._Element) -> None:
    addresses = {str(each) for each in page.xpath("//@href | //@src")}
    assert all(re.match(r"https://([a-z]+\.)*example\.(org|net|com|de)/", each) for each in addresses)
    everything = etree.tostring(page, encoding="unicode")
    assert "googleapis" not in everything
    assert "url(" not in everything


def test_language_and_direction_stand_on_the_page_and_in_its_body(page: etree._Element) -> None:
    for element in (page, page.xpath("//body/div[@role='article']")[0]):
        assert (element.get("lang"), element.get("dir")) == ("en", "ltr")
    assert page.xpath("//h3[@lang='ar'][@dir='rtl']")
    assert page.xpath("//h3[@lang='de'][@dir='ltr']")


@pytest.mark.parametrize("language", ["ar", "he", "fa", "ur"])
def test_a_language_from_right_to_left_turns_the_page(weekly: Template, manifest: Manifest, language: str) -> None:
    turned = filled(weekly, manifest, compile(weekly, manifest, language=language, site=SITE).html, language)
    tree = etree.fromstring(turned, etree.HTMLParser())
    assert tree.get("dir") == tree.xpath("//body/div/@dir")[0] == "rtl"
    assert "direction:ltr" not in turned
    assert len(tree.xpath("//div[contains(@style, 'text-align:right')]")) >= len(FULL.stories)


def test_every_layout_table_says_that_it_is_one(page: etree._Element) -> None:
    assert page.xpath("//table")
    assert not page.xpath("//table[not(@role='presentation')]")


def test_every_picture_has_words_and_a_width(page: etree._Element) -> None:
    assert page.xpath("//img/@alt") == ["A ferry without a bridge leaves the quay"]
    assert page.xpath("//img/@width") == ["504"]


def test_headings_go_down_one_step_at_a_time(page: etree._Element) -> None:
    levels = [int(str(element.tag)[1]) for element in page.iter("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_title_is_the_subject(page: etree._Element) -> None:
    assert page.xpath("string(//title)") == "Harbour towns ask who answers when a ferry steers itself"


def test_the_first_words_are_the_preheader_hidden_without_any_style_sheet(page: etree._Element) -> None:
    first = page.xpath("//body/div/div")[0]
    assert 40 <= len(first.text) <= 130
    assert "display:none" in first.get("style")
    assert "color" not in first.get("style")


def test_links_say_where_they_go_and_the_same_words_go_to_the_same_place(page: etree._Element) -> None:
    targets: dict[str, set[str]] = {}
    for link in page.xpath("//a"):
        targets.setdefault("".join(link.itertext()), set()).add(link.get("href"))
    assert len(targets) > 4
    assert [words for words in targets if not words.strip()] == []
    assert [words for words, hrefs in targets.items() if len(hrefs) > 1] == []


def test_who_writes_why_and_how_to_leave_is_there(page: etree._Element) -> None:
    body = page.xpath("string(//body)")
    assert SITE.postal_address in body
    assert "because you signed up" in body
    assert {PERSONAL["unsubscribe_url"], PERSONAL["preferences_url"], SITE.web_url} <= set(page.xpath("//a/@href"))


def test_the_mail_reads_without_any_style_sheet(page: etree._Element) -> None:
    words, links = page.xpath("//h1 | //h2 | //h3 | //p | //a[ancestor::p]"), page.xpath("//a")
    assert words
    assert links
    assert [etree.tostring(element) for element in words if not element.get("style")] == []
    assert [etree.tostring(link) for link in links if "color:#" not in link.get("style")] == []


def test_style_sheets_are_small_stand_in_the_head_and_have_the_dark_colours_apart(page: etree._Element) -> None:
    sheets = [element.text or "" for element in page.iter("style")]
    assert sum(map(len, sheets)) <= 16_384
    assert len(sheets) == len(page.xpath("/html/head/style"))
    (dark,) = [sheet for sheet in sheets if "prefers-color-scheme" in sheet]
    assert dark.count("!important") == dark.count(": #")
    assert page.xpath("//meta[@name='color-scheme']/@content") == ["light dark"]


def test_no_tag_is_there_that_mail_programs_remove(page: etree._Element) -> None:
    assert not list(page.iter("script", "iframe", "object", "embed", "form", "video", "audio", "svg", "link", "base"))


def test_no_template_syntax_and_no_none_is_left(html: str, text: str) -> None:
    for part in (html, text):
        assert not re.search(r"\{\{|\}\}|\{%|%\}|\bNone\b|%\(|mj-text", part)


def luminance(colour: str) -> float:
    """WCAG 2.2, "relative luminance"."""
    parts = [int(colour[at: at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("ground", ["page", "paper"])
@pytest.mark.parametrize("ink", ["ink", "title", "muted", "accent"])
def test_contrast_is_enough_on_every_ground(weekly: Template, mode: str, ground: str, ink: str) -> None:
    colours = weekly.theme[mode]
    assert isinstance(colours, dict)
    dark, light = sorted([luminance(colours[ground]), luminance(colours[ink])])
    assert (light + 0.05) / (dark + 0.05) >= 4.5


# --- The plain text -------------------------------------------------------------------------------------------


def test_the_plain_text_has_the_titles_and_every_link(text: str, page: etree._Element, manifest: Manifest) -> None:
    assert [candidate.story.title for candidate in manifest.candidates if candidate.story.title not in text] == []
    assert [link for link in page.xpath("//a/@href") if link not in text] == []


def test_the_plain_text_ends_in_one_line_and_has_no_space_at_the_end_of_any(text: str) -> None:
    assert "\n\n\n" not in text
    assert text.endswith("Exampleton\n")
    assert not re.search(r"[ \t]\n", text)
