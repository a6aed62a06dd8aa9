"""Preparing an issue: its stories and subscribers are brought up to date, and its editions are frozen."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from newsletter import prepare
from newsletter.app import App, issues, stories, subscribers
from newsletter.choosing.ranking import issue_id
from newsletter.errors import UsageError
from newsletter.model import (
    BlockSet,
    Manifest,
    Newsletter,
    Problem,
    Slot,
)
from newsletter.prepare import Audience, Fetched
from newsletter.render.compile import Site, compile
from newsletter.render.template import Template
from newsletter.schedule.slots import Schedule, slot_at
from newsletter.store import AlreadyPrepared, Issue, Synced
from newsletter.text import quoted

LARGE = 85_000
"""The size of HTML, in bytes, from which an edition is reported; one beyond 102,400 is trimmed (standards.md, H1)."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A frozen issue, and the problems found on the way."""

    issue: Issue
    manifest: Manifest
    fetched: Fetched
    synced: Synced | None
    """None: the preference file had not changed."""
    audience: Audience
    unclear: tuple[Problem, ...] = ()
    """Problems of the editor's overrides."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems that stopped nothing, including an empty issue and a mail that is nearly too long for Gmail."""
        found = self.fetched.problems + (self.synced.problems if self.synced else ()) + self.unclear
        if not any(not each.merged_into for each in self.manifest.candidates):
            cure = "Check sources in newsletter.toml, and the list of: newsletter stories list"
            found = (*found, Problem(self.issue.id, "the issue has no stories", cure))
        if self.audience.largest < LARGE:
            return found
        size = f"the HTML of the largest mail has {self.audience.largest / 1000:.0f} kB; Gmail hides all beyond 102 kB"
        return (*found, Problem(self.issue.id, size, "Lower max_stories or per_topic in newsletter.toml."))


def prepare_issue(
    app: App, name: str, *, at: str = "", slot: Slot | None = None, on_source: Callable[[str], None],
    on_subscriber: Callable[[int], None],
) -> Prepared:
    """Fetches, syncs and freezes the newsletter's issue for a slot: the one given, the one of `at`, else the next one.

    Raises UsageError if the slot has an issue, TemplateError or DataError if a file that all depend on is broken.
    """
    newsletter = app.newsletter(name)
    slot = slot or (slot_typed(newsletter, at) if at else next_slot(app, newsletter))
    if (taken := app.store.issues.at(name, slot.key)) and taken.state != "missed":
        raise AlreadyPrepared(taken)
    template = app.template(newsletter)
    synced = subscribers.sync_subscribers(app)  # mistakes in the file show before any source is read
    fetched = stories.fetch_due(app, [name], progress=on_source)
    manifest, unclear = draft(app, newsletter, slot)
    audience = prepare.freeze(
        manifest, partial(_compile, app, template, manifest), app.store.issues, languages=template.languages,
        now=app.now(), progress=on_subscriber,
    )
    return Prepared(issues.find(app, manifest.issue_id), manifest, fetched, synced, audience, unclear)


def draft(app: App, newsletter: Newsletter, slot: Slot) -> tuple[Manifest, tuple[Problem, ...]]:
    """The manifest that preparing now would freeze, and the problems of the editor's overrides."""
    name = issue_id(newsletter.name, slot, lambda each: app.store.issues.get(each) is not None)
    occasion = prepare.Occasion(newsletter, slot, name, app.template(newsletter).hash)
    return prepare.draft(occasion, app.store.stories, topics=app.topics(), overrides=app.overrides(), now=app.now())


def _compile(app: App, template: Template, manifest: Manifest, language: str) -> BlockSet:
    site = Site(app.settings.site.postal_address, app.links().web(manifest.issue_id))
    return compile(template, manifest, language=language, site=site)


def next_slot(app: App, newsletter: Newsletter) -> Slot:
    """The newsletter's next slot; the current minute if it has no schedule."""
    if newsletter.schedule:
        return next(Schedule.parse(newsletter.schedule, newsletter.timezone).slots(app.now()))
    return _slot(app.now().replace(second=0, microsecond=0), newsletter.timezone)


def slot_typed(newsletter: Newsletter, at: str) -> Slot:
    """The slot at a typed time: ISO 8601, in the newsletter's time zone unless an offset is given.

    Raises UsageError for any other text, and for a year outside 2000 to 2200.
    """
    try:
        instant = datetime.fromisoformat(at)
    except ValueError:
        cure = "Write it as 2026-11-30T08:00, or with an offset."
        raise UsageError(f"{quoted(at)} is not a time", cure=cure) from None
    if not 2000 <= instant.year <= 2200:
        raise UsageError(f"{quoted(at)} is not a year from 2000 to 2200", cure="Write it as 2026-11-30T08:00.")
    if instant.tzinfo is None:
        return slot_at(instant, newsletter.timezone)
    return _slot(instant, newsletter.timezone)


def _slot(instant: datetime, zone: str) -> Slot:
    local = instant.astimezone(ZoneInfo(zone))
    return Slot(local.strftime("%Y-%m-%dT%H:%M"), zone, instant.astimezone(UTC))
