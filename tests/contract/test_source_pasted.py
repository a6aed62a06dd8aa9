"""Pasted texts: the beginnings of stories, boilerplate, and that nothing else is lost."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.model import Harvest
from newsletter.sources import Sources, Web

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
DATA = Path(__file__).parent.parent / "data" / "sources"
CALL = "Has the week left"
"""How the call to action of week.txt begins."""


def paste(text: str | bytes) -> Harvest:
    data = text if isinstance(text, bytes) else text.encode()
    return Sources(Path("unused"), Web("")).harvest_bytes(data, name="added", now=NOW)


def titles(harvest: Harvest) -> list[str]:
    return [story.title for story in harvest.stories]


def test_a_pasted_week_becomes_its_stories_without_the_call_to_action() -> None:
    harvest = paste((DATA / "pasted.txt").read_bytes())
    assert titles(harvest) == [
        "Town library reopens with longer hours",
        "Swifts return to the clock tower",
        "Who pays for the new bridge?",
        "Market moves to Saturday",
    ]
    assert harvest.problems == ()
    assert not any("ask at the counter" in story.text + story.summary for story in harvest.stories)
    assert harvest.stories[0].text.count("\n\n") == 2
    assert harvest.stories[0].text.endswith("The cost of the work was £40,000 — less than planned.")
    assert not any(story.dated for story in harvest.stories)


def test_a_newsrooms_week_is_ten_stories_without_a_call_to_action() -> None:
    """Nothing else is lost: every paragraph is in a story, except for the ten calls, one of them with different white
    space."""
    week = DATA / "week.txt"
    harvest = paste(week.read_bytes())
    assert len(harvest.stories) == 10
    assert harvest.problems == ()
    kept = [paragraph for story in harvest.stories for paragraph in (story.title, *story.text.split("\n\n"))]
    assert kept == [each for each in week.read_text("utf-8").split("\n\n") if not each.startswith(CALL)]
    assert not any(CALL in story.summary for story in harvest.stories)


WORDS = st.text("abcdefghijklmnopqrstuvwxyzäéłжש", min_size=2, max_size=9)
TITLE = st.lists(WORDS, min_size=1, max_size=12).map(" ".join)
SENTENCES = st.lists(WORDS, min_size=13, max_size=40).map(" ".join)
PARAGRAPH = st.builds(str.__add__, SENTENCES, st.sampled_from([".", "!", "?", ".’", ".)", "…"]))
STORIES = st.lists(
    st.tuples(TITLE, st.lists(PARAGRAPH, min_size=1, max_size=3)),
    min_size=1,
    max_size=6,
    unique_by=lambda story: story[0],
).filter(lambda stories: _no_paragraph_twice(stories))


def _no_paragraph_twice(stories: Sequence[tuple[str, list[str]]]) -> bool:
    paragraphs = [paragraph for _, each in stories for paragraph in each]
    return len(set(paragraphs)) == len(paragraphs)


@given(
    STORIES,
    st.sampled_from(["", "Want more of this? Ask us!", "Read it all on our pages, every single day."]),
    st.sampled_from(["\n\n", "\r\n\r\n", "\n \t\n", "\n\n\n"]),
    st.sampled_from(["", "\ufeff", "\n\n"]),
    st.sampled_from(["utf-8", "utf-16", "utf-16-le"]),
)
@settings(max_examples=120, deadline=None)
def test_any_stories_written_out_come_back(
    stories: list[tuple[str, list[str]]], boilerplate: str, parting: str, start: str, encoding: str
) -> None:
    last = [boilerplate] if boilerplate and len(stories) > 1 else []
    blocks = [block for title, paragraphs in stories for block in [title, *paragraphs, *last]]
    text = start + parting.join(blocks)
    if encoding == "utf-16-le" and not text.isascii():
        encoding = "utf-16"
    harvest = paste(text.encode(encoding))
    assert harvest.problems == ()
    assert [(story.title, story.text.split("\n\n")) for story in harvest.stories] == stories


@given(STORIES)
@settings(max_examples=50, deadline=None)
def test_one_line_a_paragraph_needs_no_empty_lines(stories: list[tuple[str, list[str]]]) -> None:
    first, *others = stories
    stories = [(first[0], ["x" * 101 + ".", *first[1]]), *others]
    harvest = paste("\n".join(line for title, paragraphs in stories for line in [title, *paragraphs]))
    assert [(story.title, story.text.split("\n\n")) for story in harvest.stories] == stories


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_stories_or_a_problem(data: bytes) -> None:
    harvest = paste(data)
    assert harvest.stories or harvest.problems or data.lstrip().startswith((b"<", b"-", b"+", b"{"))
    assert all(story.title and story.id for story in harvest.stories)


def test_lines_wrapped_by_a_mail_program_are_joined() -> None:
    text = (
        "Ferry stays in harbour\n\n"
        "The night ferry does not leave before Friday, because its left\n"
        "engine lost oil on the way in. Passengers can use the morning\n"
        "boat.\n\n"
        "Freight waits as well.\n"
    )
    harvest = paste(text)
    assert titles(harvest) == ["Ferry stays in harbour"]
    assert harvest.stories[0].text.split("\n\n") == [
        "The night ferry does not leave before Friday, because its left engine lost oil on the way in. "
        "Passengers can use the morning boat.",
        "Freight waits as well.",
    ]


def test_bullets_numbers_and_number_signs_are_no_part_of_a_title() -> None:
    harvest = paste(
        "1. First things\n\nThey happened.\n\n2) Second things\n\nThey too.\n\n• Third\n\nYes.\n\n## Fourth\n\nNo."
    )
    assert titles(harvest) == ["First things", "Second things", "Third", "Fourth"]


def test_a_list_in_a_story_stays_in_the_story() -> None:
    harvest = paste(
        "Fees rise\n\nThe council decided on three things:\n\n- parking\n- water\n- dogs\n\nIt votes again in May."
    )
    assert titles(harvest) == ["Fees rise"]
    assert "- dogs" in harvest.stories[0].text


def test_a_single_story_may_have_any_title() -> None:
    for title in ("Is it over?", "It is over!", "It is over", "It is over."):
        harvest = paste(f"{title}\n\nNobody knows it yet.\n\nTomorrow they will.")
        assert titles(harvest) == [title]
        assert harvest.stories[0].text == "Nobody knows it yet.\n\nTomorrow they will."


def test_a_subtitle_does_not_take_the_titles_place_at_the_top() -> None:
    harvest = paste("Rain at last\n\nFarmers breathe again\n\nIt rained on Sunday.")
    assert titles(harvest) == ["Rain at last"]


def test_a_byline_under_every_title_is_boilerplate_and_a_refrain_in_one_story_is_not() -> None:
    text = "\n\n".join(f"Title {n}\n\nBy our reporter\n\nIt was the {n}th day." for n in range(1, 5))
    assert titles(paste(text)) == ["Title 1", "Title 2", "Title 3", "Title 4"]
    song = paste(
        "The song\n\nAnd on it goes.\n\nVerse one is here.\n\nAnd on it goes.\n\nVerse two is here.\n\nAnd on it goes."
    )
    assert song.stories[0].text.count("And on it goes.") == 3


def test_an_address_alone_in_a_paragraph_is_the_storys_link() -> None:
    harvest = paste(
        "Rain\n\nhttps://news.example/rain\n\nIt rained.\n\nSnow\n\nIt snowed.\n\nhttps://news.example/snow"
    )
    assert [(story.title, story.link, story.text) for story in harvest.stories] == [
        ("Rain", "https://news.example/rain", "It rained."),
        ("Snow", "https://news.example/snow", "It snowed."),
    ]
    assert harvest.stories[0].id == "https://news.example/rain"


def test_text_before_the_first_title_is_reported_and_the_stories_are_kept() -> None:
    harvest = paste(
        "Dear readers, here is what the week brought to our little town and its neighbours.\n\nRain\n\nIt rained."
    )
    assert titles(harvest) == ["Rain"]
    assert "before the first title" in harvest.problems[0].found


def test_windows_1252_is_read_correctly() -> None:
    assert titles(paste("Café “Zoë” – open\n\nIt is.".encode("cp1252"))) == ["Café “Zoë” – open"]


def test_pasting_a_story_again_gives_the_same_identity() -> None:
    again = Sources(Path("unused"), Web("")).harvest_bytes(b"Rain\n\nIt rained.", name="added", now=NOW.replace(day=25))
    assert again.stories[0].id == paste("RAIN\n\nIt rained a lot.").stories[0].id


def test_markup_in_a_pasted_text_is_text() -> None:
    story = paste("Tags <b>and</b> such\n\nWrite <script>x</script> & go.").stories[0]
    assert story.title == "Tags <b>and</b> such"
    assert story.body == "<p>Write &lt;script&gt;x&lt;/script&gt; &amp; go.</p>"


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff", "\x00"])
def test_an_empty_text_is_a_problem(text: str) -> None:
    harvest = paste(text)
    assert harvest.stories == ()
    assert len(harvest.problems) == 1
