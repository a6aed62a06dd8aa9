"""Markdown stories as Hugo, Jekyll and Eleventy write them, and the problems of those that cannot be read."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.model import Harvest, Picture, Story
from newsletter.sources import Sources, Web
from newsletter.sources.plain import plain

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
SAMPLE = Path(__file__).parent.parent.parent / "sample"


class Desk:
    """A project folder for stories."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, text: str | bytes, name: str = "ai.md") -> None:
        path = self.root / "stories" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def harvest(self) -> Harvest:
        return Sources(self.root, Web("")).harvest("stories/", now=NOW, state=None)

    def story(self, text: str | bytes, name: str = "ai.md") -> Story:
        """The only story of a folder without problems."""
        self.put(text, name)
        harvest = self.harvest()
        assert [str(problem) for problem in harvest.problems] == []
        return harvest.stories[0]

    def problem(self, text: str | bytes) -> str:
        """The only problem."""
        self.put(text)
        (problem,) = self.harvest().problems
        return str(problem)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_front_matter_gives_everything_about_a_story(desk: Desk) -> None:
    story = desk.story("""---
title: "Chips: a duty"
date: 2026-11-20T09:30:00+01:00
link: https://news.example/chips
tags: [Trade, artificial-intelligence]
summary: What the duty *is*.
image: https://news.example/chip.jpg
alt: A chip
language: en-gb
weight: 3
pinned: true
---
The **duty** comes, see [the table](table).
""")
    assert story == Story(
        id="https://news.example/chips",
        title="Chips: a duty",
        date=datetime(2026, 11, 20, 8, 30, tzinfo=UTC),
        source="stories/",
        link="https://news.example/chips",
        text="The duty comes, see the table.",
        summary="What the duty *is*.",
        body='<p>The <strong>duty</strong> comes, see <a href="https://news.example/table">the table</a>.</p>',
        tags=("Trade", "artificial-intelligence"),
        language="en-GB",
        picture=Picture("https://news.example/chip.jpg", "A chip"),
        weight=3,
        pinned=True,
    )


@pytest.mark.parametrize(
    "front",
    [
        "---\ntitle: Ferry\ndate: 2026-11-20\ntags: [sea, harbour]\n---\n",
        "---\r\ntitle: Ferry\r\ndate: 2026-11-20\r\ntags: sea harbour\r\n---\r\n",
        '+++\ntitle = "Ferry"\ndate = 2026-11-20\ntags = ["sea", "harbour"]\n+++\n',
        "\ufeff---\nTitle: Ferry\nDate: 2026-11-20\nTags: sea, harbour\n---\n",
        '{"title": "Ferry", "date": "2026-11-20", "tags": "sea; harbour"}\n',
        "---\ntitle: Ferry\npubDate: 20 Nov 2026 00:00 GMT\ntags:\n- sea\n- harbour\n...\n",
        "---\ntitle: Ferry\ndate: 2026-11-20 00:00:00 +0000\ncategories: sea\ntags: [posts, harbour]\n---\n",
        '+++\ntitle = "Ferry"\npublishDate = 2026-11-20T01:00:00+01:00\ndate = 2026-01-01\n'
        'categories = ["sea"]\ntag = "harbour"\n+++\n',
    ],
)
def test_every_kind_of_front_matter_means_the_same(desk: Desk, front: str) -> None:
    story = desk.story(front + "It sails.")
    assert (story.title, story.date, set(story.tags), story.text) == (
        "Ferry",
        datetime(2026, 11, 20, tzinfo=UTC),
        {"sea", "harbour"},
        "It sails.",
    )


@pytest.mark.parametrize(
    "front",
    [
        "draft: true",
        "draft: yes",
        "published: false",
        "expiryDate: 2026-11-22",
        "publishDate: 2026-11-24",
        'draft: "on"',
    ],
)
def test_drafts_and_stories_out_of_their_time_are_left_out(desk: Desk, front: str) -> None:
    desk.put(f"---\ntitle: Not now\n{front}\n---\nText.")
    assert desk.harvest() == Harvest(complete=True)


@pytest.mark.parametrize(
    "front",
    ["draft: false", "draft: no", "published: true", "expiryDate: 2026-11-24", "publishDate: 2026-11-22", "draft:"],
)
def test_stories_in_their_time_are_read(desk: Desk, front: str) -> None:
    assert desk.story(f"---\ntitle: Now\n{front}\n---\nText.").title == "Now"


def test_a_jekyll_file_name_gives_the_day_and_the_path_the_identity(desk: Desk) -> None:
    story = desk.story("---\ntitle: Ferry\n---\nText.", "_posts/2026-11-19-ferry.md")
    assert (story.date, story.dated, story.id) == (
        datetime(2026, 11, 19, tzinfo=UTC),
        True,
        "stories/_posts/2026-11-19-ferry.md",
    )


