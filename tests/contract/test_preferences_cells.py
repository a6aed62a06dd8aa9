"""The cells of a preference file: what people write, what it means, and what they are told if it means nothing."""

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
    """The person of a row with these cells, and what was found and advised."""
    path = folder / "people.tsv"
    cells = {"email": "ann@example.org", **cells}
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t").writerows([cells, cells.values()])
    *problems, person = read(path, topic=TOPICS.slug, suggestion=TOPICS.suggestion, place="people.tsv")
    assert isinstance(person, Subscriber)
    assert all(isinstance(problem, Problem) and problem.place == "people.tsv:2" for problem in problems)
    return person, [(problem.found, problem.cure) for problem in problems if isinstance(problem, Problem)]


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
    person, problems = row(tmp_path, topics=cell)
    assert (person.interests.topics, person.interests.excluded) == (chosen, excluded)
    assert problems == []


@pytest.mark.parametrize(("cell", "found", "cure"), [
    ("ai; securty", "“securty” is no topic", "Did you mean “security”?"),
    ("ai; gardening", "“gardening” is no topic", "Write a topic of topics.toml, or add this one there."),
    ("ai; all", "“all” is no topic", "Write “*” for all topics."),
    ("ai; -*", "“-*” would exclude everything", "Write “paused” as the status of this subscriber."),
    ("ai; -securty", "“-securty” is no topic", "Did you mean “-security”?"),
])
def test_an_unknown_topic_is_reported_and_the_others_are_kept(
    tmp_path: Path, cell: str, found: str, cure: str,
) -> None:
    person, problems = row(tmp_path, topics=cell)
    assert person.interests.topics == ("ai",)
    assert problems == [(found, cure)]


def test_a_column_named_after_a_topic_ticks_it(tmp_path: Path) -> None:
    person, problems = row(tmp_path, **{
        "AI": "x", "Crypto": "TRUE", "security": "0", "topics": "-ai", "Artificial intelligence": "perhaps",
    })
    assert person.interests.topics == ("ai", "crypto")
    assert person.interests.excluded == ("ai",)
    assert [found for found, _ in problems] == ["“perhaps” is no tick"]
    assert person.extra == {}


@pytest.mark.parametrize(("column", "cell", "value"), [
    ("frequency", "Weekly", "weekly"), ("frequency", "bi-weekly", "fortnightly"), ("frequency", "", "every"),
    ("format", "Plain Text", "text"), ("format", "", "html"),
    ("quiet", "Roll over", "roll-over"), ("quiet", "", ""),
    ("language", "pt_br", "pt-BR"), ("language", "ZH-hant-tw", "zh-Hant-TW"), ("language", "en-150", "en-150"),
])
def test_words_are_understood_in_any_case_and_an_empty_cell_is_as_usual(
    tmp_path: Path, column: str, cell: str, value: str,
) -> None:
    person, problems = row(tmp_path, **{column: cell})
    assert getattr(person.interests, column) == value
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
def test_a_wrong_word_is_reported_and_means_what_it_resembles_or_the_usual(
    tmp_path: Path, column: str, cell: str, value: str, cure: str,
) -> None:
    person, problems = row(tmp_path, **{column: cell})
    assert getattr(person.interests, column) == value
    assert [advice for _, advice in problems] == [cure]


@pytest.mark.parametrize(("cell", "zone", "cure"), [
    ("Europe/London", "Europe/London", ""), ("europe/london", "Europe/London", ""), ("utc", "UTC", ""), ("", "", ""),
    ("America/New York", "America/New_York", ""),
    ("Europe/Lodnon", "", "Did you mean “Europe/London”?"), ("Tokyo", "", "Did you mean “Asia/Tokyo”?"),
    ("the moon", "", "Write one such as Europe/London."), ("../../etc/passwd", "", "Write one such as Europe/London."),
])
def test_a_time_zone_is_an_iana_name_in_any_case(tmp_path: Path, cell: str, zone: str, cure: str) -> None:
    person, problems = row(tmp_path, timezone=cell)
    assert person.timezone == zone
    assert [advice for _, advice in problems] == ([cure] if cure else [])


@pytest.mark.parametrize(("cell", "status"), [
    ("", "active"), ("Active", "active"), ("subscribed", "active"), ("paused", "paused"), ("cleaned", "bounced"),
    ("Unsubscribed", "unsubscribed"), ("removed", "removed"),
])
def test_a_status_is_understood_by_its_common_names(tmp_path: Path, cell: str, status: str) -> None:
    assert row(tmp_path, status=cell)[0].status == status


@pytest.mark.parametrize("cell", ["actve", "yes", "ok", "?", "html"])
def test_a_status_nobody_knows_means_silence(tmp_path: Path, cell: str) -> None:
    person, problems = row(tmp_path, status=cell)
    assert person.status == "paused"
    assert len(problems) == 1


