"""Key files: made once for nobody else to read, and never replaced."""

import os
from pathlib import Path

import pytest

from newsletter.errors import ConfigError
from newsletter.key import make_key, read_keys


def written(path: Path, content: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path


def test_a_key_is_made_for_nobody_else_to_read(tmp_path: Path) -> None:
    path, other = tmp_path / "key", tmp_path / "other"
    make_key(path)
    make_key(other)
    (key,) = read_keys(path)
    assert len(key) == 32
    assert read_keys(other) != (key,)
    assert path.stat().st_mode & 0o777 == 0o600
    assert {each.name for each in tmp_path.iterdir()} == {"key", "other"}


def test_a_key_that_is_there_stays(tmp_path: Path) -> None:
    path = written(tmp_path / "key", b"k" * 32)
    make_key(path)
    assert read_keys(path) == (b"k" * 32,)
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_a_file_may_hold_a_ring_of_keys_the_newest_first(tmp_path: Path) -> None:
    path = written(tmp_path / "key", b"n" * 32 + b"k" * 32)
    assert read_keys(path) == (b"n" * 32, b"k" * 32)


def test_a_missing_file_holds_no_key_and_is_not_made_by_reading(tmp_path: Path) -> None:
    assert read_keys(tmp_path / "key") == ()
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_others_can_read_is_refused_with_the_cure(tmp_path: Path) -> None:
    path = written(tmp_path / "key", b"k" * 32)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match=f"chmod 600 {path}"):
        read_keys(path)


@pytest.mark.parametrize("length", [0, 31, 33, 32 * 64 + 1, 32 * 65])
def test_a_file_that_does_not_hold_whole_keys_is_refused_and_kept(tmp_path: Path, length: int) -> None:
    path = written(tmp_path / "key", b"k" * length)
    with pytest.raises(ConfigError, match="does not hold whole keys of 32 bytes"):
        read_keys(path)
    assert path.read_bytes() == b"k" * length


def test_a_folder_that_is_missing_is_named_when_the_key_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be used: No such file"):
        make_key(tmp_path / "missing" / "key")


def test_a_folder_in_the_place_of_the_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be used: it is not a regular file"):
        read_keys(tmp_path)


def test_what_is_no_key_file_is_refused_and_nothing_hangs(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    written(tmp_path / "text", b"0123456789abcdef" * 4)
    written(tmp_path / "twice", b"k" * 64)
    for name in ("link", "pipe", "text", "twice"):
        with pytest.raises(ConfigError, match="key file"):
            read_keys(tmp_path / name)
