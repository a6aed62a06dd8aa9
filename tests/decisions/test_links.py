"""Links know their reader, name nobody, and cannot be made by others."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import ConfigError
from newsletter.key import load_key
from newsletter.links import Links, Purpose

LINKS = Links("https://news.example.org/", b"k" * 32)
IDS = st.integers(0, 2**63 - 1)
NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)
PURPOSES: st.SearchStrategy[Purpose] = st.sampled_from(["unsubscribe", "preferences"])


@given(subscriber=IDS, newsletter=NAMES, purpose=PURPOSES)
def test_a_token_gives_its_reader_back_to_who_made_it(subscriber: int, newsletter: str, purpose: Purpose) -> None:
    token = LINKS.token(purpose, newsletter, subscriber)
    assert LINKS.read(token, purpose, newsletter) == subscriber
    assert re.fullmatch(r"[A-Za-z0-9_-]{23,39}", token)
    assert token[-1].isalnum()


@given(subscriber=IDS, newsletter=NAMES, other=NAMES)
def test_a_token_is_good_for_one_purpose_newsletter_and_key_alone(
    subscriber: int, newsletter: str, other: str,
) -> None:
    token = LINKS.token("unsubscribe", newsletter, subscriber)
    assert LINKS.read(token, "preferences", newsletter) is None
    assert Links("https://news.example.org", b"x" * 32).read(token, "unsubscribe", newsletter) is None
    if other != newsletter:
        assert LINKS.read(token, "unsubscribe", other) is None


@given(subscriber=IDS, data=st.data())
def test_a_token_with_any_character_changed_cut_or_added_is_refused(subscriber: int, data: st.DataObject) -> None:
    token = LINKS.token("unsubscribe", "weekly", subscriber)
    place = data.draw(st.integers(0, len(token)))
    length = data.draw(st.integers(0, 2))
    forged = token[:place] + data.draw(st.text(max_size=2)) + token[place + length:]
    if forged != token:
        assert LINKS.read(forged, "unsubscribe", "weekly") is None


@given(st.text())
def test_any_other_text_is_no_token(text: str) -> None:
    assert LINKS.read(text, "unsubscribe", "weekly") is None


def test_readers_cannot_be_guessed_from_one_another() -> None:
    tokens = {LINKS.token("unsubscribe", "weekly", subscriber)[:23] for subscriber in range(500)}
    assert len(tokens) == 500


def test_links_stand_under_the_base_url_and_the_web_version_is_the_same_for_all() -> None:
    assert LINKS.unsubscribe("weekly", 7) == (
        "https://news.example.org/unsubscribe/weekly/" + LINKS.token("unsubscribe", "weekly", 7)
    )
    assert LINKS.preferences("weekly", 7).startswith("https://news.example.org/preferences/weekly/1")
    assert LINKS.web("weekly-2026-11-30") == "https://news.example.org/issues/weekly-2026-11-30"


@given(subscriber=IDS, other=IDS)
def test_a_message_id_is_the_same_at_every_attempt_and_different_for_every_reader(subscriber: int, other: int) -> None:
    local = LINKS.message_id_local("weekly-2026-11-30", subscriber)
    assert local == Links("https://elsewhere.example", b"k" * 32).message_id_local("weekly-2026-11-30", subscriber)
    assert re.fullmatch(r"weekly-2026-11-30\.[0-9a-f]{24}", local)
    assert (local == LINKS.message_id_local("weekly-2026-11-30", other)) == (subscriber == other)


# --- The key ---


def test_a_key_is_made_once_for_nobody_else_to_read(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = load_key(path)
    assert len(key) == 32
    assert load_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["key"]
    assert load_key(tmp_path / "other") != key


def test_a_key_that_others_can_read_is_refused_with_the_cure(tmp_path: Path) -> None:
    path = tmp_path / "key"
    load_key(path)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match=f"chmod 600 {path}"):
        load_key(path)


@pytest.mark.parametrize("content", [b"", b"k" * 31, b"k" * 33])
def test_a_file_that_is_no_key_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="does not hold 32 bytes"):
        load_key(path)
    assert path.read_bytes() == content


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be used: No such file"):
        load_key(tmp_path / "missing" / "key")
