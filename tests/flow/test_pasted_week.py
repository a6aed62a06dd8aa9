"""A newsroom's pasted week, as it comes: ten stories, one pair, an issue over a real SMTP server."""

from pathlib import Path

import pytest

from newsletter.app import stories
from tests.flow.desk import Desk, read, text_of
from tests.smtpd import relay

WEEK = Path(__file__).parents[1] / "data" / "sources" / "week.txt"
SAMPLE = Path(__file__).parents[2] / "sample"
CALL = "night desk"
"""Of the call to action that stands under every story of the week."""


@pytest.fixture
def newsroom(desk: Desk) -> Desk:
    for story in (desk.root / "stories").iterdir():
        story.unlink()
    (desk.root / "topics.toml").write_bytes((SAMPLE / "topics.toml").read_bytes())
    desk.people.clear()
    desk.reader("all@example.org", "*", name="Zoë O’Neill")
    desk.reader("computing@example.org", "computing")
    with desk.app() as app:
        added = stories.add_stories(app, WEEK.read_bytes(), name="week.txt")
        assert (added.new, added.problems) == (10, ())
    return desk


def test_ten_stories_each_in_a_topic_none_with_the_call_to_action(newsroom: Desk) -> None:
    with newsroom.app() as app:
        topics = app.topics()
        found = [each.story for each in app.store.stories.find(100)]
        assert len(found) == 10
        assert [story.title for story in found if not topics.match(story)] == []
        assert [story.title for story in found if CALL in story.text + story.body] == []


def test_they_stand_in_the_order_in_which_they_were_pasted(newsroom: Desk) -> None:
    ranked = [each.story.title.split()[0] for each in newsroom.prepare().manifest.candidates]
    assert ranked == [
        "Online", "Court", "Parcels", "Skarvik", "Four", "Nineteen", "Auditors’", "Weather", "Schools", "Halvane",
    ]


def test_the_pair_is_merged_and_nothing_else_is(newsroom: Desk) -> None:
    candidates = newsroom.prepare().manifest.candidates
    assert [each.story.title for each in candidates if each.merged_into] == [
        "Skarvik gets its cable to the islands after all",
    ]
    assert [each.story.title for each in candidates if each.also] == [
        "Halvane lays a 2,100-kilometre cable from Skarvik to the islands",
    ]


def test_an_issue_of_it_goes_out_over_smtp(newsroom: Desk) -> None:
    with relay() as server:
        newsroom.relay(server.port)
        newsroom.prepare()
        assert newsroom.send().finished
        mails = {each.recipient: text_of(read(each.data)) for each in server.taken}
    assert set(mails) == {"all@example.org", "computing@example.org"}
    assert "Zoë O’Neill" in mails["all@example.org"]
    for text in mails.values():
        assert "Halvane lays" in text
        assert "after all" not in text
        assert CALL not in text
