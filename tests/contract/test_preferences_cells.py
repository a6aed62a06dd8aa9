"""The cells of a preference file: their values, and the problem reported for a cell that means nothing."""

import csv
from pathlib import Path

import pytest

from newsletter.choosing import topicsfile
from newsletter.model import Problem, Subscriber
from newsletter.preferences import read

TOPICS = topicsfile.parse("""
[topic.ai]
label = "Artificial intelligence"
[topic.security]
label = "Safety, security"
[topic.crypto]
""", place="topics.toml")


def row(folder: Path, **cells: str) -> tuple[Subscriber, list[tuple[str, str]]]:
    """The subscriber of a row with these cells, and each problem: what was found, and how to fix it."""
    path = folder / "people.tsv"
    cells = {"email": "ann@example.org", **cells}
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t").writerows([cells, cells.values()])
    *problems, subscriber = read(path, topic=TOPICS.slug, suggestion=TOPICS.suggestion, place="people.tsv")
    assert isinstance(subscriber, Subscriber)
    assert all(isinstance(problem, Problem) and problem.place == "people.tsv:2" for problem in problems)
    return subscriber, [(problem.found, problem.cure) for problem in problems if isinstance(problem, Problem)]


@pytest.mark.parametrize(("cell", "chosen", "excluded"), [
    ("ai; security; -crypto", ("ai", "security"), ("crypto",)),
    ("crypto,ai", ("crypto", "ai"), ()),
    ("ai | CRYPTO |", ("ai", "crypto"), ()),
    ("Artificial Intelligence;- crypto", ("ai",), ("crypto",)),
    ("Safety, security", ("security",), ()),
    ("Safety, Security; ai", ("security", "ai"), ()),
    ('"ai","crypto"', ("ai", "crypto"), ()),
    ("*; -ai", ("*",), ("ai",)),
    ("ai; ai; artificial_intelligence", ("ai",), ()),
    ("-ai", (), ("ai",)),
    ("", (), ()),
    (" ; , ", (), ()),
])
def test_topics_are_chosen_in_their_order_and_excluded_with_a_hyphen(
    tmp_path: Path, cell: str, chosen: tuple[str, ...], excluded: tuple[str, ...],
) -> None:
    subscriber, problems = row(tmp_path, topics=cell)
    assert (subscriber.interests.topics, subscriber.interests.excluded) == (chosen, excluded)
    assert problems == []


@pytest.mark.parametrize(("cell", "found", "cure"), [
    ("ai; securty", "unknown topic “securty”", "Did you mean “security”?"),
    ("ai; gardening", "unknown topic “gardening”", "Write a topic from topics.toml, or add this one to it."),
    ("ai; all", "unknown topic “all”", "Write “*” for all topics."),
    ("ai; -*", "“-*” would exclude everything", "Write “paused” as the status of this subscriber."),
    ("ai; -securty", "unknown topic “-securty”", "Did you mean “-security”?"),
])
def test_an_unknown_topic_is_reported_and_the_others_are_kept(
    tmp_path: Path, cell: str, found: str, cure: str,
) -> None:
    subscriber, problems = row(tmp_path, topics=cell)
    assert subscriber.interests.topics == ("ai",)
    assert problems == [(found, cure)]


def test_a_column_named_after_a_topic_ticks_it(tmp_path: Path) -> None:
    subscriber, problems = row(tmp_path, **{
        "AI": "x", "Crypto": "TRUE", "security": "0", "topics": "-ai", "Artificial intelligence": "perhaps",
    })
    assert subscriber.interests.topics == ("ai", "crypto")
    assert subscriber.interests.excluded == ("ai",)
    assert [found for found, _ in problems] == ["unknown tick “perhaps”"]
    assert subscriber.extra == {}


