"""Key files: random bytes that no other user may read. Whoever has the keys can unsubscribe anyone."""

import os
import re
import secrets
import tempfile
from pathlib import Path

from newsletter.errors import ConfigError

LENGTH = 32
"""Bytes of a key."""
_MOST = 64
"""How many keys a file may have; a longer file is something else."""


_HEXADECIMAL = re.compile(rb"[0-9A-Fa-f\s]+")


def read_keys(path: Path) -> tuple[bytes, ...]:
    """The keys in the file, in its order; empty if there is no file.

    Raises ConfigError if the file can be read by others, if it is not made of whole keys, or if it cannot be read.
    """
    if path.is_symlink() or path.exists():
        _check_kind(path)
    try:
        with path.open("rb") as file:
            mode, content = os.fstat(file.fileno()).st_mode, file.read(LENGTH * _MOST + 1)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise _unusable(path, error) from error
    if mode & 0o077:
        raise ConfigError("other users can read the key file", place=str(path), cure=f"chmod 600 {path}")
    if not content or len(content) % LENGTH:
        raise ConfigError(
            f"the key file does not hold whole keys of {LENGTH} bytes: it has {len(content)} bytes",
            place=str(path), cure="Put the file back from a backup.",
        )
    keys = tuple(content[start:start + LENGTH] for start in range(0, len(content), LENGTH))
    if _HEXADECIMAL.fullmatch(content) or len(set(keys)) < len(keys):
        raise ConfigError("the key file holds hexadecimal text, or one key twice, instead of random bytes",
                          place=str(path), cure="Put the file back from a backup.")
    return keys


def _check_kind(path: Path) -> None:
    """Opening a pipe would wait for ever, and a link that leads nowhere is in the way of a new file."""
    if not path.exists():
        raise ConfigError("the key file is a link to a missing file", place=str(path), cure="Correct the link.")
    if not path.is_file():
        raise ConfigError("the key file cannot be used: it is not a regular file", place=str(path),
                          cure="Put the file back from a backup.")


def make_key(path: Path) -> None:
    """Creates a file with one new key and mode 0600, completely or not at all; an existing file stays as it is.

    If two processes try at once, the first one's key is kept. Raises ConfigError if the file cannot be created.
    """
    try:
        _make(path)
    except FileExistsError:
        return
    except OSError as error:
        raise _unusable(path, error) from error


def _make(path: Path) -> None:
    file, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # O_EXCL, mode 0600
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(secrets.token_bytes(LENGTH))
            stream.flush()
            os.fsync(stream.fileno())
        os.link(draft, path)
    finally:
        Path(draft).unlink()


def _unusable(path: Path, error: OSError) -> ConfigError:
    cure = "Create the folder, or give this user the right to read and write there."
    return ConfigError(f"the key file cannot be used: {error.strerror}", place=str(path), cure=cure)
