"""Sources: Markdown folders, feeds and pasted texts, read into clean stories.

1. `files` and `web` fetch a source's `Document`s.
2. `readers` has the table of all readers, and finds the one for each document by its content, whatever its name.
3. `harvest` makes clean stories of the `Item`s that the reader found.

A source that cannot be read is a problem, never an exception: one bad feed must not hold up the others.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePath

from newsletter.model import FeedState, Harvest, Problem, Source
from newsletter.sources import readers
from newsletter.sources.document import Document
from newsletter.sources.files import Files
from newsletter.sources.harvest import gather
from newsletter.sources.item import Item
from newsletter.sources.login import Login, shown
from newsletter.sources.web import Answer, Web
from newsletter.text import meant, nearest

__all__ = ["Sources", "Web"]


class Sources:
    """Reads sources by address: a folder or file below `root`, or an http(s) address."""

    def __init__(
        self, root: Path, web: Web, *, declared: Mapping[str, Source] | None = None,
        password: Callable[[Source], str] = lambda source: "",
    ) -> None:
        """`declared` are the sources with settings of their own, by address; `password` gives the password of a source
        with a username, and may raise ConfigError."""
        self._files, self._web = Files(root), web
        self._declared, self._password = declared or {}, password

    def harvest(self, name: str, *, now: datetime, state: FeedState | None) -> Harvest:
        """The harvest of the source with this address. `state` is the one in its last harvest, None for files.

        Raises ConfigError if the source's password cannot be obtained.
        """
        source = self._declared.get(name, Source(name))
        if source.on_web:
            login = Login(name, source.username, self._password(source)) if source.username else None
            return self._fetched(source, self._web.get(name, state=state, now=now, login=login), now)
        try:
            documents = self._files.documents(name, source.options)
            harvest = gather(_read(documents, source.kind, now), source=name, now=now)
        except FileNotFoundError:
            return Harvest(problems=(self._missing(name),))
        except (OSError, ValueError) as error:  # ValueError: a name with NUL in it
            return Harvest(problems=(Problem(name, f"cannot be read: {error}", "Check its name and permissions."),))
        # A folder has all its stories, unless one could not be read: then a missing story may still be there.
        return replace(harvest, complete=self._files.is_folder(name) and not harvest.problems)

    def harvest_bytes(self, data: bytes, *, name: str, now: datetime) -> Harvest:
        """The stories in the bytes from standard input; `name` becomes their source."""
        return gather(_read([Document(data, name)], "", now), source=name, now=now)

    def _fetched(self, source: Source, answer: Answer, now: datetime) -> Harvest:
        if answer.problem or answer.unchanged:
            problems = (answer.problem,) if answer.problem else ()
            return Harvest(problems=problems, state=answer.state, unchanged=answer.unchanged)
        document = Document(answer.data, shown(source.address), url=answer.url, content_type=answer.content_type,
                            options=source.options)
        harvest = gather(_read([document], source.kind, now), source=source.address, now=now)
        return replace(harvest, state=answer.state)

    def _missing(self, name: str) -> Problem:
        """The problem for a name that is neither a folder or file nor a `[[source]]`, with the most similar one."""
        folder = PurePath(name).parent
        files = {each: (folder / each).as_posix() for each in self._files.neighbours(name)}
        known = files | {each.name: each.name for each in self._declared.values() if each.name}
        cure = meant(known.get(nearest(PurePath(name).name, known), ""))
        return Problem(name, "there is no such folder, file or [[source]]",
                       cure or "Create it, or correct the name in the newsletter's sources.")


def _read(documents: Iterable[Document | Problem], kind: str, now: datetime) -> Iterator[Item | Problem]:
    for each in documents:
        if isinstance(each, Problem):
            yield each
        else:
            yield from readers.read(each, kind, now)