@pytest.mark.parametrize(("column", "cell", "value"), [
    ("frequency", "Weekly", "weekly"), ("frequency", "bi-weekly", "fortnightly"), ("frequency", "", "every"),
    ("format", "Plain Text", "text"), ("format", "", "html"),
    ("quiet", "Roll over", "roll-over"), ("quiet", "", ""),
    ("language", "pt_br", "pt-BR"), ("language", "ZH-hant-tw", "zh-Hant-TW"), ("language", "en-150", "en-150"),
])
def test_words_are_understood_in_any_case_and_an_empty_cell_has_the_default(
    tmp_path: Path, column: str, cell: str, value: str,
) -> None:
    subscriber, problems = row(tmp_path, **{column: cell})
    assert getattr(subscriber.interests, column) == value
    assert problems == []


@pytest.mark.parametrize(("column", "cell", "value", "cure"), [
    ("frequency", "weakly", "weekly", "Did you mean “weekly”?"),
    ("frequency", "daily", "every", "Write one of: every, weekly, fortnightly, monthly, never."),
    ("format", "pdf", "html", "Write one of: html, text."),
    ("quiet", "hush", "", "Write one of: skip, roll-over, note."),
    ("language", "english", "", 'Write its code, such as "en" or "pt-BR".'),
    ("language", "xx", "", 'Write its code, such as "en" or "pt-BR".'),
    ("language", "de-", "", 'Write its code, such as "en" or "pt-BR".'),
])
def test_an_unknown_word_is_reported_and_has_the_value_of_what_it_resembles_or_the_default(
    tmp_path: Path, column: str, cell: str, value: str, cure: str,
) -> None:
    subscriber, problems = row(tmp_path, **{column: cell})
    assert getattr(subscriber.interests, column) == value
    assert [advice for _, advice in problems] == [cure]


@pytest.mark.parametrize(("cell", "zone", "cure"), [
    ("Europe/London", "Europe/London", ""), ("europe/london", "Europe/London", ""), ("utc", "UTC", ""), ("", "", ""),
    ("America/New York", "America/New_York", ""),
    ("Europe/Lodnon", "", "Did you mean “Europe/London”?"), ("Tokyo", "", "Did you mean “Asia/Tokyo”?"),
    ("the moon", "", "Write an IANA name such as “Europe/London”."),
    ("../../etc/passwd", "", "Write an IANA name such as “Europe/London”."),
])
def test_a_time_zone_is_an_iana_name_in_any_case(tmp_path: Path, cell: str, zone: str, cure: str) -> None:
    subscriber, problems = row(tmp_path, timezone=cell)
    assert subscriber.timezone == zone
    assert [advice for _, advice in problems] == ([cure] if cure else [])


@pytest.mark.parametrize(("cell", "status"), [
    ("", "active"), ("Active", "active"), ("subscribed", "active"), ("paused", "paused"), ("cleaned", "bounced"),
    ("Unsubscribed", "unsubscribed"), ("removed", "removed"),
])
def test_a_status_is_understood_by_its_common_names(tmp_path: Path, cell: str, status: str) -> None:
    assert row(tmp_path, status=cell)[0].status == status


@pytest.mark.parametrize("cell", ["actve", "yes", "ok", "?", "html"])
def test_an_unknown_status_stops_mail(tmp_path: Path, cell: str) -> None:
    subscriber, problems = row(tmp_path, status=cell)
    assert subscriber.status == "paused"
    assert len(problems) == 1


@pytest.mark.parametrize("cell", [
    "inactive", "deactivated", "archived", "Not active", "actve", "unsubscribe", "deleted",
])
def test_no_fix_proposes_mail_to_a_subscriber_who_left(tmp_path: Path, cell: str) -> None:
    """A9: a word that resembles “active” may be its opposite."""
    subscriber, problems = row(tmp_path, status=cell)
    assert subscriber.status in ("paused", "unsubscribed")
    assert not any("Did you mean “active”" in cure for _, cure in problems)


@pytest.mark.parametrize("cell", ["off", "Stop", "0", "no", "none", "never", "unsubscribed", "cancelled"])
def test_a_frequency_that_says_no_is_never(tmp_path: Path, cell: str) -> None:
    """A9: such words once meant every issue."""
    subscriber, problems = row(tmp_path, frequency=cell)
    assert (subscriber.interests.frequency, problems) == ("never", [])


