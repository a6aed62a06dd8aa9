"""Sources by name: folders, files, addresses, standard input, and names that lead nowhere."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.sources import Sources, Web
from newsletter.sources.dates import read
from newsletter.sources.encoding import decode
from newsletter.sources.item import language

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
RSS = b"<rss><channel><item><title>R</title></item></channel></rss>"
JSON = b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "title": "J"}]}'


@pytest.mark.parametrize(
    ("name", "data", "title"),
    [
        ("a.xml", RSS, "R"),
        ("a.rss", b"\xef\xbb\xbf" + RSS, "R"),
        ("a.atom", RSS, "R"),
        ("a.json", JSON, "J"),
        ("a.md", b"# M\n\nText.", "M"),
        ("a.txt", b"T\n\nText.", "T"),
        ("no-suffix", RSS, "R"),
        ("odd.txt", JSON, "J"),
        ("odd2.txt", b"---\ntitle: F\n---\n", "F"),
        ("json-front", b'{"title": "G"}\n\nText.', "G"),
        ("sub/a.md", b"# S\n", "S"),
    ],
)
def test_the_content_of_a_file_decides_its_reader(tmp_path: Path, name: str, data: bytes, title: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    harvest = Sources(tmp_path, Web("")).harvest(name, now=NOW, state=None)
    assert harvest.problems == ()
    assert [(story.title, story.source) for story in harvest.stories] == [(title, name)]
    assert harvest.state is None


@pytest.mark.parametrize("data", [RSS, JSON, b"# R", b"R\n\nText."])
def test_the_content_of_standard_input_decides_its_reader(tmp_path: Path, data: bytes) -> None:
    (story,) = Sources(tmp_path, Web("")).harvest_bytes(data, name="added", now=NOW).stories
    assert story.source == "added"
    assert story.title in ("R", "J")


def test_a_name_that_leads_nowhere_is_a_problem_that_names_the_most_similar_one(tmp_path: Path) -> None:
    (tmp_path / "stories").mkdir()
    sources = Sources(tmp_path, Web(""))
    assert (
        str(sources.harvest("storys", now=NOW, state=None).problems[0])
        == "storys: there is no such folder, file or [[source]] → Did you mean “stories”?"
    )
    for name in ("nowhere/at/all", "a\0b", "x" * 5000, "stories/x.md"):
        assert sources.harvest(name, now=NOW, state=None).problems


def test_a_file_of_meaningless_bytes_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "stories").mkdir()
    (tmp_path / "stories" / "a.md").write_bytes(bytes(range(256)))
    (tmp_path / "stories" / "b.md").mkdir()
    (tmp_path / "stories" / "c.md").symlink_to(tmp_path / "gone")
    (tmp_path / "stories" / "d.md").write_bytes(b"# Good")
    harvest = Sources(tmp_path, Web("")).harvest("stories", now=NOW, state=None)
    assert [story.title for story in harvest.stories] == ["Good"]
    assert {problem.place.split(":")[0] for problem in harvest.problems} == {
        "stories/a.md",
        "stories/b.md",
        "stories/c.md",
    }


def test_an_empty_folder_has_no_stories_and_no_problem(tmp_path: Path) -> None:
    harvest = Sources(tmp_path, Web("")).harvest(".", now=NOW, state=None)
    assert (harvest.stories, harvest.problems) == ((), ())


@given(st.text(max_size=60), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_text_comes_back_from_every_unicode_encoding(text: str, encoding: str) -> None:
    text = text.encode("utf-8", "ignore").decode().lstrip("\ufeff").replace("\0", "")
    if encoding != "utf-8":
        assert decode(text.encode(encoding)) == (text, True)
    else:
        assert decode(text.encode())[0] == text


@given(st.binary(max_size=60), st.text(max_size=8))
def test_any_bytes_are_some_text(data: bytes, declared: str) -> None:
    text, _ = decode(data, declared=declared)
    assert isinstance(text, str)


# Hypothesis wants bounds without a zone, and adds the zone itself.
@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.timezones()))  # noqa: DTZ001
def test_any_iso_date_is_read_in_utc(moment: datetime) -> None:
    assert read(moment.isoformat()) == read(moment) == moment.astimezone(UTC)


@given(st.text(max_size=40))
def test_any_text_is_a_date_in_utc_or_none(text: str) -> None:
    moment = read(text)
    assert moment is None or moment.tzinfo is UTC


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("EN", "en"),
        ("en_us", "en-US"),
        ("pt-br", "pt-BR"),
        ("zh-hans-cn", "zh-Hans-CN"),
        ("german", ""),
        ("e", ""),
        ("", ""),
        ("en-", ""),
        ('en"><x', ""),
        ("de-1996", "de-1996"),
    ],
)
def test_language_tags_are_brought_to_one_spelling(written: str, meant: str) -> None:
    assert language(written) == meant
