"""Which stories of a fetch wait for the editor."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from newsletter.choosing.intake import CROWD, Intake, judge
from newsletter.model import Story

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
BEFORE = NOW - timedelta(hours=6)


def stories(count: int, *, days_ago: float = 0, name: str = "s", dated: bool = True) -> list[Story]:
    return [
        Story(
            id=f"{name}{n}",
            title=name,
            date=NOW - timedelta(days=days_ago),
            source="https://news.example/a feed",
            dated=dated,
        )
        for n in range(count)
    ]


def test_on_the_first_fetch_nothing_is_held() -> None:
    found = stories(200, days_ago=400)
    assert judge(found, known=frozenset(), last_fetch=None, now=NOW) == Intake(tuple(found))


def test_a_feed_that_suddenly_renames_its_archive_is_held() -> None:
    archive = stories(50, days_ago=90)
    intake = judge(archive, known=frozenset({"other"}), last_fetch=BEFORE, now=NOW)
    assert intake.held == tuple(archive)
    assert intake.fresh == ()
    assert intake.problem is not None
    assert intake.problem.found.startswith(
        "50 unknown stories that are undated or older than the last fetch (2026-11-23 02:00 UTC)"
    )
    assert intake.problem.cure.endswith("newsletter stories release 'https://news.example/a feed'")


def test_a_crowd_without_dates_is_held() -> None:
    assert len(judge(stories(30, dated=False), known=frozenset(), last_fetch=BEFORE, now=NOW).held) == 30


def test_a_busy_day_is_not_held() -> None:
    assert judge(stories(300), known=frozenset(), last_fetch=BEFORE, now=NOW).held == ()


def test_a_long_silence_of_ours_is_not_the_feeds_fault() -> None:
    found = stories(60, days_ago=20)
    assert judge(found, known=frozenset(), last_fetch=NOW - timedelta(days=30), now=NOW).held == ()


def test_a_few_old_stories_are_not_held() -> None:
    assert judge(stories(CROWD, days_ago=90), known=frozenset(), last_fetch=BEFORE, now=NOW).held == ()
    assert judge(stories(CROWD + 1, days_ago=90), known=frozenset(), last_fetch=BEFORE, now=NOW).held != ()


def test_known_stories_and_todays_news_pass_while_the_archive_waits() -> None:
    archive, news, edited = stories(40, days_ago=90), stories(2, name="n"), stories(5, days_ago=50, name="k")
    intake = judge(
        [*edited, *archive, *news], known=frozenset(story.id for story in edited), last_fetch=BEFORE, now=NOW
    )
    assert intake.fresh == (*edited, *news)
    assert intake.held == tuple(archive)


def test_a_clock_that_ran_ahead_does_not_make_news_old() -> None:
    assert judge(stories(50), known=frozenset(), last_fetch=NOW + timedelta(days=300), now=NOW).held == ()


@given(
    st.lists(st.tuples(st.integers(0, 80), st.floats(0, 500), st.booleans()), max_size=60),
    st.frozensets(st.integers(0, 80)),
    st.none() | st.floats(0, 100),
)
def test_every_story_is_either_fresh_or_held_and_a_known_one_is_never_held(
    found: list[tuple[int, float, bool]], known: frozenset[int], last: float | None
) -> None:
    given_stories = [
        Story(id=str(n), title="t", date=NOW - timedelta(days=age), source="x", dated=dated)
        for n, age, dated in {each[0]: each for each in found}.values()
    ]
    intake = judge(
        given_stories,
        known=frozenset(map(str, known)),
        last_fetch=None if last is None else NOW - timedelta(days=last),
        now=NOW,
    )
    assert sorted(story.id for story in intake.fresh + intake.held) == sorted(story.id for story in given_stories)
    assert not {story.id for story in intake.held} & set(map(str, known))
    assert bool(intake.held) == (intake.problem is not None)
