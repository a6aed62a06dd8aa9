"""The newsroom's pasted week, as it comes: ten stories, one pair, an issue over a real SMTP server."""

from pathlib import Path

import pytest

from newsletter.app import stories
from tests.flow.desk import Desk, read, text_of
from tests.smtpd import relay

SEED = Path(__file__).parents[3] / "shared" / "seeds" / "000_f7212d47735ff113.txt"
SAMPLE = Path(__file__).parents[2] / "sample"


@pytest.fixture
def newsroom(desk: Desk) -> Desk:
    if not SEED.exists():
        pytest.skip("the newsroom's text is not beside the project; its words may not be kept in it")
    for story in (desk.root / "stories").iterdir():
        story.unlink()
    (desk.root / "topics.toml").write_bytes((SAMPLE / "topics.toml").read_bytes())
    desk.people.clear()
    desk.reader("all@example.org", "*", name="Zoë O’Neill")
    desk.reader("computing@example.org", "computing")
    with desk.app() as app:
        added = stories.add_stories(app, SEED.read_bytes(), name="week.txt")
        assert (added.new, added.problems) == (10, ())
    return desk


def test_ten_stories_each_in_a_topic_none_with_the_call_to_action(newsroom: Desk) -> None:
    with newsroom.app() as app:
        topics = app.topics()
        stories = [each.story for each in app.store.stories.find(100)]
        assert len(stories) == 10
        assert all(topics.match(story) for story in stories)
        assert not any("learn more" in story.text or "learn more" in story.body for story in stories)


def test_they_stand_in_the_order_in_which_they_were_pasted(newsroom: Desk) -> None:
    ranked = [each.story.title.split()[0] for each in newsroom.prepare().manifest.candidates]
    assert ranked == ["UK", "Big", "Trump", "IBM", "TikTok", "UN", "Trump’s", "Alibaba", "Deepfake", "IBM"]


def test_the_pair_is_merged_and_nothing_else_is(newsroom: Desk) -> None:
    manifest = newsroom.prepare().manifest
    merged = [each for each in manifest.candidates if each.merged_into]
    assert len(merged) == 1
    assert "IBM" in merged[0].story.title
    (pick,) = [each for each in manifest.candidates if each.also]
    assert "IBM" in pick.story.title


def test_an_issue_of_it_goes_out_over_smtp(newsroom: Desk) -> None:
    with relay() as server:
        newsroom.relay(server.port)
        newsroom.prepare()
        assert newsroom.send().finished
        mails = {each.recipient: read(each.data) for each in server.taken}
    assert set(mails) == {"all@example.org", "computing@example.org"}
    text = text_of(mails["all@example.org"])
    assert text.count("IBM commits") in (1, 2)
    assert "learn more" not in text
    assert "Zoë O’Neill" in text
