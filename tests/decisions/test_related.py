"""The same news told twice is one cluster; news that only looks alike is two."""

import tomllib
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import combinations
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.choosing.related import Apart, Clusters, Overrides, Together, cluster
from newsletter.errors import DataError
from newsletter.model import Story
from newsletter.sources import Sources, Web

LABELLED = Path(__file__).parents[1] / "data" / "related"
WEEK = Path(__file__).parents[1] / "data" / "sources" / "week.txt"
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
NOTHING = Overrides()


def story(id: str, title: str, text: str = "", days: float = 0, **more: object) -> Story:
    told = Story(id=id, title=title, text=text, date=NOON + timedelta(days=days), source="stories/")
    return replace(told, **more)  # type: ignore[arg-type]  # the fields a test varies are its own business


FINE = story(
    "fine", "Data authority fines Lumen €12 million over voice recordings",
    "The data authority has fined the loudspeaker maker Lumen €12 million because voice recordings of children were "
    "kept for years. Lumen has to delete the recordings within 30 days.",
)
RETOLD = story(
    "retold", "Lumen has to pay €12 million for kept voice recordings",
    "Because it kept voice recordings of children for years, the loudspeaker maker Lumen was fined €12 million by the "
    "data authority. The recordings have to be deleted within 30 days, the authority said in its decision.",
)
OTHER = story(
    "other", "Lumen moves its research to Halden",
    "The loudspeaker maker Lumen moves its research with 90 people to Halden, where the university teaches acoustics.",
)


def merged(found: Clusters) -> set[frozenset[str]]:
    return {frozenset((one.pick, *one.others)) for one in found.clusters if one.others}


# --- Quality, measured on labelled stories -------------------------------------------------------------------


def labelled(*names: str) -> tuple[list[Story], set[frozenset[str]]]:
    entries = [entry for name in names for entry in tomllib.loads((LABELLED / name).read_text("utf-8"))["story"]]
    stories = [
        Story(id=entry["id"], title=entry["title"], text=entry["text"].strip(), source="stories/",
              date=datetime.combine(entry["date"], time(9), UTC))
        for entry in entries
    ]
    same = {
        frozenset((a["id"], b["id"]))
        for a, b in combinations(entries, 2) if a.get("news") and a.get("news") == b.get("news")
    }
    return stories, same


@pytest.mark.parametrize(
    ("names", "least"),
    [(("first.toml",), 1.0), (("second.toml",), 0.6), (("first.toml", "second.toml"), 0.8)],
    ids=["the half it was tuned on", "the half written afterwards", "both"],
)
def test_labelled_stories_are_merged_without_a_wrong_merge(names: tuple[str, ...], least: float) -> None:
    stories, same = labelled(*names)
    pairs = {frozenset(pair) for group in merged(cluster(stories, NOTHING)) for pair in combinations(group, 2)}
    precision, recall = len(pairs & same) / len(pairs), len(pairs & same) / len(same)
    print(f"{' + '.join(names)}: {len(stories)} stories, precision {precision:.2f}, recall {recall:.2f}")
    assert pairs - same == set()
    assert recall >= least, f"missed: {sorted(map(sorted, same - pairs))}"


def test_a_pasted_week_of_ten_stories_holds_one_pair_and_its_why_says_what_they_share() -> None:
    stories = Sources(WEEK.parent, Web("")).harvest_bytes(WEEK.read_bytes(), name="added", now=NOON).stories
    found = cluster(stories, NOTHING)
    assert len(stories) == 10
    assert merged(found) == {frozenset((stories[3].id, stories[9].id))}
    [why] = [one.why for one in found.clusters if one.others]
    assert why == "titles share cable, Skarvik, islands; both say 2,100, €310 million"


# --- What ties, and what does not ----------------------------------------------------------------------------


def test_the_same_news_in_other_words_is_merged_and_explained() -> None:
    found = cluster([FINE, RETOLD, OTHER], NOTHING)
    assert merged(found) == {frozenset(("fine", "retold"))}
    why = next(one.why for one in found.clusters if one.others)
    assert why == "titles share Lumen, voice, recordings; both say €12 million, 30"


def test_the_fullest_text_is_the_pick_then_the_earlier_date_then_the_smaller_id() -> None:
    def pick(*stories: Story) -> str:
        [one] = cluster(stories, NOTHING).clusters
        return one.pick

    assert pick(FINE, RETOLD) == "retold"
    assert pick(FINE, replace(FINE, id="earlier", date=NOON - timedelta(hours=1))) == "earlier"
    assert pick(FINE, replace(FINE, id="copy")) == "copy"