def test_a_story_without_a_date_is_dated_now_and_marked_undated(desk: Desk) -> None:
    story = desk.story("---\ntitle: Ferry\n---\nText.")
    assert (story.date, story.dated) == (NOW, False)


@pytest.mark.parametrize(
    ("front", "identity"),
    [
        ("id: ferry-1\nlink: https://x.example/", "ferry-1"),
        ("guid: 17", "17"),
        ("link: https://X.example?utm_source=a", "https://x.example/"),
        ("canonical: https://x.example/a#b", "https://x.example/a"),
        ("url: /ferry/", "stories/ai.md"),
    ],
)
def test_a_story_is_identified_by_its_id_its_link_or_its_path(desk: Desk, front: str, identity: str) -> None:
    assert desk.story(f"---\ntitle: Ferry\n{front}\n---\n").id == identity


def test_an_edited_title_makes_a_new_version_and_no_new_story(desk: Desk) -> None:
    first, second = desk.story("---\ntitle: Fery\n---\nText."), desk.story("---\ntitle: Ferry\n---\nText.")
    assert first.id == second.id
    assert first.version != second.version


def test_the_first_heading_is_the_title_and_is_not_repeated(desk: Desk) -> None:
    assert desk.story("# The *ferry* sails\n\nAt noon.").text == "At noon."
    assert desk.story("# The *ferry* sails\n\nAt noon.").title == "The ferry sails"
    assert desk.story("---\ntitle: The ferry sails\n---\nThe ferry sails\n===\n\nAt noon.").text == "At noon."
    assert desk.story("---\ntitle: A ship\n---\n## The ferry sails\n\nAt noon.").text == "The ferry sails\n\nAt noon."


def test_the_text_above_more_is_the_summary(desk: Desk) -> None:
    story = desk.story("# Ferry\n\nThe *short* of it.\n\n<!--more-->\n\nThe long of it.")
    assert (story.summary, story.text) == ("The short of it.", "The short of it.\n\nThe long of it.")


def test_raw_html_in_markdown_is_cleaned(desk: Desk) -> None:
    story = desk.story(
        "# T\n\n<div onclick=x>ok</div>\n\n<script>no()</script>\n\n[a](javascript:x) <mj-raw>b</mj-raw>\n\n![c](https://p.example/i.png)"
    )
    assert story.body == "<p>ok</p>\n<p>[a](javascript:x) b</p>"
    assert story.picture == Picture("https://p.example/i.png", "c")


@pytest.mark.parametrize(
    "image",
    [
        "image: https://p.example/i.png\nalt: Boat",
        "images: [https://p.example/i.png]\nimage_alt: Boat",
        "cover:\n  image: https://p.example/i.png\n  alt: Boat",
        "link: https://p.example/x\nimage: {src: /i.png, alt: Boat}",
    ],
)
def test_a_picture_may_be_named_in_many_ways(desk: Desk, image: str) -> None:
    assert desk.story(f"---\ntitle: T\n{image}\n---\n").picture == Picture("https://p.example/i.png", "Boat")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("---\ntitel: Ferry\n---\n# Ferry", "stories/ai.md:2: unknown key “titel” → Did you mean “title”?"),
        (
            "---\ntitle: Ferry\ndate: 2026-11-20\ntag_s: x\n---\n",
            "stories/ai.md:4: unknown key “tag_s” → Did you mean “tags”?",
        ),
        (
            "---\ntitle: Ferry\nlanguage: Klingonish!\n---\n",
            'stories/ai.md:3: language “Klingonish!” is not a language tag → Write one such as "en", "de" or "pt-BR".',
        ),
        (
            "---\ntitle: Ferry\nweight: heavy\n---\n",
            'stories/ai.md:3: weight “heavy” is not a whole number → Write "weight: 10".',
        ),
        (
            "---\ntitle: Ferry\nlink: javascript:x\n---\n",
            'stories/ai.md:3: link “javascript:x” is not a web address → Begin it with "https://".',
        ),
    ],
)
def test_a_small_mistake_is_reported_and_the_story_kept(desk: Desk, text: str, said: str) -> None:
    assert desk.problem(text) == said
    assert desk.harvest().stories[0].title == "Ferry"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("---\ntitle: a: b\n---\n", "stories/ai.md:2: invalid YAML"),
        ("---\nx: 1\ntitle: [\n---\n", "stories/ai.md:"),
        ("---\ntitle: T\ndate: 2026-13-45\n---\n", "stories/ai.md:3: date “2026-13-45” is not a date"),
        ("---\ntitle: T\n\ndate: 20.11.2026\n---\n", "stories/ai.md:4: date “20.11.2026” is not a date"),
        ("---\ntitle: T\ndraft: maybe\n---\n", "stories/ai.md:3: draft “maybe” is neither true nor false"),
        ("---\n- a\n---\n", "stories/ai.md:2: the front matter has no keys and values"),
        ("---\ntitle: T\n", "stories/ai.md:1: the front matter opened here is never closed"),
        ("+++\na = 1\ntitle = T\n+++\n", "stories/ai.md:3: invalid TOML"),
        ('{"title": "T",\n "a": }\n', "stories/ai.md:2: invalid JSON"),
        ("just words", "stories/ai.md:1: the story has no title or heading"),
        ("", "stories/ai.md:1: the story has no title or heading"),
        ("# T\n" + "x" * 300_000, "stories/ai.md: has 300,004 bytes"),
        ("---\na: " + "[" * 300 + "\n---\n", "stories/ai.md:3: invalid YAML"),
    ],
)
def test_a_story_that_cannot_be_trusted_is_left_out_and_the_others_are_kept(desk: Desk, text: str, said: str) -> None:
    desk.put("# Good\n\nNews.", "zoo.md")
    assert desk.problem(text).startswith(said)
    assert [story.title for story in desk.harvest().stories] == ["Good"]


