"""The transport that writes each message to a file: the same bytes that a relay would get, and nobody is mailed."""

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from newsletter.errors import TryLater
from newsletter.model import Message, Receipt
from newsletter.transports.settings import TransportSettings

_LONGEST = 200
"""Characters of a file name; file systems take 255 bytes, and a draft's name is longer."""


class FileTransport:
    """Writes `folder/<issue>/<address>.eml` under `root`; sending a message again writes the same file again."""

    lanes = 4
    """Enough to keep a disk busy."""

    def __init__(self, root: Path, folder: str = "outbox") -> None:
        self._root, self._folder = root, root / folder

    async def hand_over(self, message: Message, on_wire: Callable[[], None]) -> Receipt:
        """Writes the message. `sent` has the file's path relative to `root` as `reply`. Raises TryLater if the file
        cannot be written."""
        path = self._folder / _safe(_issue(message.message_id)) / f"{_safe(message.recipient)}.eml"
        on_wire()
        try:
            await asyncio.to_thread(_write, path, message.parts)
        except OSError as error:
            cure = "Free some space or give this user the right to write there, then send again."
            raise TryLater(f"the mail cannot be written: {error.strerror}", place=str(path), cure=cure) from error
        return Receipt("sent", reply=path.relative_to(self._root).as_posix())

    async def close(self) -> None:
        """Does nothing: there are no connections."""


def opened(settings: TransportSettings) -> FileTransport:
    """The transport for the project's outbox folder."""
    return FileTransport(settings.root, settings.outbox)


def _issue(message_id: str) -> str:
    """The issue's id: everything before the last dot in the local part of a Message-ID (`Links.message_id_local`)."""
    return message_id.strip("<>").partition("@")[0].rpartition(".")[0] or "other"


def _safe(text: str) -> str:
    """A file name that stands for this text alone: no separator, no leading dot, never too long."""
    name = re.sub(r"^\.", "%2E", quote(text, safe="@+"))
    if len(name) <= _LONGEST:
        return name
    return f"{name[:_LONGEST - 33]}~{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _write(path: Path, parts: tuple[bytes, ...]) -> None:
    """Writes a draft next to the file, then renames it, so that nobody ever reads half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file, draft = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.writelines(parts)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