def test_a_pinned_story_is_the_pick_though_another_is_fuller() -> None:
    [one] = cluster([replace(FINE, pinned=True), RETOLD], NOTHING).clusters
    assert (one.pick, one.others) == ("fine", ("retold",))


def test_stories_more_than_three_days_apart_are_not_compared() -> None:
    assert merged(cluster([FINE, replace(FINE, id="late", date=NOON + timedelta(days=3, seconds=1))], NOTHING)) == set()
    assert merged(cluster([FINE, replace(FINE, id="near", date=NOON + timedelta(days=3))], NOTHING)) != set()


def test_an_undated_story_is_compared_with_all() -> None:
    undated = replace(RETOLD, dated=False, date=NOON + timedelta(days=40))
    assert merged(cluster([FINE, undated], NOTHING)) != set()


def test_stories_in_two_languages_stay_apart_and_variants_of_one_do_not() -> None:
    assert merged(cluster([replace(FINE, language="en"), replace(RETOLD, language="fr")], NOTHING)) == set()
    assert merged(cluster([replace(FINE, language="en-GB"), replace(RETOLD, language="en")], NOTHING)) != set()


def test_parts_of_a_series_are_different_news() -> None:
    text = "The office counts the complaints about online shops that reached it, and late parcels lead the list again."
    for one, two in (("week 12", "week 13"), ("March", "April"), ("part one", "part two"), ("1st part", "2nd part")):
        parts = [story("a", f"Complaints in figures, {one}", text), story("b", f"Complaints in figures, {two}", text)]
        assert merged(cluster(parts, NOTHING)) == set(), (one, two)


def test_two_steps_of_one_law_are_different_news() -> None:
    text = "Platforms have to explain their recommendations to every user under the Open Feeds Bill of the ministry."
    steps = [story("a", "Senate passes Open Feeds Bill", text), story("b", "President signs Open Feeds Bill", text)]
    assert merged(cluster(steps, NOTHING)) == set()


def test_numbers_that_contradict_forbid_a_merge_however_alike_the_words() -> None:
    text = "The office counted {} complaints about online shops, {} of them about late parcels, and settled {} cases."
    figures = [
        story("a", "Complaints about online shops", text.format(2310, 880, 1204)),
        story("b", "Complaints about online shops", text.format(2275, 841, 1251)),
    ]
    assert merged(cluster(figures, NOTHING)) == set()


@pytest.mark.parametrize(
    ("one", "two"),
    [("€12 million", "12m euros"), ("$3.1 billion", "$3.1bn"), ("15%", "15 per cent"), ("8,400", "8400")],
)
def test_a_number_is_the_same_however_it_is_written(one: str, two: str) -> None:
    text = "The council of Arden has agreed to spend {} on a registry of algorithms, the mayor of the town announced."
    told = [story("a", "Arden plans registry", text.format(one)), story("b", "Registry for Arden", text.format(two))]
    [found] = cluster(told, NOTHING).clusters
    assert "both say" in found.why


def test_a_chain_of_likenesses_does_not_become_one_cluster() -> None:
    """B tells what A and C tell; A and C have nothing to do with each other."""
    other = replace(OTHER, text=OTHER.text * 2)
    digest = story("digest", f"{FINE.title}; {other.title}", f"{FINE.text} {other.text}")
    [group] = merged(cluster([FINE, other, digest], NOTHING))
    assert not {"fine", "other"} <= group


def test_a_person_in_every_story_ties_none_of_them() -> None:
    deeds = ("opens a harbour", "visits the fair", "loses a vote", "reads to pupils", "meets the unions")
    stories = [story(str(number), f"Minister Adela Roth {deed}", f"Adela Roth {deed} on Monday, said the ministry.")
               for number, deed in enumerate(deeds)]
    assert merged(cluster(stories, NOTHING)) == set()


# --- The editor has the last word ----------------------------------------------------------------------------


def test_the_editor_puts_together_by_id_link_or_title_and_picks() -> None:
    linked = replace(OTHER, link="https://news.example.org/other")
    far = story("far", "Nothing like it", "Not one word in common.", days=30)
    overrides = Overrides.parse(
        '[[together]]\nstories = ["fine", "https://news.example.org/other", "nothing  LIKE it"]\n'
        'pick = "https://news.example.org/other"\n', place="related.toml",
    )
    [one] = cluster([FINE, linked, far], overrides).clusters
    assert (one.pick, one.others) == ("other", ("fine", "far"))
    assert "the editor put them together (related.toml:1)" in one.why


def test_the_editor_keeps_apart_what_looks_alike() -> None:
    assert merged(cluster([FINE, RETOLD], Overrides(apart=(Apart(("fine", RETOLD.title)),)))) == set()


