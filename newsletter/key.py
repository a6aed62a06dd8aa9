"""The site's secret: 32 random bytes in a file that nobody else may read. Whoever has it can unsubscribe anyone."""

import os
import secrets
import tempfile
from pathlib import Path

from newsletter.errors import ConfigError

LENGTH = 32
"""Bytes of a key."""


def load_key(path: Path) -> bytes:
    """The key in the file, which is made with mode 0600 if it is not there.

    Raises ConfigError if others may read it, if it is no key, or if it can be neither read nor made.
    """
    try:
        if not path.exists():
            _make(path)
        with path.open("rb") as file:
            mode, key = os.fstat(file.fileno()).st_mode, file.read(LENGTH + 1)
    except OSError as error:
        cure = "Make the folder, or give this user the right to read and write there."
        raise ConfigError(f"the key file cannot be used: {error.strerror}", place=str(path), cure=cure) from error
    if mode & 0o077:
        raise ConfigError("the key file can be read by others", place=str(path), cure=f"chmod 600 {path}")
    if len(key) != LENGTH:
        raise ConfigError(
            f"the key file does not hold {LENGTH} bytes",
            place=str(path),
            cure="Put it back from a backup; if you delete it a new one is made, and links in old mails stop working.",
        )
    return key


def _make(path: Path) -> None:
    """Makes the file whole or not at all; of two processes that try at once, the first one's key stands."""
    file, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # O_EXCL, mode 0600
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(secrets.token_bytes(LENGTH))
            stream.flush()
            os.fsync(stream.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        Path(draft).unlink()
