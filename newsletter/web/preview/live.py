"""Live reload: the project's files are watched, and open pages notified (Server-Sent Events, HTML section 9.2)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

from newsletter.app.previewing import Previewing, Watched

QUIET_MS = 150
"""Time without a change, in milliseconds, before the files are read: an editor saves in several steps."""
LONGEST_MS = 1600
"""Longest time from the first change until the files are read, in milliseconds, however busy they are."""


class Live:
    """The version of the preview, and the pages that wait for the next one."""

    def __init__(self, previewing: Previewing, started: str) -> None:
        """`started` identifies this run of the program, so that a page left open reloads after a restart."""
        self._previewing, self._started = previewing, started
        self._changes = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._waiting: set[asyncio.Event] = set()

    @property
    def version(self) -> str:
        """A text that is different after each change."""
        return f"{self._started}-{self._changes}"

    async def watch(self) -> None:
        """Runs until `stop`. Feeds are fetched once, files are read again whenever one changes."""
        self._loop = asyncio.get_running_loop()
        if await asyncio.to_thread(self._previewing.read_feeds):
            self._announce()
        while not self._stop.is_set():
            watched = await asyncio.to_thread(self._previewing.watched)
            async for _ in awatch(
                *_directories(watched), watch_filter=_Filter(watched), step=QUIET_MS, debounce=LONGEST_MS,
                stop_event=self._stop, recursive=False,
            ):
                await asyncio.to_thread(self._previewing.read_files)
                self._announce()
                if await asyncio.to_thread(self._previewing.watched) != watched:
                    break

    async def events(self) -> AsyncIterator[str]:
        """The version now and after each change, for one page, until `stop`."""
        news = asyncio.Event()
        self._waiting.add(news)
        try:
            while not self._stop.is_set():
                news.clear()
                yield f"event: version\ndata: {self.version}\n\n"
                await news.wait()
        finally:
            self._waiting.discard(news)

    def stop(self) -> None:
        """Ends the streams of all open pages; may be called from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end)

    def _announce(self) -> None:
        self._changes += 1
        self._wake()

    def _end(self) -> None:
        self._stop.set()
        self._wake()

    def _wake(self) -> None:
        for news in self._waiting:
            news.set()


class _Filter(DefaultFilter):
    """Passes changes of watched files, and none of the files that editors and systems write next to them."""

    def __init__(self, watched: Watched) -> None:
        super().__init__()
        self._watched = watched

    def __call__(self, change: Change, path: str) -> bool:
        there = Path(path)
        wanted = there in self._watched.files or not self._watched.folders.isdisjoint(there.parents)
        return wanted and super().__call__(change, path)


def _directories(watched: Watched) -> Iterator[Path]:
    """The folders to watch. A file is watched through its folder, since most editors replace it."""
    yield from {path.parent for path in watched.files if path.parent.is_dir()}
    yield from watched.folders
