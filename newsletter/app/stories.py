"""Stories in: sources are fetched, and stories added by hand."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from newsletter import prepare
from newsletter.app import App
from newsletter.prepare import Fetched

ADDED = "added"
"""The source of stories that were pasted or added from a file or URL by hand; every newsletter takes them."""


def fetch(app: App, newsletters: Sequence[str] = (), *, progress: Callable[[str], None]) -> Fetched:
    """Reads the sources of these newsletters, of all by default."""
    chosen = [app.newsletter(name) for name in newsletters or app.settings.newsletters]
    every = {source for newsletter in app.settings.newsletters.values() for source in newsletter.sources}
    app.store.stories.retain([*sorted(every), ADDED])
    names = list(dict.fromkeys(source for newsletter in chosen for source in newsletter.sources))
    return prepare.fetch(names, app.sources, app.store.stories, now=app.now(), progress=progress)


def add_stories(app: App, data: bytes, *, name: str) -> Fetched:
    """Adds the stories of a text, feed or page by hand; `name` says in problems where they came from.

    What an editor adds is wanted now, so nothing of it is held.
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