def test_bytes_that_are_not_utf_8_are_replaced_and_reported(desk: Desk) -> None:
    assert (
        desk.problem(b"---\ntitle: T\n---\n\ncaf\xe9")
        == "stories/ai.md:5: has bytes that are not UTF-8, shown as � → Save the file as UTF-8."
    )
    assert desk.harvest().stories[0].text == "caf�"


def test_of_two_stories_with_one_identity_the_first_is_kept_and_both_places_are_named(desk: Desk) -> None:
    desk.put("---\nid: x\ntitle: One\n---\n", "a.md")
    desk.put("---\nid: x\n\ntitle: Two\n---\n", "b.md")
    harvest = desk.harvest()
    assert [story.title for story in harvest.stories] == ["One"]
    said = "stories/b.md:4: “Two” has the same id, “x”, as the story in stories/a.md:3"
    assert str(harvest.problems[0]).startswith(said)


def test_a_folder_is_read_in_order_without_hidden_files_and_those_about_the_folder(desk: Desk) -> None:
    for name in ("b.md", "a/c.markdown", "README.md", ".git/d.md", "_drafts/e.md", "f.txt", "_index.md", "a/g.MD"):
        desk.put(f"# {name}", name)
    assert [story.title for story in desk.harvest().stories] == ["a/c.markdown", "a/g.MD", "b.md"]


def test_the_sample_project_has_only_good_stories() -> None:
    harvest = Sources(SAMPLE, Web("")).harvest("stories/", now=NOW, state=None)
    assert [str(problem) for problem in harvest.problems] == []
    assert len(harvest.stories) >= 10


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["title", "date", "link", "tags", "image", "cover", "images", "language", "draft", "weight", "id", "summary", "x"]
)


@given(st.dictionaries(KEYS, VALUES, max_size=6), st.text(max_size=80))
@settings(max_examples=120)
def test_any_values_give_a_story_a_problem_or_a_draft(values: dict[str, object], body: str) -> None:
    text = json.dumps(values) + "\n\n" + body
    harvest = Sources(Path("unused"), Web("")).harvest_bytes(
        b"---\n" + text.encode("utf-8", "replace") + b"\n---\n# T", name="x", now=NOW
    )
    assert harvest.stories or harvest.problems or values.get("draft")


@given(
    st.binary(max_size=120),
    st.sampled_from([b"---\n%s\n---\n# T", b"+++\n%s\n+++\n# T", b"---\ntitle: T\n---\n%s", b"{%s}\n# T", b"---%s"]),
)
@settings(max_examples=200)
def test_any_bytes_give_a_story_a_problem_or_a_draft(data: bytes, frame: bytes) -> None:
    harvest = Sources(Path("unused"), Web("")).harvest_bytes(frame.replace(b"%s", data), name="x", now=NOW)
    assert all(story.title for story in harvest.stories)
    assert harvest.stories or harvest.problems or b"draft" in data


@given(st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1, max_size=60).filter(str.strip))
@settings(max_examples=80)
def test_any_title_in_quotes_comes_back(title: str) -> None:
    text = f"---\ntitle: {json.dumps(title, ensure_ascii=False)}\n---\nText."
    harvest = Sources(Path("unused"), Web("")).harvest_bytes(text.encode(), name="x", now=NOW)
    assert [story.title for story in harvest.stories] == ([plain(title)] if plain(title) else [])
