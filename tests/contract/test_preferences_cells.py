"""The cells of a preference file: what people write, what it means, and what they are told if it means nothing."""

import csv
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.choosing import topicsfile
from newsletter.model import Problem, Subscriber
from newsletter.preferences import read
from newsletter.preferences.choices import clean_line, clean_text

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
    ("ai; securty", '"securty" is no topic', 'Did you mean "security"?'),
    ("ai; gardening", '"gardening" is no topic', "Write a topic of topics.toml, or add this one there."),
    ("ai; all", '"all" is no topic', 'Write "*" for all topics.'),
    ("ai; -*", '"-*" would exclude everything', 'Write "paused" as the status of who shall get nothing.'),
    ("ai; -securty", '"securty" is no topic', 'Did you mean "security"?'),
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
    assert [found for found, _ in problems] == ['"perhaps" is no tick']
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
    ("frequency", "weakly", "every", 'Did you mean "weekly"?'),
    ("frequency", "daily", "every", "Write one of: every, weekly, fortnightly, monthly, never."),
    ("format", "pdf", "html", "Write one of: html, text."),
    ("quiet", "hush", "", "Write one of: skip, roll-over, note."),
    ("language", "english", "", 'Write its code, such as "en" or "pt-BR".'),
    ("language", "xx", "", 'Write its code, such as "en" or "pt-BR".'),
    ("language", "de-", "", 'Write its code, such as "en" or "pt-BR".'),
])
def test_a_wrong_word_is_reported_and_the_usual_value_taken(
    tmp_path: Path, column: str, cell: str, value: str, cure: str,
) -> None:
    person, problems = row(tmp_path, **{column: cell})
    assert getattr(person.interests, column) == value
    assert [advice for _, advice in problems] == [cure]


@pytest.mark.parametrize(("cell", "zone", "cure"), [
    ("Europe/London", "Europe/London", ""), ("europe/london", "Europe/London", ""), ("utc", "UTC", ""), ("", "", ""),
    ("America/New York", "America/New_York", ""),
    ("Europe/Lodnon", "", 'Did you mean "Europe/London"?'), ("Tokyo", "", 'Did you mean "Asia/Tokyo"?'),
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


@pytest.mark.parametrize(("written", "name"), [
    ("  Ann   Lee ", "Ann Lee"),
    ("Ann\r\nBcc: x@example.net", "Ann Bcc: x@example.net"),
    ("A\u202enn\u202c\u200e", "Ann"),
    ("A\0n\x07n\x85", "A n n"),
    ("Zoe\u0308", "Zoë"),
    ("نیم\u200cفاصله", "نیم\u200cفاصله"),
    ("👩\u200d💻 Ada", "👩\u200d💻 Ada"),
    ("x" * 500, "x" * 100),
    ("\ud800Ann\ufffe", "Ann"),
])
def test_a_name_is_one_clean_line(written: str, name: str) -> None:
    assert clean_line(written) == name


@given(st.text(st.characters()))
def test_no_name_has_control_or_bidirectional_characters_and_cleaning_again_changes_nothing(written: str) -> None:
    name = clean_line(written)
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name)
    assert not any(unicodedata.bidirectional(character) in (
        "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI",
    ) for character in name)
    assert len(name) <= 100
    assert clean_line(name) == name


@given(st.text(st.characters()))
def test_text_keeps_its_lines_but_no_other_controls_and_cleaning_again_changes_nothing(written: str) -> None:
    text = clean_text(written)
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in text if character not in "\n\t")
    assert clean_text(text) == text