def test_a_third_telling_joins_what_the_editor_put_together() -> None:
    overrides = Overrides(together=(Together(("fine", "other")),))
    assert merged(cluster([FINE, OTHER, RETOLD], overrides)) == {frozenset(("fine", "other", "retold"))}


def test_an_unknown_story_is_a_problem_with_a_suggestion_and_the_rest_goes_on() -> None:
    overrides = Overrides(together=(Together(("fine", "retoldt"), place="related.toml:4"),))
    found = cluster([FINE, RETOLD], overrides)
    [problem] = found.problems
    assert problem.place == "related.toml:4"
    assert "Did you mean “retold”?" in problem.cure
    assert merged(found) == {frozenset(("fine", "retold"))}


def test_a_contradiction_of_the_editor_is_a_problem_and_apart_wins() -> None:
    both = ("fine", "retold")
    overrides = Overrides(together=(Together(both, place="related.toml:1"),), apart=(Apart(both),))
    found = cluster([FINE, RETOLD], overrides)
    assert merged(found) == set()
    assert [problem.place for problem in found.problems] == ["related.toml:1"]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ('\n[[togehter]]\nstories = ["a", "b"]', "related.toml:2", "Did you mean “together”?"),
        ('[[apart]]\nstories = ["a", "b"]\n\n[[apart]]\nstorys = ["a"]', "related.toml:5", "Did you mean “stories”?"),
        ('[[together]]\nstories = "a"', "related.toml:1", "not a list"),
        ('[[together]]\nstories = ["a", "a"]', "related.toml:1", "fewer than two"),
        ('[[together]]\nstories = ["a", "b"]\npick = "c"', "related.toml:1", "the pick “c”"),
        ('[[apart]]\nstories = ["a", "b"]\npick = "a"', "related.toml:3", "unknown key “pick”"),
        ('[together]\nstories = ["a", "b"]', "related.toml:1", "two brackets"),
        ('[[together]]\nstories = ["a, "b"]', "related.toml:2", "invalid TOML"),
        ('[[together]]\nstories = ["a"', "related.toml:2", "invalid TOML"),
    ],
)
def test_a_mistake_in_related_toml_is_told_with_its_place_and_cure(text: str, place: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        Overrides.parse(text, place="related.toml")
    assert caught.value.place == place
    assert words in str(caught.value)
    assert caught.value.cure


def test_an_empty_related_toml_decides_nothing() -> None:
    assert Overrides.parse("\ufeff# nothing yet\n", place="related.toml") == NOTHING


# --- Whatever comes in ---------------------------------------------------------------------------------------

WORDS = st.lists(
    st.sampled_from(("Lumen", "fine", "appeals", "€12 million", "30", "voice", "recordings", "AI", "٣", "東京")),
    max_size=12,
).map(" ".join)
STORIES = st.lists(
    st.builds(
        story, st.sampled_from("abcdefgh"), WORDS.map(lambda title: title or "?") | st.text(min_size=1, max_size=20),
        WORDS | st.text(max_size=40), st.integers(0, 5), dated=st.booleans(), pinned=st.booleans(),
        link=st.sampled_from(["", "https://news.example.org/1"]), language=st.sampled_from(["", "en", "fr"]),
    ),
    max_size=8, unique_by=lambda told: told.id,
)
NAMES = st.lists(st.sampled_from("abcdefghz"), min_size=2, max_size=4).map(tuple)
OVERRIDES = st.builds(
    Overrides,
    st.lists(st.builds(Together, NAMES), max_size=2).map(tuple),
    st.lists(st.builds(Apart, NAMES), max_size=2).map(tuple),
)


@settings(max_examples=150, deadline=None)
@given(STORIES, OVERRIDES, st.randoms(use_true_random=False))
def test_every_story_is_in_exactly_one_cluster_whatever_the_order(
    stories: list[Story], overrides: Overrides, dice: Random
) -> None:
    found = cluster(stories, overrides)
    assert sorted(id for one in found.clusters for id in (one.pick, *one.others)) == sorted(told.id for told in stories)
    assert all(bool(one.why) == bool(one.others) for one in found.clusters)
    dice.shuffle(stories)
    assert cluster(stories, overrides) == found


@settings(max_examples=100, deadline=None)
@given(STORIES, NAMES)
def test_what_the_editor_keeps_apart_is_never_in_one_cluster(stories: list[Story], names: tuple[str, ...]) -> None:
    apart = Overrides(together=(Together(names),), apart=(Apart(names),))
    assert all(len(group & set(names)) < 2 for group in merged(cluster(stories, apart)))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_overrides_or_a_data_error(text: str) -> None:
    with suppress(DataError):
        assert Overrides.parse(text, place="related.toml") == NOTHING
