"""Previewing: a project as its editor sees it, read again at every change of a file.

1. `Previewing.read_files` brings stories and subscribers into the store, as `stories fetch` and `subscribers sync` do.
2. `draw` gives one reader's rendition of a frozen issue or of the draft of the next one. While a file is broken, that
   of the last good draft, and beside it what is wrong.
3. `find`, `before`, `after` and `differing` walk through the readers; `personas` are samples for a list with nobody.

All of it is blocking: whoever has an event loop calls it in a thread.
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
"""At most so many readers are found at a time."""
WALKED = 300
"""At most so many readers are looked at to find one whose edition differs."""


@dataclass(frozen=True, slots=True)
class Persona:
    """A sample reader, for a list that has nobody yet."""

    slug: str
    label: str
    reader: Subscriber


@dataclass(frozen=True, slots=True)
class Shown:
    """What there is to show for one reader."""

    rendition: Rendition | None
    """None if nothing good was ever drawn."""
    state: str
    """ "draft", or the state of the frozen issue."""
    faults: tuple[NewsletterError, ...]
    """What is broken, each with place and cure."""
    problems: tuple[Problem, ...]
    """What is wrong beside what is good."""
    stale: bool = False
    """Whether a fault kept the newest draft from being made: this is the last good one."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What a draft is made of."""

    files: frozenset[Path]
    folders: frozenset[Path]
    """Those that exist, and every folder below them."""


class Previewing:
    """A project, opened for its editor. It has an `App` of its own, opened anew when newsletter.toml changes."""

    def __init__(self, app: App) -> None:
        self._app = replace(app)
        self._lock = Lock()
        self._newest: dict[str, DraftProof] = {}
        """Drafts made since the last change, by newsletter."""
        self._good: dict[str, DraftProof] = {}
        """The last draft of each newsletter that could be drawn."""
        self._frozen: FrozenProof | None = None
        """The one asked for last."""
        self._feeds: tuple[Problem, ...] = ()
        self._problems: tuple[Problem, ...] = ()
        self._faults: tuple[NewsletterError, ...] = ()

    def close(self) -> None:
        self._app.close()

    def read_files(self) -> None:
        """Reads the project's files again; what is broken is kept for `draw` to show."""
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
        """Asks the addresses among the sources, once; false if there are none."""
        feeds = [source for source in stories.sources(self._app) if source.on_web]
        with self._lock:
            self._feeds = self._fetch(stories.due(self._app, feeds))
            self._newest.clear()
        return bool(feeds)

    def draw(self, issue: str, reader: Subscriber) -> Shown:
        """The reader's rendition of a frozen issue by its id, or of the draft of a newsletter by its name.

        Raises UsageError if there is neither.
        """
        if issue in self._app.settings.newsletters:
            with self._lock:
                return self._draw_draft(issue, reader)
        proof = self._frozen_proof(issue)
        return Shown(proof.draw(reader), proof.state, (), ())

    def issues(self, limit: int) -> list[Issue]:
        """The issues prepared last, the newest first."""
        return [each for each in self._app.store.issues.all() if each.state != "missed"][:limit]

    def newsletters(self) -> Sequence[str]:
        """Their names, each of which stands for its draft."""
        return tuple(self._app.settings.newsletters)

    def chosen(self, name: str | None) -> str:
        """What a person asked to see: an issue's id, a newsletter's newest issue or else its draft; without a name the
        draft of the first newsletter. Raises UsageError with what there is."""
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
        """Sample readers of an issue or draft."""
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
        """The first subscribers whose address or name holds these words."""
        return self._app.store.subscribers.find(words, FOUND)

    def before(self, reader: Subscriber) -> Subscriber | None:
        """The subscriber before this one."""
        return self._app.store.subscribers.before(reader.id)

    def after(self, reader: Subscriber) -> Subscriber | None:
        """The subscriber after this one; after a sample reader the first."""
        return next(iter(self._app.store.subscribers.after(reader.id, 1)), None)

    def differing(self, issue: str, reader: Subscriber) -> Subscriber | None:
        """The next subscriber whose edition differs from this one's; else the last one looked at, from where one can go
        on. None if there is nobody after this one."""
        proof = self._proof(issue)
        own = _content(proof, reader)
        other = None
        for other in self._app.store.subscribers.after(reader.id, WALKED):
            if _content(proof, other) != own:
                break
        return other

    def watched(self) -> Watched:
        """The files and folders whose change is to be seen."""
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
    """The sample readers of an issue with these topics."""
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
    """What makes two editions look different."""
    edition = proof.edition(reader)
    return edition.sections, edition.quiet, edition.interests.language, edition.interests.format


def _drawn(proof: DraftProof, reader: Subscriber) -> Rendition | None:
    """The rendition of a last good draft, if this reader's is among the good ones."""
    try:
        return proof.draw(reader)
    except NewsletterError:
        return None
