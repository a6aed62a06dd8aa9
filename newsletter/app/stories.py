"""Stories: fetched from sources, added by hand, listed, and released if they were held."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from newsletter import prepare
from newsletter.app import App
from newsletter.model import Match, Source, Story
from newsletter.prepare import Fetched

ADDED = "added"
"""The source of stories that were pasted or added from a file or URL by hand; every newsletter takes them."""


def fetch(app: App, newsletters: Sequence[str] = (), *, progress: Callable[[str], None]) -> Fetched:
    """Reads every source of these newsletters, of all by default."""
    return _read(app, sources(app, newsletters), progress)


def fetch_due(app: App, newsletters: Sequence[str] = (), *, progress: Callable[[str], None]) -> Fetched:
    """Reads the sources of these newsletters whose interval has passed since they were last read."""
    return _read(app, due(app, sources(app, newsletters)), progress)


def sources(app: App, newsletters: Sequence[str] = ()) -> list[Source]:
    """The sources of these newsletters, of all by default, each once."""
    chosen = [app.newsletter(name) for name in newsletters or app.settings.newsletters]
    return [app.source(each) for each in dict.fromkeys(each for newsletter in chosen for each in newsletter.sources)]


def due(app: App, among: Sequence[Source]) -> list[Source]:
    """Those of these sources whose interval has passed since they were last read."""
    now = app.now()
    return [source for source in among if source.is_due(app.store.stories.last_fetch(source.address), now)]


def _read(app: App, chosen: Sequence[Source], progress: Callable[[str], None]) -> Fetched:
    """Reads these sources, and retires the stories of sources that no newsletter has any more."""
    app.store.stories.retain([*sorted(each.address for each in sources(app)), ADDED])
    addresses = [each.address for each in chosen]
    return prepare.fetch(addresses, app.sources, app.store.stories, now=app.now(), progress=progress)


def listed(app: App, limit: int, *, held: bool) -> list[tuple[Story, tuple[Match, ...]]]:
    """The newest stories with the reasons for their topics; with `held` all those that wait for the editor."""
    topics = app.topics()
    found = app.store.stories.held() if held else [each.story for each in app.store.stories.find(limit)]
    return [(story, topics.match(story)) for story in found]


def release(app: App, source: str) -> int:
    """Releases the held stories of a source, by its name or address; returns how many."""
    return app.store.stories.release(app.source(source).address)


def add_stories(app: App, data: bytes, *, name: str) -> Fetched:
    """Adds the stories of a text, feed or page by hand; problems give `name` as their place.

    An editor wants the stories now, so none of them is held.
    """
    now = app.now()
    harvest = app.sources.harvest_bytes(data, name=name, now=now)
    stories = [replace(story, source=ADDED) for story in harvest.stories]
    kept = app.store.stories.keep(ADDED, stories, (), now=now, state=None)
    return Fetched(kept.new, kept.changed, kept.unchanged, kept.held, harvest.problems)


def add_from_url(app: App, url: str) -> Fetched:
    """Adds the stories of a feed or text at a URL, once; it does not become a source."""
    now = app.now()
    harvest = app.sources.harvest(url, now=now, state=None)
    stories = [replace(story, source=ADDED) for story in harvest.stories]
    kept = app.store.stories.keep(ADDED, stories, (), now=now, state=None)
    return Fetched(kept.new, kept.changed, kept.unchanged, kept.held, harvest.problems)
