"""What every template that comes with the program keeps to (standards, sections 7 to 9), and what its blocks weigh."""

import quopri
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from lxml import etree

from newsletter.model import (
    BlockSet,
    Candidate,
    Edition,
    Entry,
    Interests,
    Manifest,
    Match,
    Picture,
    Section,
    Story,
    Topic,
)
from newsletter.render.compile import Site, compile
from newsletter.render.layout import layout
from newsletter.render.placeholders import fill
from newsletter.render.template import FRAME, Template, shipped
from newsletter.render.weights import weigh

NAMES = sorted(file.parent.name for file in shipped().glob(f"*/{FRAME}"))
SITE = Site("Digital Desk, 1 Harbour Street, Exampleton", "https://news.example.org/issues/weekly-2026-11-30")
PERSONAL = {
    "unsubscribe_url": "https://news.example.org/u/" + "t" * 60,
    "preferences_url": "https://news.example.org/p/" + "t" * 60, "greeting": "Hello Zoë Marchetti,",
}
WORDS = 60
BODY = (
    "<h2>Why</h2><p>A <a href='https://a.example.org/x'>rule</a> and <code>x = 1</code>.</p><h4>How</h4>"
    "<ul><li>One</li></ul><ol><li>Two</li></ol><blockquote><p>Said.</p></blockquote><pre>a  b</pre>"
    "<table><tr><th>T</th><td>1</td></tr></table>"
)


def issue_of(manifest: Manifest, stories: int) -> Manifest:
    """An issue of stories of sixty words on eight topics, the first with a body and every fourth with a picture."""
    day = datetime(2026, 11, 24, 9, tzinfo=UTC)
    topics = tuple(Topic(f"topic-{number}", f"The topic of number {number}") for number in range(8))
    candidates = []
    for number in range(stories):
        drawn = Picture(f"https://news.example.org/pictures/{number}.png", "What is in it")
        story = Story(
            f"s{number}", f"A headline of some eight words, as number {number} has", day, "stories/",
            link=f"https://news.example.org/a-headline-of-some-words-as-number-{number}", summary="sixth " * WORDS,
            text="Another beginning. " * 200, body=BODY if number == 0 else "",
            picture=drawn if number % 4 == 0 else None,
        )
        candidates.append(Candidate(story, day, (Match(topics[number % 8].slug, "tag", ""),), 1.0, ""))
    return replace(manifest, topics=topics, candidates=tuple(candidates))


def edition_of(issue: Manifest) -> Edition:
    """Every story of the issue, under its topic."""
    sections = tuple(
        Section(topic.slug, tuple(Entry(each.story.id, ("topic-0",) if topic.slug == "topic-1" else ())
                                  for each in issue.candidates if each.matches[0].topic == topic.slug), more=2)
        for topic in issue.topics if any(each.matches[0].topic == topic.slug for each in issue.candidates)
    )
    return Edition(Interests(topics=tuple(topic.slug for topic in issue.topics)), frozenset(), sections)


def joined(template: Template, issue: Manifest, blocks: BlockSet) -> str:
    placed = layout(edition_of(issue), issue, template.words(blocks.language))
    wire = b"".join(piece for each in placed for piece in fill(blocks.html[each.key], {**each.values, **PERSONAL}))
    return quopri.decodestring(wire).decode()


@pytest.fixture(scope="module", params=NAMES)
def template(request: pytest.FixtureRequest) -> Template:
    return Template.load(str(request.param), Path("/nowhere"))


@pytest.fixture(scope="module")
def issue(manifest: Manifest) -> Manifest:
    return issue_of(manifest, 30)


@pytest.fixture(scope="module")
def blocks(template: Template, issue: Manifest) -> BlockSet:
    return compile(template, issue, language="en", site=SITE)


@pytest.fixture(scope="module")
def html(template: Template, issue: Manifest, blocks: BlockSet) -> str:
    return joined(template, issue, blocks)


@pytest.fixture(scope="module")
def page(html: str) -> etree._Element:
    return etree.fromstring(html, etree.HTMLParser())


def test_three_templates_come_with_the_program() -> None:
    assert NAMES == ["briefing", "single", "weekly"]
    assert all(Template.load(name, Path("/nowhere")).description for name in NAMES)


# --- Weight ---------------------------------------------------------------------------------------------------


def test_a_short_story_weighs_at_most_2200_bytes_and_3000_with_its_picture(blocks: BlockSet) -> None:
    weights = weigh(blocks)
    assert weights.story["s1"] - blocks.html["item:s1"].size <= 2_200
    assert weights.story["s4"] - blocks.html["item:s4"].size <= 3_000


