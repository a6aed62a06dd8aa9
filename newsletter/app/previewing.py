"""Previewing: a project as its editor sees it, read again at every change of a file.

1. `Previewing.read_files` brings stories and subscribers into the store, as `stories fetch` and `subscribers sync` do.
2. `draw` gives one subscriber's rendition of a frozen issue, or of a draft of the next one. While a file is broken, it
   gives that of the last good draft, next to the faults.
3. `find`, `before`, `after` and `differing` step through the subscribers; `personas` are samples for an empty list.

All methods block: a caller with an event loop runs them in a thread.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from newsletter import config, prepare
from newsletter.app import App, issues, stories, subscribers
from newsletter.app.proofs import DraftProof, FrozenProof, Proof, Rendition, open_slot
from newsletter.choosing.edition import CLIPPED_AT
from newsletter.errors import NewsletterError, UsageError
from newsletter.model import Interests, Problem, Source, Subscriber, Topic
from newsletter.render.template import shipped
from newsletter.store import Issue

__all__ = ["CLIPPED_AT", "FOUND", "Persona", "Previewing", "Rendition", "Shown", "Watched", "pages", "personas"]

FOUND = 50
"""The most subscribers that a search finds."""
WALKED = 300
"""The most subscribers that are compared to find one with another edition."""


@dataclass(frozen=True, slots=True)
class Persona:
    """A sample subscriber, for a project that has none yet."""

    slug: str
    label: str
    reader: Subscriber


@dataclass(frozen=True, slots=True)
class Shown:
    """The rendition for one subscriber, with all that is wrong."""

    rendition: Rendition | None
    """None if nothing good was ever drawn."""
    state: str
    """ "draft", or the state of the frozen issue."""
    faults: tuple[NewsletterError, ...]
    """Errors that keep a file from being used, each with its place and fix."""
    problems: tuple[Problem, ...]
    """Problems that stopped nothing."""
    stale: bool = False
    """Whether `rendition` is that of the last good draft, since a fault keeps a newer one from being made."""


@dataclass(frozen=True, slots=True)
class Watched:
    """The files and folders that a draft depends on."""

    files: frozenset[Path]
    folders: frozenset[Path]
    """Those that exist, and every folder below them."""


class Previewing:
    """A project as its editor sees it. It has its own `App`, opened again when newsletter.toml changes."""

    def __init__(self, app: App) -> None:
        self._app = replace(app)
        self._lock = Lock()
        self._newest: dict[str, DraftProof] = {}
        """Drafts made since the last change, by newsletter."""
        self._good: dict[str, DraftProof] = {}
        """The last draft of each newsletter that could be drawn."""
        self._frozen: FrozenProof | None = None
        """The proof used last."""
        self._feeds: tuple[Problem, ...] = ()
        self._problems: tuple[Problem, ...] = ()
        self._faults: tuple[NewsletterError, ...] = ()

    def close(self) -> None:
        self._app.close()

    def read_files(self) -> None:
        """Reads the project's files again; errors are kept for `draw` to show."""
        with self._lock:
            self._newest.clear()
            faults: list[NewsletterError] = []
            for read in (self._read_settings, self._read_stories, self._read_subscribers):
                try:
                    read()
                except NewsletterError as fault:
                    faults.append(fault)
            self._faults = tuple(faults)

    def read_feeds(self) -> bool:
        """Fetches the sources on the web that are due, once; False if no source is on the web."""
        feeds = [source for source in stories.sources(self._app) if source.on_web]
        with self._lock:
            self._feeds = self._fetch(stories.due(self._app, feeds))
            self._newest.clear()
        return bool(feeds)

    def draw(self, issue: str, reader: Subscriber) -> Shown:
        """The subscriber's rendition of a frozen issue by its id, or of a newsletter's draft by its name.

        Raises UsageError if there is neither.
        """
        if issue in self._app.settings.newsletters:
            with self._lock:
                return self._draw_draft(issue, reader)
        proof = self._frozen_proof(issue)
        return Shown(proof.draw(reader), proof.state, (), ())

    def issues(self, limit: int) -> list[Issue]:
        """At most `limit` of the prepared issues, the newest first."""
        return [each for each in self._app.store.issues.all() if each.state != "missed"][:limit]

    def newsletters(self) -> Sequence[str]:
        """The newsletters' names, each of which stands for its draft."""
        return tuple(self._app.settings.newsletters)

    def chosen(self, name: str | None) -> str:
        """The id or name for `draw`: an issue by its id, a newsletter's newest issue or else its draft.

        None means the draft of the first newsletter. Raises UsageError if there is none.
        """
        if name is None:
            name = next(iter(self._app.settings.newsletters), "")
            return self._app.newsletter(name).name
        try:
            return issues.find(self._app, name).id
        except UsageError:
            if name in self._app.settings.newsletters:
                return name
            raise

    def personas(self, issue: str) -> tuple[Persona, ...]:
        """The sample subscribers of an issue or draft."""
        newsletter = self._app.settings.newsletters.get(issue)
        if newsletter is None:
            return personas(self._app.store.issues.manifest(issues.find(self._app, issue).id).topics)
        try:
            return personas(self._app.topics().offered(newsletter.topics))
        except NewsletterError:  # shown as a fault by `draw`
            return personas(self._good[issue].manifest.topics if issue in self._good else ())

    def reader(self, email: str) -> Subscriber | None:
        """The subscriber with this address, however it is spelt."""
        try:
            return issues.subscriber(self._app, email)
        except NewsletterError:
            return None

    def find(self, words: str) -> list[Subscriber]:
        """The first subscribers whose address or name contains `words`."""
        return self._app.store.subscribers.find(words, FOUND)

    def before(self, reader: Subscriber) -> Subscriber | None:
        """The subscriber before this one."""
        return self._app.store.subscribers.before(reader.id)

    def after(self, reader: Subscriber) -> Subscriber | None:
        """The subscriber after this one; after a sample subscriber the first one."""
        return next(iter(self._app.store.subscribers.after(reader.id, 1)), None)

    def differing(self, issue: str, reader: Subscriber) -> Subscriber | None:
        """The next subscriber with another edition; else the last one compared, where a search can go on.

        None if there is no subscriber after this one.
        """
        proof = self._proof(issue)
        own = _content(proof, reader)
        other = None
        for other in self._app.store.subscribers.after(reader.id, WALKED):
            if _content(proof, other) != own:
                break
        return other

    def watched(self) -> Watched:
        """The files and folders whose changes the preview follows."""
        settings, root = self._app.settings, self._app.root
        files = {root / name for name in (config.FILE, settings.topics, settings.related, settings.preferences)}
        folders = {shipped(), root / "templates"}
        for path in (root / each.address for each in stories.sources(self._app) if not each.on_web):
            (folders if path.is_dir() else files).add(path)
        below = {path for folder in folders for path in folder.rglob("*") if path.is_dir()}
        return Watched(frozenset(files), frozenset(path for path in folders | below if path.is_dir()))

    def _draw_draft(self, name: str, reader: Subscriber) -> Shown:
        try:
            proof = self._draft(name)
            rendition = proof.draw(reader)
        except NewsletterError as fault:
            good = self._good.get(name)
            problems = self._all_problems(good.problems if good else ())
            return Shown(_drawn(good, reader) if good else None, "draft", (*self._faults, fault), problems, stale=True)
        self._good[name] = proof
        return Shown(rendition, proof.state, self._faults, self._all_problems(proof.problems))

    def _draft(self, name: str) -> DraftProof:
        newsletter = self._app.newsletter(name)
        slot, newest = open_slot(self._app, newsletter), self._newest.get(name)
        draft = newest if newest and newest.manifest.slot == slot else DraftProof(self._app, newsletter, slot)
        self._newest[name] = draft
        return draft

    def _proof(self, issue: str) -> Proof:
        if issue in self._app.settings.newsletters:
            with self._lock:
                return self._draft(issue)
        return self._frozen_proof(issue)

    def _frozen_proof(self, name: str) -> FrozenProof:
        issue, last = issues.find(self._app, name), self._frozen
        proof = last if last is not None and last.issue == issue else FrozenProof(self._app, issue)
        self._frozen = proof
        return proof

    def _all_problems(self, more: Iterable[Problem]) -> tuple[Problem, ...]:
        return (*self._problems, *self._feeds, *more)

    def _read_settings(self) -> None:
        settings = config.read(self._app.root / config.FILE)
        if settings != self._app.settings:
            self._app.close()
            self._app = replace(self._app, settings=settings)

    def _read_stories(self) -> None:
        self._problems = self._fetch([each for each in stories.sources(self._app) if not each.on_web])

    def _read_subscribers(self) -> None:
        synced = subscribers.sync_subscribers(self._app)
        self._problems += synced.problems if synced else ()

    def _fetch(self, sources: Sequence[Source]) -> tuple[Problem, ...]:
        addresses, now = [each.address for each in sources], self._app.now()
        fetched = prepare.fetch(
            addresses, self._app.sources, self._app.store.stories, now=now, progress=lambda address: None,
        )
        return fetched.problems


def personas(topics: Sequence[Topic]) -> tuple[Persona, ...]:
    """The sample subscribers of an issue with these topics."""
    first = (topics[0].slug,) if topics else ()
    chosen = (
        ("all-topics", "All topics", Interests(("*",))),
        ("one-topic", f"One topic: {topics[0].label}" if topics else "One topic", Interests(first)),
        ("no-topics", "No topics", Interests()),
        ("text-only", "Text only", Interests(("*",), format="text")),
    )
    return tuple(
        Persona(slug, label, Subscriber(f"{slug}@example.org", f"{slug}@example.org", "Robin Sample", interests))
        for slug, label, interests in chosen
    )


def pages() -> Path:
    """The folder of the preview's templates."""
    return shipped() / "web" / "preview"


def _content(proof: Proof, reader: Subscriber) -> object:
    """The parts of an edition that are equal if two editions look the same."""
    edition = proof.edition(reader)
    return edition.sections, edition.quiet, edition.interests.language, edition.interests.format


def _drawn(proof: DraftProof, reader: Subscriber) -> Rendition | None:
    """The subscriber's rendition of the last good draft; None if that cannot be drawn."""
    try:
        return proof.draw(reader)
    except NewsletterError:
        return None
