"""The preference file in every format: all give the same subscribers, and a written file is read back."""

import io
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from newsletter import address
from newsletter.choosing import topicsfile
from newsletter.errors import DataError, UsageError
from newsletter.model import Interests, Problem, Subscriber, Variation
from newsletter.preferences import read, write
from newsletter.preferences.columns import LONGEST, field_of
from newsletter.text import line as clean_line
from newsletter.text import lines as clean_lines

DATA = Path(__file__).parents[1] / "data" / "preferences"
FORMATS = ("csv", "jsonl", "json", "yaml", "toml")
SLUGS = ("ai", "security", "crypto")
NEWSLETTERS = ("weekly", "briefing", "long-read")


def topic(word: str) -> str | None:
    return word.lower() if word.lower() in SLUGS else None


def people(path: Path) -> list[Subscriber | Problem]:
    return list(read(path, topic=topic))


def written(subscribers: Iterable[Subscriber], form: str) -> str:
    out = io.StringIO(newline="")
    write(subscribers, form, out)
    return out.getvalue()


def read_text(text: str | bytes, form: str) -> list[Subscriber | Problem]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"people.{form}"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return list(read(path, topic=topic, newsletters=NEWSLETTERS, place="people"))


THE_SAME = (
    Subscriber("ana@example.org", "ana@example.org", "Ana Núñez",
               Interests(("ai", "security"), frequency="weekly", language="es"), "Europe/Madrid",
               note="Two\nlines", extra={"Team": "Blue"}),
    Subscriber("ben@xn--bcher-kva.example", "ben@xn--bcher-kva.example", 'Ben "Bo" Okoro',
               Interests(("*",), ("crypto",), format="text"), status="paused"),
    Subscriber("zoë@example.net", "zoë@example.net", "Zoë", Interests(frequency="monthly", language="pt-BR"),
               status="unsubscribed", note="=1+1", extra={"Team": "Red"}),
)


@pytest.mark.parametrize(("name", "lines"), [
    ("plain.csv", (4, 6, 7)), ("spreadsheet.csv", (3, 5, 6)), ("unicode.tsv", (2, 4, 5)), ("ticks.csv", (2, 4, 5)),
    ("people.yaml", (3, 13, 19)), ("people.toml", (2, 14, 21)), ("people.json", (2, 4, 7)), ("people.jsonl", (3, 4, 5)),
])
def test_every_format_and_encoding_gives_the_same_subscribers_and_lines(name: str, lines: tuple[int, ...]) -> None:
    expected = [replace(subscriber, line=line) for subscriber, line in zip(THE_SAME, lines, strict=True)]
    assert people(DATA / name) == expected


@pytest.mark.parametrize("form", FORMATS)
def test_a_mistake_in_one_entry_is_a_problem_with_its_line_and_the_others_are_read(form: str) -> None:
    broken = replace(THE_SAME[1], email="ben@@example.org")
    text = written((THE_SAME[0], broken, THE_SAME[2]), form)
    first, problem, last = read_text(text, form)
    assert isinstance(first, Subscriber)
    assert isinstance(last, Subscriber)
    assert (first.key, last.key) == (THE_SAME[0].key, THE_SAME[2].key)
    assert isinstance(problem, Problem)
    line = text[:text.index("ben@@")].count("\n") + 1
    assert problem.place == f"people:{line - 1 if form == 'toml' else line}"  # a table's line is its header's
    assert "ben@@example.org" in problem.found


@pytest.mark.parametrize("form", FORMATS)
def test_a_list_without_subscribers_is_read_back_empty(form: str) -> None:
    text = written((), form)
    if form in ("jsonl", "toml"):
        assert text == ""
    else:
        assert read_text(text, form) == []