def test_thirty_stories_and_the_frame_stay_below_what_gmail_shows(html: str) -> None:
    assert len(html.encode()) < 102_400


def test_style_sheets_weigh_less_than_8192_bytes_in_all(page: etree._Element) -> None:
    sheets = [element.text or "" for element in page.iter("style")]
    assert sum(len(each.encode()) for each in sheets) < 8_192


def test_a_long_story_is_cut_before_gmail_cuts_it(template: Template, manifest: Manifest) -> None:
    few = issue_of(manifest, 3)
    first, *others = few.candidates
    long = replace(first, story=replace(first.story, body="<p>" + "A long paragraph. " * 30 + "</p>"
                                                          + "<ul>" + "<li>x</li>" * 20 + "</ul>" + "<p>y</p>" * 4000))
    compiled = compile(template, replace(few, candidates=(long, *others)), language="en", site=SITE)
    assert compiled.html["lead:s0"].size < 80_000


# --- For every reader -----------------------------------------------------------------------------------------


def test_headings_begin_with_one_h1_and_skip_no_step(page: etree._Element) -> None:
    levels = [int(str(element.tag)[1]) for element in page.iter("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_words_of_a_link_say_where_it_goes_and_go_to_one_place(page: etree._Element) -> None:
    targets: dict[str, set[str]] = {}
    for link in page.xpath("//a"):
        targets.setdefault("".join(link.itertext()).strip(), set()).add(link.get("href"))
    assert targets
    assert all(targets)
    assert {words: where for words, where in targets.items() if len(where) > 1} == {}


def test_links_to_stories_and_out_of_the_list_are_large_enough_to_touch(page: etree._Element) -> None:
    """44 px: padding and line height of what is no part of a sentence."""
    links = page.xpath("//h3/a | //a[@class='tap'] | //a[@class='button']")
    assert links
    assert [etree.tostring(link) for link in links if height(link) < 44] == []


def height(link: etree._Element) -> int:
    styles = [style for each in [link, *link.iterancestors()] if (style := each.get("style") or "")]
    padding = re.search(r"padding:(\d+)px(?: \d+(?:px)?(?: (\d+)px)?)?", styles[0])
    line = next(found[1] for style in styles if (found := re.search(r"(?:/|line-height:)(\d+)px", style)))
    top, bottom = (int(padding[1]), int(padding[2] or padding[1])) if padding else (0, 0)
    return top + int(line) + bottom


def test_layout_tables_say_so_and_tables_of_data_do_not(page: etree._Element) -> None:
    tables = page.xpath("//table")
    assert tables
    for table in tables:
        assert (table.get("role") == "presentation") != bool(table.xpath("./tr/th | ./thead | ./tbody/tr/th"))


def test_every_picture_has_a_width_in_pixels_and_words(page: etree._Element, template: Template) -> None:
    pictures = page.xpath("//img")
    assert bool(pictures) == (template.name != "briefing")
    assert all(picture.get("width").isdigit() and picture.get("alt") for picture in pictures)


def test_the_reader_s_topics_stand_at_the_top_with_the_way_to_change_them(page: etree._Element) -> None:
    before_stories = "".join(page.xpath("//h3[1]/preceding::text()"))
    assert "Your topics: The topic of number 0, The topic of number 1" in " ".join(before_stories.split())
    assert "Change your topics" in before_stories


def test_the_foot_says_who_writes_why_and_how_to_leave(page: etree._Element) -> None:
    foot = " ".join("".join(page.xpath("//h3[last()]/following::text()")).split())
    for words in ("because you signed up", "Unsubscribe", "Change your topics", "Read on the web", SITE.postal_address):
        assert words in foot


def test_everything_reads_without_any_style_sheet(page: etree._Element) -> None:
    elements = page.xpath("//h1 | //h2 | //h3 | //p | //a")
    assert elements
    assert [etree.tostring(element) for element in elements if not element.get("style")] == []


# --- For every program ----------------------------------------------------------------------------------------


def test_the_button_is_drawn_for_outlook_and_hidden_from_it_otherwise(html: str) -> None:
    drawn = re.findall(r"<!--\[if mso\]><v:roundrect xmlns:v.*?</v:roundrect><!\[endif\]-->", html, re.DOTALL)
    assert len(drawn) == 1
    assert f'href="{SITE.web_url}"' in drawn[0]
    assert re.search(r'<!--\[if !mso\]><!--><a class="button"[^>]*>Open the whole issue</a><!--<!\[endif\]-->', html)


def test_words_and_addresses_with_dashes_do_not_end_the_comment_that_the_button_stands_in(
    template: Template, manifest: Manifest,
) -> None:
    theme = {**template.theme, "action": {"words": "", "label": "Go -- now", "url": "https://a.example/x--y?a=1&b=2"}}
    few = issue_of(manifest, 2)
    html = joined(template, few, compile(replace(template, theme=theme), few, language="en", site=SITE))
    [drawn] = re.findall(r"<!--\[if mso\]><v:roundrect.*?<!\[endif\]-->", html, re.DOTALL)
    assert "--" not in drawn[4:-3]
    assert 'href="https://a.example/x--y?a=1&amp;b=2"' in html


def test_tables_that_only_outlook_sees_are_balanced(html: str) -> None:
    for tag in ("table", "tr", "td"):
        assert len(re.findall(f"<{tag}[ >]", html)) == html.count(f"</{tag}>") > 0


def test_nothing_is_fetched_but_the_pictures_of_stories(page: etree._Element, html: str) -> None:
    assert {str(each).rpartition("/")[0] for each in page.xpath("//@src")} <= {"https://news.example.org/pictures"}
    assert "url(" not in html
    assert not page.xpath("//link | //script | //iframe")


def test_the_picture_of_the_briefing_is_no_picture(manifest: Manifest, issue: Manifest) -> None:
    briefing = Template.load("briefing", Path("/nowhere"))
    assert "<img" not in joined(briefing, issue, compile(briefing, issue, language="en", site=SITE))


def test_a_logo_of_one_s_own_takes_the_place_of_the_drawn_mark(manifest: Manifest) -> None:
    weekly = Template.load("weekly", Path("/nowhere"))
    theme = {**weekly.theme, "logo": {"picture": "https://news.example.org/logo.png", "width": 48}}
    few = issue_of(manifest, 1)
    html = joined(weekly, few, compile(replace(weekly, theme=theme), few, language="en", site=SITE))
    assert 'src="https://news.example.org/logo.png"' in html
    assert 'aria-hidden="true"' not in html


@pytest.mark.parametrize("language", ["ar", "he"])
def test_the_page_turns_for_languages_from_right_to_left(template: Template, manifest: Manifest, language: str) -> None:
    few = issue_of(manifest, 4)
    html = joined(template, few, compile(template, few, language=language, site=SITE))
    turned = etree.fromstring(html, etree.HTMLParser())
    assert turned.get("dir") == turned.xpath("//body/div/@dir")[0] == "rtl"
    assert turned.xpath("//body/div/@lang") == [language]
    assert not turned.xpath("//*[contains(@style, 'direction:ltr') and not(self::pre)]")


# --- Colours --------------------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    """WCAG 2.2, "relative luminance"."""
    parts = [int(colour[at: at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_colour_for_words_can_be_read_on_every_ground(template: Template, mode: str) -> None:
    colours = template.theme[mode]
    assert isinstance(colours, Mapping)
    inks = [*(colours[name] for name in ("ink", "title", "muted", "accent")), *colours.get("topics", ())]
    weak = [(ink, ground) for ink in inks for ground in (colours["page"], colours["paper"], colours["tint"])
            if contrast(ink, ground) < 4.5]
    assert weak == []
    assert contrast(colours["label"], colours["accent"]) >= 4.5


@pytest.mark.parametrize("name", ["weekly", "briefing"])
def test_topics_take_the_colours_of_the_theme_in_turn_in_light_and_dark(manifest: Manifest, name: str) -> None:
    template = Template.load(name, Path("/nowhere"))
    light, dark = (template.theme[mode] for mode in ("light", "dark"))
    assert isinstance(light, Mapping)
    assert isinstance(dark, Mapping)
    assert len(light["topics"]) == len(dark["topics"]) == len({*light["topics"]})
    many = replace(issue_of(manifest, 1), topics=tuple(Topic(f"t{number}", f"Topic {number}") for number in range(9)))
    blocks = compile(template, many, language="en", site=SITE)
    for number in (0, 3, 8):
        block = b"".join(each for each in blocks.html[f"topic:t{number}"].segments if isinstance(each, bytes))
        assert f"color:{light['topics'][number % 8]}" in quopri.decodestring(block).decode()
        assert f'class="topic t{number % 8}"' in quopri.decodestring(block).decode()