@pytest.mark.parametrize("cell", [
    "inactive", "deactivated", "archived", "Not active", "actve", "unsubscribe", "deleted",
])
def test_no_cure_proposes_to_mail_who_left(tmp_path: Path, cell: str) -> None:
    """A9: what resembles “active” may be its contrary."""
    person, problems = row(tmp_path, status=cell)
    assert person.status in ("paused", "unsubscribed")
    assert not any("Did you mean “active”" in cure for _, cure in problems)


@pytest.mark.parametrize("cell", ["off", "Stop", "0", "no", "none", "never", "unsubscribed", "cancelled"])
def test_a_frequency_that_says_no_is_never(tmp_path: Path, cell: str) -> None:
    """A9: they meant every issue."""
    person, problems = row(tmp_path, frequency=cell)
    assert (person.interests.frequency, problems) == ("never", [])


@pytest.mark.parametrize(("cell", "frequency", "cure"), [
    ("no more mails", "never", "Did you mean “never”?"), ("don't", "never", "Did you mean “never”?"),
    ("nevr", "never", "Did you mean “never”?"), ("montly", "monthly", "Did you mean “monthly”?"),
    ("evry", "every", "Write one of: every, weekly, fortnightly, monthly, never."),
])
def test_a_misspelt_frequency_is_a_mail_too_few_rather_than_too_many(
    tmp_path: Path, cell: str, frequency: str, cure: str,
) -> None:
    """A9."""
    person, problems = row(tmp_path, frequency=cell)
    assert person.interests.frequency == frequency
    assert [advice for _, advice in problems] == [cure]


@pytest.mark.parametrize("dash", ["-", "−", "–", "—", "‑", "﹣", "－", "- ", "--"])
def test_every_dash_and_minus_sign_excludes(tmp_path: Path, dash: str) -> None:
    """A9: a minus sign of Unicode lost the exclusion and proposed the topic."""
    person, problems = row(tmp_path, topics=f"*;{dash}crypto")
    assert (person.interests.topics, person.interests.excluded, problems) == (("*",), ("crypto",), [])


@pytest.mark.parametrize(("cell", "cure"), [
    ("*; −crpto", "Did you mean “-crypto”?"), ("*; not crypto", "Did you mean “-crypto”?"),
    ("*; !crypto", "Did you mean “-crypto”?"), ("*; no crypto", "Did you mean “-crypto”?"),
])
def test_a_topic_that_is_not_wanted_is_excluded_and_never_proposed(tmp_path: Path, cell: str, cure: str) -> None:
    """A9."""
    person, problems = row(tmp_path, topics=cell)
    assert person.interests.excluded == ("crypto",)
    assert [advice for _, advice in problems] == [cure]


@pytest.mark.parametrize("cell", ["ai; domino crypto", "ai; crypto!!", "ai; casino  crypt"])
def test_a_no_in_the_middle_of_a_word_excludes_nothing(tmp_path: Path, cell: str) -> None:
    person, problems = row(tmp_path, topics=cell)
    assert (person.interests.topics, person.interests.excluded) == (("ai",), ())
    assert len(problems) == 1


@pytest.mark.parametrize("cell", ["GMT+1", "UTC+01:00", "gmt-5"])
def test_no_zone_of_the_other_direction_is_proposed_for_an_offset(tmp_path: Path, cell: str) -> None:
    """A9: IANA's “Etc/GMT+1” is an hour behind Greenwich."""
    person, problems = row(tmp_path, timezone=cell)
    assert person.timezone == ""
    assert [advice for _, advice in problems] == ["Write one such as Europe/London."]


@pytest.mark.parametrize(("column", "cell", "status"), [
    ("unsubscribed_at", "2026-03-04 10:00", "unsubscribed"), ("UNSUB_TIME", "2026-03-04", "unsubscribed"),
    ("Opted Out", "yes", "unsubscribed"), ("CLEAN_TIME", "2026-03-04", "bounced"), ("complained", "1", "complained"),
    ("deleted-at", "2026-03-04T10:00Z", "removed"),
    ("unsubscribed", "", "active"), ("unsubscribed", "No", "active"), ("bounced", "0", "active"),
])
def test_who_is_gone_by_another_programs_column_gets_nothing_unless_a_status_is_written(
    tmp_path: Path, column: str, cell: str, status: str,
) -> None:
    person, problems = row(tmp_path, **{column: cell})
    assert (person.status, problems) == (status, [])
    assert dict(person.extra) == ({column: cell} if cell else {})
    assert row(tmp_path, **{column: cell, "status": "active"})[0].status == "active"