@pytest.mark.parametrize("form", FORMATS)
def test_an_unknown_word_is_reported_and_the_subscriber_kept(form: str) -> None:
    odd = replace(THE_SAME[0], timezone="Europe/Madird", status="actve", interests=Interests(("ai", "securty")))  # type: ignore[arg-type]  # as a file may have it
    *problems, subscriber = read_text(written([odd], form), form)
    assert [type(each) for each in problems] == [Problem] * 3
    assert isinstance(subscriber, Subscriber)
    assert (subscriber.interests.topics, subscriber.timezone, subscriber.status) == (("ai",), "", "paused")


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from([
    "=1+1", "'=1", "''+x", "-5", "@a", "'", "null", "~", "yes", "007", "1e3", "# no", "a: b", "- a", "[x]", '"',
    "a,b;c", "a\nb", "---", "\u2028", "\x85", "sep=;", "<x>&", "\\", "{{ x }}", "'''", '"""', "[[subscriber]]",
    "\ufeff", "☃️",
])
NAMES = TEXTS.map(lambda written: clean_line(written, LONGEST))
COLUMNS = st.sampled_from(["Notes", "E-Mail"]) | NAMES.filter(
    lambda name: name and not field_of(name) and not topic(name) and ":" not in name,
)
TOPICS = st.lists(st.sampled_from([*SLUGS, "*"]), unique=True).map(tuple)
EXCLUDED = st.lists(st.sampled_from(SLUGS), unique=True).map(tuple)
CHOICES = st.lists(st.sampled_from([*NEWSLETTERS, "*"]), unique=True).map(tuple)
FREQUENCIES = st.sampled_from(["every", "weekly", "fortnightly", "monthly", "never"])
STATUSES = st.sampled_from(["active", "paused", "pending", "unsubscribed", "bounced", "complained", "removed"])
VARIATIONS = st.builds(
    lambda choice, frequency, status: Variation(choice[0], choice[1], frequency, status),
    st.just((None, None)) | st.tuples(TOPICS, EXCLUDED), st.none() | FREQUENCIES, st.none() | STATUSES,
).filter(lambda variation: variation != Variation())
PAUSES = st.none() | st.datetimes(timezones=st.just(UTC)) | st.dates(min_value=date(1970, 1, 2)).map(
    lambda day: datetime.combine(day, time(), ZoneInfo("Europe/London")).astimezone(UTC))


def as_read(subscriber: Subscriber) -> Subscriber:
    """The subscriber without a pause if paused for good: no row that is read has both."""
    return replace(subscriber, paused_until=None) if subscriber.status == "paused" else subscriber


SUBSCRIBERS = st.builds(
    lambda mailbox, **rest: Subscriber(mailbox.email, mailbox.key, **rest),
    st.sampled_from([
        "ann@example.org", "+1@example.org", "=cmd@example.org", "o'neil@example.net", "ü@bücher.example",
        "-@example.com", "'=a@example.org",
    ]).map(address.parse),
    name=NAMES,
    interests=st.builds(
        Interests,
        topics=TOPICS,
        excluded=EXCLUDED,
        frequency=FREQUENCIES,
        language=st.sampled_from(["", "en", "pt-BR", "zh-Hant-TW"]),
        format=st.sampled_from(["html", "text"]),
        quiet=st.sampled_from(["", "skip", "roll-over", "note"]),
    ),
    timezone=st.sampled_from(["", "Europe/London", "America/Argentina/Buenos_Aires", "UTC"]),
    status=STATUSES,
    note=TEXTS.map(clean_lines),
    extra=st.dictionaries(COLUMNS, TEXTS.map(clean_lines).filter(bool), max_size=3),
    newsletters=CHOICES,
    declined=CHOICES,
    variations=st.dictionaries(st.sampled_from(NEWSLETTERS), VARIATIONS, max_size=2),
    paused_until=PAUSES,
).map(as_read)


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(SUBSCRIBERS, min_size=1, max_size=4))
@example([replace(THE_SAME[1], name="", extra={"Full Name": "Ben", "Notes": "n"})])
@example([replace(THE_SAME[0], variations={"weekly": Variation(topics=(), excluded=())}, declined=("*",))])
@example([replace(THE_SAME[0], paused_until=datetime(2027, 2, 28, 23, tzinfo=UTC))])  # midnight in Madrid
def test_what_is_written_is_read_again(form: str, subscribers: list[Subscriber]) -> None:
    back = read_text(written(subscribers, form), form)
    assert [replace(each, line=0) if isinstance(each, Subscriber) else each for each in back] == subscribers