@pytest.mark.parametrize(("cell", "frequency", "cure"), [
    ("no more mails", "never", "Did you mean “never”?"), ("don't", "never", "Did you mean “never”?"),
    ("nevr", "never", "Did you mean “never”?"), ("montly", "monthly", "Did you mean “monthly”?"),
    ("evry", "every", "Write one of: every, weekly, fortnightly, monthly, never."),
])
def test_a_misspelt_frequency_leads_to_less_mail_rather_than_more(
    tmp_path: Path, cell: str, frequency: str, cure: str,
) -> None:
    """A9."""
    subscriber, problems = row(tmp_path, frequency=cell)
    assert subscriber.interests.frequency == frequency
    assert [advice for _, advice in problems] == [cure]


@pytest.mark.parametrize("dash", ["-", "−", "–", "—", "‑", "﹣", "－", "- ", "--"])
def test_every_dash_and_minus_sign_excludes(tmp_path: Path, dash: str) -> None:
    """A9: the exclusion was once lost behind a Unicode minus sign, and the topic proposed."""
    subscriber, problems = row(tmp_path, topics=f"*;{dash}crypto")
    assert (subscriber.interests.topics, subscriber.interests.excluded, problems) == (("*",), ("crypto",), [])


@pytest.mark.parametrize(("cell", "cure"), [
    ("*; −crpto", "Did you mean “-crypto”?"), ("*; not crypto", "Did you mean “-crypto”?"),
    ("*; !crypto", "Did you mean “-crypto”?"), ("*; no crypto", "Did you mean “-crypto”?"),
])
def test_an_unwanted_topic_is_excluded_and_never_proposed(tmp_path: Path, cell: str, cure: str) -> None:
    """A9."""
    subscriber, problems = row(tmp_path, topics=cell)
    assert subscriber.interests.excluded == ("crypto",)
    assert [advice for _, advice in problems] == [cure]


@pytest.mark.parametrize("cell", ["ai; domino crypto", "ai; crypto!!", "ai; casino  crypt"])
def test_a_no_in_the_middle_of_a_word_excludes_nothing(tmp_path: Path, cell: str) -> None:
    subscriber, problems = row(tmp_path, topics=cell)
    assert (subscriber.interests.topics, subscriber.interests.excluded) == (("ai",), ())
    assert len(problems) == 1


@pytest.mark.parametrize("cell", ["GMT+1", "UTC+01:00", "gmt-5"])
def test_no_zone_of_the_other_direction_is_proposed_for_an_offset(tmp_path: Path, cell: str) -> None:
    """A9: IANA's “Etc/GMT+1” is an hour behind Greenwich."""
    subscriber, problems = row(tmp_path, timezone=cell)
    assert subscriber.timezone == ""
    assert [advice for _, advice in problems] == ["Write an IANA name such as “Europe/London”."]


@pytest.mark.parametrize(("column", "cell", "status"), [
    ("unsubscribed_at", "2026-03-04 10:00", "unsubscribed"), ("UNSUB_TIME", "2026-03-04", "unsubscribed"),
    ("Opted Out", "yes", "unsubscribed"), ("CLEAN_TIME", "2026-03-04", "bounced"), ("complained", "1", "complained"),
    ("deleted-at", "2026-03-04T10:00Z", "removed"),
    ("unsubscribed", "", "active"), ("unsubscribed", "No", "active"), ("bounced", "0", "active"),
])
def test_another_programs_column_implies_a_status_unless_one_is_written(
    tmp_path: Path, column: str, cell: str, status: str,
) -> None:
    subscriber, problems = row(tmp_path, **{column: cell})
    assert (subscriber.status, problems) == (status, [])
    assert dict(subscriber.extra) == ({column: cell} if cell else {})
    assert row(tmp_path, **{column: cell, "status": "active"})[0].status == "active"
