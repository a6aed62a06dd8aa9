"""Newsletters and pauses in a preference file: cells, columns, and mistakes, which never lead to more mail."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.model import Newsletter, Problem, Subscriber, Variation, subscriptions
from newsletter.preferences import read, write
from newsletter.preferences.choices import newsletters as cell_of
from newsletter.preferences.offer import Offer

SLUGS = ("ai", "security", "crypto")
NEWSLETTERS = ("weekly", "morning-briefing")
Found = tuple[Subscriber, list[tuple[str, str, str]]]


def topic(word: str) -> str | None:
    return word.lower() if word.lower() in SLUGS else None


def row(folder: Path, **cells: str) -> Found:
    """The subscriber of a row with these cells, and each problem: its place, what was found, and how to fix it."""
    path = folder / "people.tsv"
    cells = {"email": "ann@example.org", **cells}
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t").writerows([cells, cells.values()])
    *problems, subscriber = read(path, topic=topic, newsletters=NEWSLETTERS, place="p")
    assert isinstance(subscriber, Subscriber)
    return subscriber, [(each.place, each.found, each.cure) for each in problems if isinstance(each, Problem)]


@pytest.mark.parametrize(("cell", "chosen", "declined"), [
    ("", (), ()),
    (" ; ", (), ()),
    ("weekly", ("weekly",), ()),
    ("Weekly; Morning Briefing", ("weekly", "morning-briefing"), ()),
    ("weekly, morning_briefing", ("weekly", "morning-briefing"), ()),
    ("*; -weekly", ("*",), ("weekly",)),
    ("* ; \N{MINUS SIGN}morning-briefing", ("*",), ("morning-briefing",)),
    ("\N{EN DASH} weekly", (), ("weekly",)),
    ("-*", (), ("*",)),
])
def test_newsletters_are_named_and_excluded_as_topics_are(
    tmp_path: Path, cell: str, chosen: tuple[str, ...], declined: tuple[str, ...],
) -> None:
    found, problems = row(tmp_path, newsletters=cell)
    assert (found.newsletters, found.declined, problems) == (chosen, declined, [])


@pytest.mark.parametrize(("cell", "chosen", "declined", "cure"), [
    ("wekly", ("wekly",), (), "Did you mean “weekly”?"),
    ("none", ("none",), (),
     "Write a newsletter from newsletter.toml, “*” for all of them or “-*” for none."),
    ("all", ("all",), (), "Write “*” for all newsletters."),
    ("weekly; gardening", ("weekly", "gardening"), (),
     "Write a newsletter from newsletter.toml, “*” for all of them or “-*” for none."),
    ("*; -wekly", ("*",), ("weekly", "wekly"), "Did you mean “-weekly”?"),
    ("not weekly", (), ("weekly",), "Did you mean “-weekly”?"),
    ("-", (), ("*",), "Write a newsletter from newsletter.toml, “*” for all of them or “-*” for none."),
])
def test_an_unknown_newsletter_is_reported_and_never_means_more_mail(
    tmp_path: Path, cell: str, chosen: tuple[str, ...], declined: tuple[str, ...], cure: str,
) -> None:
    found, problems = row(tmp_path, newsletters=cell)
    assert (found.newsletters, found.declined) == (chosen, declined)
    assert [(place, advice) for place, _, advice in problems] == [("p:2", cure)]


WORDS = st.sampled_from(["weekly", "morning-briefing", "gardening", "wekly", "none", "-", "x y", "!", "no ai"])


@given(st.lists(WORDS | st.text(max_size=8), min_size=1).map(";".join))
def test_a_cell_that_names_no_newsletter_of_ours_subscribes_to_none(cell: str) -> None:
    """An empty cell subscribes to all; such a cell must not be taken for one."""
    read_as = cell_of(cell, Offer(topic, lambda word: "", NEWSLETTERS))
    seen = datetime(2026, 1, 1, tzinfo=UTC)
    subscriber = Subscriber("a@example.org", "a@example.org", newsletters=read_as.value.chosen,
                            declined=read_as.value.excluded)
    ours = [(Newsletter(name, name, "desk@example.org"), seen) for name in NEWSLETTERS]
    got = {each.newsletter for each in subscriptions(subscriber, ours, first_read=seen)}
    if read_as.value.chosen and "*" not in read_as.value.chosen:
        assert got <= set(read_as.value.chosen)
    assert bool(read_as.value.chosen or read_as.value.excluded) or not read_as.faults


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
@example('0"!')
@example('!"0')
@example('!! -"not 0')
def test_unknown_names_are_read_again_as_they_were_written(cell: str) -> None:
    offer = Offer(topic, lambda word: "", NEWSLETTERS)
    once = cell_of(cell, offer).value
    again = cell_of("; ".join([*once.chosen, *(f"-{name}" for name in once.excluded)]), offer).value
    assert (again.chosen, set(again.excluded)) == (once.chosen, set(once.excluded))


@pytest.mark.parametrize(("column", "cell", "variation"), [
    ("topics:weekly", "ai; -crypto", Variation(topics=("ai",), excluded=("crypto",))),
    ("Topics : WEEKLY", "*", Variation(topics=("*",), excluded=())),
    ("Interests:Weekly", "ai", Variation(topics=("ai",), excluded=())),
    ("topics:weekly", "-", Variation(topics=(), excluded=())),
    ("frequency:weekly", "monthly", Variation(frequency="monthly")),
    ("status:weekly", "unsubscribed", Variation(status="unsubscribed")),
    ("status\N{FULLWIDTH COLON}weekly", "paused", Variation(status="paused")),
])
def test_a_column_of_one_newsletter_holds_what_differs_there(
    tmp_path: Path, column: str, cell: str, variation: Variation,
) -> None:
    found, problems = row(tmp_path, topics="security", **{column: cell})
    assert (dict(found.variations), dict(found.extra), problems) == ({"weekly": variation}, {}, [])
    assert found.interests.topics == ("security",)


@pytest.mark.parametrize("column", ["topics:weekly", "frequency:weekly", "status:weekly"])
def test_an_empty_cell_of_such_a_column_changes_nothing(tmp_path: Path, column: str) -> None:
    assert row(tmp_path, **{column: " "})[0].variations == {}


@pytest.mark.parametrize(("column", "cell", "variation", "what"), [
    ("topics:weekly", "gardening", Variation(topics=(), excluded=()), "unknown topic “gardening”"),
    ("status:weekly", "actve", Variation(status="paused"), "unknown status “actve”"),
    ("frequency:weekly", "monhtly", Variation(frequency="monthly"), "unknown frequency “monhtly”"),
    ("frequency:weekly", "daily", None, "unknown frequency “daily”"),
])
def test_an_unknown_word_is_reported_with_its_column_and_means_less_mail(
    tmp_path: Path, column: str, cell: str, variation: Variation | None, what: str,
) -> None:
    found, problems = row(tmp_path, topics="*", frequency="monthly", **{column: cell})
    assert found.variations.get("weekly") == variation
    assert [(place, said) for place, said, _ in problems] == [("p:2", f"{what} (column {column})")]


@pytest.mark.parametrize(("columns", "status"), [
    ({"status:weekly": "active", "Status : Weekly": "unsubscribed"}, "unsubscribed"),
    ({"status:weekly": "paused", "Status : Weekly": "active"}, "paused"),
    ({"status:weekly": "", "Status : Weekly": "active"}, "active"),
])
def test_of_two_columns_for_one_status_the_one_that_stops_mail_counts(
    tmp_path: Path, columns: dict[str, str], status: str,
) -> None:
    assert row(tmp_path, **columns)[0].variations["weekly"].status == status


ONLY_THESE = "Rename it to one of “topics:weekly”, “frequency:weekly”, “status:weekly”: only these can differ."


@pytest.mark.parametrize(("column", "cure"), [
    ("topics:wekly", "Did you mean “topics:weekly”?"),
    ("frequency:gardening", "Write a newsletter from newsletter.toml after the colon."),
    ("statsu:weekly", ONLY_THESE),
    ("paused_until:weekly", ONLY_THESE),
])
def test_a_column_of_no_newsletter_is_reported_once_at_the_header_and_kept(
    tmp_path: Path, column: str, cure: str,
) -> None:
    path = tmp_path / "people.csv"
    rows = "".join(f"p{number}@example.org,ai\n" for number in range(5))
    path.write_text(f"# ours\nemail,{column}\n{rows}", "utf-8")
    problem, *people = read(path, topic=topic, newsletters=NEWSLETTERS, place="people.csv")
    assert isinstance(problem, Problem)
    assert (problem.place, problem.cure) == ("people.csv:2", cure)
    assert [dict(each.extra) for each in people if isinstance(each, Subscriber)] == [{column: "ai"}] * 5


def test_in_a_list_it_is_reported_at_the_first_entry_that_has_it(tmp_path: Path) -> None:
    path = tmp_path / "people.jsonl"
    odd = '{"email": "b@example.org", "topics:wekly": ["ai"]}\n'
    path.write_text('{"email": "a@example.org"}\n' + odd * 2, "utf-8")
    found = list(read(path, topic=topic, newsletters=NEWSLETTERS, place="p"))
    assert [each.place for each in found if isinstance(each, Problem)] == ["p:2"]


@pytest.mark.parametrize(("cell", "status"), [("unsubscribed", "unsubscribed"), ("gone", "paused")])
def test_a_status_for_a_misspelt_newsletter_stops_mail_of_the_one_probably_meant(
    tmp_path: Path, cell: str, status: str,
) -> None:
    found, problems = row(tmp_path, **{"status:wekly": cell, "status:weekly": "active"})
    assert found.variations["weekly"].status == status
    assert problems[0][2] == "Did you mean “status:weekly”?"


@pytest.mark.parametrize(("cell", "zone", "instant"), [
    ("2027-03-01", "", datetime(2027, 3, 1, tzinfo=UTC)),
    ("2027-03-01", "Asia/Tokyo", datetime(2027, 2, 28, 15, tzinfo=UTC)),
    ("2027-03-01 08:30", "Europe/Madrid", datetime(2027, 3, 1, 7, 30, tzinfo=UTC)),
    ("2027-03-01T08:30:00+05:00", "Europe/Madrid", datetime(2027, 3, 1, 3, 30, tzinfo=UTC)),
    ("2027-03-01T08:30Z", "Nowhere/Land", datetime(2027, 3, 1, 8, 30, tzinfo=UTC)),
    (" 9999-12-31 ", "Asia/Tokyo", datetime(9999, 12, 30, 15, tzinfo=UTC)),
])
def test_a_pause_ends_on_a_date_in_the_subscribers_zone_or_at_an_instant(
    tmp_path: Path, cell: str, zone: str, instant: datetime,
) -> None:
    found, _ = row(tmp_path, paused_until=cell, timezone=zone)
    assert (found.paused_until, found.status) == (instant, "active")


PAUSE = datetime(2027, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(("status", "until", "read_status", "read_until"), [
    ("active", "2027-03-01", "active", PAUSE),
    ("", "2027-03-01", "active", PAUSE),
    ("paused", "2027-03-01", "active", PAUSE),
    ("unsubscribed", "2027-03-01", "unsubscribed", PAUSE),
    ("paused", "", "paused", None),
    ("", "01/03/2027", "paused", None),
    ("active", "spring", "paused", None),
    ("bounced", "spring", "bounced", None),
    ("actve", "2027-03-01", "paused", None),
    ("active", "0001-01-01T00:00+14:00", "paused", None),
])
def test_a_status_and_a_pause_together_are_never_louder_than_either(
    tmp_path: Path, status: str, until: str, read_status: str, read_until: datetime | None,
) -> None:
    found, _ = row(tmp_path, status=status, paused_until=until)
    assert (found.status, found.paused_until) == (read_status, read_until)


def test_a_date_that_cannot_be_read_is_reported_with_an_example(tmp_path: Path) -> None:
    _, problems = row(tmp_path, paused_until="next spring")
    assert problems == [("p:2", "“next spring” is not a date, so mail stays paused",
                         "Write the day on which mail begins again, such as 2027-03-01.")]


@pytest.mark.parametrize(("name", "text"), [
    ("people.yaml", "- email: ann@example.org\n  newsletters: [weekly, -morning-briefing]\n"
                    "  topics:weekly: [ai, -crypto]\n  paused_until: 2027-03-01\n"),
    ("people.json", '[{"email": "ann@example.org", "newsletters": ["weekly", "-morning-briefing"], '
                    '"topics:weekly": ["ai", "-crypto"], "paused_until": "2027-03-01"}]'),
    ("people.toml", '[[subscriber]]\nemail = "ann@example.org"\nnewsletters = "weekly; -morning-briefing"\n'
                    '"topics:weekly" = ["ai", "-crypto"]\npaused_until = 2027-03-01\n'),
])
def test_documents_have_the_same_keys(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    [found] = read(tmp_path / name, topic=topic, newsletters=NEWSLETTERS)
    assert isinstance(found, Subscriber)
    assert (found.newsletters, found.declined) == (("weekly",), ("morning-briefing",))
    assert found.variations == {"weekly": Variation(topics=("ai",), excluded=("crypto",))}
    assert found.paused_until == PAUSE


def test_columns_that_nobody_uses_are_not_written() -> None:
    out = io.StringIO(newline="")
    write([Subscriber("a@example.org", "a@example.org")], "csv", out)
    assert out.getvalue().splitlines()[0] == "email,name,topics,frequency,language,timezone,format,status,note"


def test_columns_are_written_in_our_order_and_a_pause_as_a_day() -> None:
    out = io.StringIO(newline="")
    write([Subscriber("a@example.org", "a@example.org", newsletters=("weekly",), declined=("morning-briefing",),
                      timezone="Asia/Tokyo", paused_until=datetime(2027, 2, 28, 15, tzinfo=UTC),
                      variations={"weekly": Variation((), (), "monthly", "paused")})], "csv", out)
    assert out.getvalue().splitlines() == [
        "email,name,topics,newsletters,frequency,language,timezone,format,status,paused_until,note,"
        "topics:weekly,frequency:weekly,status:weekly",
        "a@example.org,,,weekly; -morning-briefing,every,,Asia/Tokyo,html,active,2027-03-01,,'-,monthly,paused",
    ]


def test_a_pause_is_not_written_next_to_paused_as_it_would_end_that() -> None:
    out = io.StringIO(newline="")
    write([Subscriber("a@example.org", "a@example.org", status="paused", paused_until=PAUSE)], "jsonl", out)
    assert "2027" not in out.getvalue()