PIECES = (
    b"email,topics\n", b"email;x\r\n", b'"', b",", b"\n", b"\r", b"a@example.org", b"#", b"'", b"\xff\xfe",
    b"\xef\xbb\xbf", b"\0", b"\xe9", b"[", b"]", b"{", b"}", b":", b" ", b"- ", b"email: ", b"[[subscriber]]\n",
    b"email = ", b"&a ", b"*a", b'"email"', b"1e999", b"null", b"!!x ", b"---\n", b"subscribers", b"0xF", b"\t",
    b"<<: ", b"? ", b"| ", b"%",
)


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=60)
@given(st.binary(max_size=120) | st.lists(st.sampled_from(PIECES), max_size=14).map(b"".join))
def test_any_bytes_give_subscribers_problems_or_a_data_error(form: str, data: bytes) -> None:
    try:
        found = read_text(data, form)
    except DataError:
        return
    assert all(isinstance(each, Subscriber | Problem) for each in found)
    for subscriber in found:
        if isinstance(subscriber, Subscriber):
            assert clean_line(subscriber.name, LONGEST) == subscriber.name
            assert address.parse(subscriber.email).key == subscriber.key
            written([subscriber], form).encode()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("data", [
    pytest.param(b"[" * 4_000, id="deep lists"),
    pytest.param(b"{" * 4_000, id="deep maps"),
    pytest.param(b'{"subscribers": ' * 2_000, id="deep objects"),
    pytest.param(b"- " * 2_000, id="deep sequences"),
    pytest.param(b"subscriber = " + b"[" * 2_000, id="deep arrays"),
    pytest.param(b"[[subscriber]]\nx = 0x" + b"F" * 5_000, id="a great hexadecimal number"),
    pytest.param(b"[[subscriber]]\nx = " + b"9" * 5_000, id="a great number"),
    pytest.param(b'[{"email": "a@example.org", "x": ' + b"9" * 5_000 + b"}]", id="a great number in JSON"),
    pytest.param(b"- &a {email: a@example.org, x: *a}\n", id="an entry within itself"),
    pytest.param(b"- &a x\n- &a y\n", id="an anchor twice"),
    pytest.param(b'[{"email": "a@example.org", "name": "\\ud800", "x": "\\udfff"}]', id="half characters"),
    pytest.param(b'email,x\na@example.org,"' + b"y" * 200_000, id="a great cell"),
])
def test_monsters_give_subscribers_problems_or_a_data_error(form: str, data: bytes) -> None:
    try:
        found = read_text(data, form)
    except DataError:
        return
    for subscriber in found:
        if isinstance(subscriber, Subscriber):
            written([subscriber], form).encode()


@pytest.mark.parametrize(("name", "data", "place", "found"), [
    ("people.csv", b"", "people.csv", "empty"),
    ("people.yaml", b"", "people.yaml", "empty"),
    ("people.csv", b"\n# nobody\n", "people.csv", "no rows"),
    ("people.csv", b"PK\x03\x04\x14\0\x06\0\x08\0", "people.csv", "not text"),
    ("people.xlsx", b"x", "people.xlsx", "extension"),
    ("people.csv", b"\nname,topics\nann,ai\n", "people.csv:2", "no column"),
    ("people.csv", b"ann@example.org,ai\n", "people.csv:1", "not a header"),
    ("people.yaml", b"- email: a@example.org\n- email: [\n", "people.yaml:3", "invalid YAML"),
    ("people.yaml", b"- email: \x07\n", "people.yaml:1", "invalid YAML"),
    ("people.yaml", b"people: 3\n", "people.yaml", "no list"),
    ("people.toml", b'[[subscriber]]\nemail = "\n', "people.toml:2", "invalid TOML"),
    ("people.toml", b"x = 1\n", "people.toml", "[[subscriber]]"),
    ("people.json", b'[{"email": "a@example.org"},\n{]', "people.json:2", "invalid JSON"),
    ("people.json", b'{"people": []}', "people.json", "no list"),
])
def test_a_file_that_is_no_preference_file_is_refused_with_place_and_fix(
    tmp_path: Path, name: str, data: bytes, place: str, found: str,
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError) as refused:
        list(read(tmp_path / name, topic=topic, place=name))
    assert refused.value.place == place
    assert found in refused.value.found
    assert refused.value.cure


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        people(tmp_path / "people.csv")
    assert refused.value.place == (tmp_path / "people.csv").as_posix()


def test_an_unknown_format_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(UsageError) as refused:
        write((), "jsn", io.StringIO())
    assert "json" in refused.value.cure


def test_the_example_next_to_the_readme_has_no_mistake() -> None:
    project = Path(__file__).parents[2]
    topics = topicsfile.parse((project / "sample" / "topics.toml").read_text(encoding="utf-8"), place="topics.toml")
    found = list(read(project / "subscribers" / "example.csv", topic=topics.slug,
                      newsletters=("weekly", "briefing")))
    assert [type(subscriber) for subscriber in found] == [Subscriber] * 6
