"""The project's sending lock: with a store that is not shared, only one process at a time may send."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from newsletter.errors import TryLater


class SendingLock:
    """A lock between processes. Within this one several sends may hold it side by side.

    The kernel releases it however the process ends, so a process that holds the lock is the only sender alive. It must
    be used from one thread.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None
        self._holders = 0

    @contextmanager
    def held(self, alone: Callable[[], None]) -> Iterator[None]:
        """Holds the lock, and calls `alone` if it was not held before. Raises TryLater if another process has it."""
        file = self._file = self._file or self._taken()
        self._holders += 1
        try:
            if self._holders == 1:
                alone()
            yield
        finally:
            self._holders -= 1
            if not self._holders:
                file.close()
                self._file = None

    def _taken(self) -> IO[str]:
        self._path.parent.mkdir(exist_ok=True)
        file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            file.close()
            raise TryLater(f"another process is sending (process {owner})", place=str(self._path),
                           cure="Wait until it is done, or stop it: it settles the mails in flight first.") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        return file
