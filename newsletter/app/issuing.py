"""Issues: freeze one, say why a story is in or out for a subscriber, render what a subscriber gets."""

import email
import email.policy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import lru_cache, partial
from pathlib import Path
from zoneinfo import ZoneInfo

from newsletter import address, prepare
from newsletter.app import App, gathering
from newsletter.choosing.edition import Chooser
from newsletter.choosing.ranking import issue_id
from newsletter.composing.message import Composer, id_domain
from newsletter.errors import UsageError
from newsletter.model import (
    BlockSet,
    Edition,
    Manifest,
    Message,
    Newsletter,
    Problem,
    Slot,
    Subscriber,
    Verdict,
    spoken_in,
)
from newsletter.prepare import Audience, Fetched
from newsletter.render.compile import Site, compile
from newsletter.render.expand import expand
from newsletter.render.layout import layout
from newsletter.render.template import Template
from newsletter.render.weights import weigh
from newsletter.schedule.slots import Schedule, slot_at
from newsletter.store import AlreadyPrepared, Issue, Synced

LARGE = 85_000
"""Bytes of HTML from which an edition is reported; what would pass 102,400 is trimmed (standards.md, H1)."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A frozen issue, and what was met on the way."""

    issue: Issue
    manifest: Manifest
    fetched: Fetched
    synced: Synced | None
    """None: the preference file had not changed."""
    audience: Audience
    unclear: tuple[Problem, ...] = ()
    """What is wrong with the editor's overrides."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that was met and stopped nothing, a mail that is nearly too long for Gmail included."""
        found = self.fetched.problems + (self.synced.problems if self.synced else ()) + self.unclear
        if not any(not each.merged_into for each in self.manifest.candidates):
            cure = "look at sources in newsletter.toml, and at: newsletter stories list"
            found = (*found, Problem(self.issue.id, "there is no story in it", cure))
        if self.audience.largest < LARGE:
            return found
        size = f"the largest mail has {self.audience.largest / 1000:.0f} kB of HTML; Gmail hides what is beyond 102 kB"
        return (*found, Problem(self.issue.id, size, "lower max_stories or per_topic in newsletter.toml"))


@dataclass(frozen=True, slots=True)
class Why:
    """What an issue held for one subscriber, and why."""

    issue: Issue
    subscriber: Subscriber
    verdicts: tuple[Verdict, ...]
    outcome: str
    """What became of the mail: "sent …", or why there was none."""


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
    synced = gathering.sync_subscribers(app)  # what can be wrong here is found before anybody is asked for stories
    fetched = gathering.fetch(app, [name], progress=on_source)
    manifest, unclear = draft(app, newsletter, slot)
    audience = prepare.freeze(
        manifest, partial(_compile, app, template, manifest), app.store.issues, languages=template.languages,
        now=app.now(), progress=on_subscriber,
    )
    return Prepared(find(app, manifest.issue), manifest, fetched, synced, audience, unclear)


def draft(app: App, newsletter: Newsletter, slot: Slot) -> tuple[Manifest, tuple[Problem, ...]]:
    """The manifest that preparing now would freeze, and what is wrong with the editor's overrides."""
    name = issue_id(newsletter.name, slot, lambda each: app.store.issues.get(each) is not None)
    return prepare.decide(
        newsletter, slot, app.store.stories, topics=app.topics(), overrides=app.overrides(), name=name,
        template=app.template(newsletter).hash, now=app.now(),
    )


def _compile(app: App, template: Template, manifest: Manifest, language: str) -> BlockSet:
    site = Site(app.settings.site.postal_address, app.links.web(manifest.issue))
    return compile(template, manifest, language=language, site=site)


def next_slot(app: App, newsletter: Newsletter) -> Slot:
    """The newsletter's next slot; this minute if it has no schedule."""
    if newsletter.schedule:
        return next(Schedule.parse(newsletter.schedule, newsletter.timezone).slots(app.now()))
    return _slot(app.now().replace(second=0, microsecond=0), newsletter.timezone)


def slot_typed(newsletter: Newsletter, at: str) -> Slot:
    """The slot of a time that a person typed: ISO 8601, in the newsletter's zone unless it names an offset."""
    try:
        instant = datetime.fromisoformat(at)
    except ValueError:
        raise UsageError(f"{at} is no time", cure="write it as 2026-11-30T08:00, or with an offset") from None
    if not 2000 <= instant.year <= 2200:
        raise UsageError(f"{at} is no time for a newsletter", cure="write it as 2026-11-30T08:00, or with an offset")
    if instant.tzinfo is None:
        return slot_at(instant, newsletter.timezone)
    return _slot(instant, newsletter.timezone)


def _slot(instant: datetime, zone: str) -> Slot:
    local = instant.astimezone(ZoneInfo(zone))
    return Slot(local.strftime("%Y-%m-%dT%H:%M"), zone, instant.astimezone(UTC))


def find(app: App, name: str) -> Issue:
    """An issue by its id; `latest`, or a newsletter's name, is the newest one. Raises UsageError with what there is."""
    issues = app.store.issues
    found = issues.get(name) or (issues.latest() if name == "latest" else None)
    if found is None and name in app.settings.newsletters:
        found = issues.latest(name)
    if found is None:
        known = ", ".join(each.id for each in issues.all()[-5:]) or "none yet"
        raise UsageError(f"there is no issue {name} (there is: {known})", cure="newsletter issue prepare NEWSLETTER")
    return found


def subscriber(app: App, email: str) -> Subscriber:
    """A subscriber by address, however it is spelt. Raises UsageError if there is none."""
    found = app.store.subscribers.get(address.parse(email).key)
    if found is None:
        raise UsageError(f"{email} is not a subscriber", cure="newsletter subscribers list")
    return found


def composer(app: App, issue: Issue) -> Composer:
    """What makes the messages of a frozen issue.

    Date is when its sending began: the same in every attempt, and in a preview before it the time it was prepared.
    """
    manifest = app.store.issues.manifest(issue.id)
    return Composer(
        manifest, app.store.issues.blocks(issue.id), app.links, date=issue.started_at or issue.prepared_at,
    )


def message_ids(app: App, issue: Issue) -> Callable[[Subscriber], str]:
    """The Message-ID of each subscriber's mail, the same at every attempt."""
    domain = id_domain(app.store.issues.manifest(issue.id).newsletter)
    return lambda subscriber: f"<{app.links.message_id_local(issue.id, subscriber.id)}@{domain}>"


def editions(app: App) -> Callable[[int], Edition]:
    """Editions by number, the latest remembered."""
    return lru_cache(1024)(app.store.issues.edition)


def edition_of(app: App, issue: Issue, reader: Subscriber) -> Edition:
    """The frozen edition of a subscriber; chosen now, from the frozen manifest, for who joined later."""
    delivery = app.store.outbox.delivery(issue.id, reader.key)
    if delivery is not None:
        return app.store.issues.edition(delivery.edition)
    skip = app.store.issues.skip_of(issue.id, reader.id)
    if skip is not None and skip.edition is not None:
        return app.store.issues.edition(skip.edition)
    return chooser(app, issue).choose(reader.interests, frozenset()).edition


def chooser(app: App, issue: Issue) -> Chooser:
    """Chooses as it was chosen when the issue was frozen: same manifest, same sizes."""
    blocks = app.store.issues.blocks(issue.id)
    own = app.store.issues.manifest(issue.id).newsletter.language
    weights = {language: weigh(each) for language, each in blocks.items()}
    return Chooser(app.store.issues.manifest(issue.id), lambda language: weights[spoken_in(language, weights, own)])


def message_for(app: App, issue: Issue, reader: Subscriber) -> Message:
    """The very message that this subscriber gets."""
    return composer(app, issue).compose(reader, edition_of(app, issue, reader))


def why(app: App, email: str, issue: Issue) -> Why:
    """For every story of the issue: in, or out and for which reason, answered from what was frozen."""
    reader = subscriber(app, email)
    edition = edition_of(app, issue, reader)
    choice = chooser(app, issue).choose(edition.interests, edition.had)
    brought = _brought(app, reader, issue)
    also = {each.story.id: each.also for each in app.store.issues.manifest(issue.id).candidates}
    verdicts = tuple(_with_issue(verdict, brought, also[verdict.story]) for verdict in choice.verdicts)
    return Why(issue, reader, verdicts, _outcome(app, issue, reader))


def _with_issue(verdict: Verdict, brought: Mapping[str, str], also: tuple[str, ...]) -> Verdict:
    """A story that was had before, with the issue that brought it."""
    if verdict.reason != "had before":
        return verdict
    issue = next((brought[each] for each in (verdict.story, *also) if each in brought), "")
    return replace(verdict, words=verdict.words.replace("an earlier issue", f"issue {issue}")) if issue else verdict


def _brought(app: App, reader: Subscriber, issue: Issue) -> dict[str, str]:
    """The ids of all stories that earlier issues of the newsletter brought this subscriber, with the issue that did."""
    brought: dict[str, str] = {}
    for had in app.store.outbox.had(reader.id, issue.newsletter):
        if had.issue != issue.id:
            for story in app.store.issues.edition(had.edition).stories:
                brought.setdefault(story, had.issue)
    return brought


def _outcome(app: App, issue: Issue, reader: Subscriber) -> str:
    delivery = app.store.outbox.delivery(issue.id, reader.key)
    if delivery is not None:
        answer = f": {delivery.receipt.reply}" if delivery.receipt and delivery.receipt.reply else ""
        return f"{delivery.state.replace('_', ' ')}{answer}"
    skip = app.store.issues.skip_of(issue.id, reader.id)
    return f"nothing sent: {skip.reason}" if skip else f"not in the audience: was {reader.status} or joined later"


def write_files(app: App, issue: Issue, reader: Subscriber, folder: Path) -> list[Path]:
    """One subscriber's mail as files in a folder: .eml, .txt and, unless they read plain text alone, .html.

    Beside them the .mjml that the template makes of the edition, if the template is still the one that was frozen.
    """
    edition, message = edition_of(app, issue, reader), message_for(app, issue, reader)
    mail = email.message_from_bytes(message.wire, policy=email.policy.default)
    contents = {".eml": message.wire, ".txt": _part(mail, "plain"), ".html": _part(mail, "html")}
    manifest = app.store.issues.manifest(issue.id)
    template = app.template(manifest.newsletter)
    if template.hash == manifest.template:
        contents[".mjml"] = _expanded(app, template, manifest, edition, reader).encode()
    folder.mkdir(parents=True, exist_ok=True)
    files = {folder / f"{issue.id}{ending}": content for ending, content in contents.items() if content}
    for path, content in files.items():
        path.write_bytes(content)
    return list(files)


def _part(mail: EmailMessage, kind: str) -> bytes:
    part = mail.get_body((kind,))
    return part.get_content().encode() if part else b""


def _expanded(app: App, template: Template, manifest: Manifest, edition: Edition, reader: Subscriber) -> str:
    newsletter = manifest.newsletter
    language = spoken_in(edition.interests.language, template.languages, newsletter.language)
    words = template.words(language)
    personal = {
        "greeting": words.greeting(reader.name),
        "unsubscribe_url": app.links.unsubscribe(newsletter.name, reader.id),
        "preferences_url": app.links.preferences(newsletter.name, reader.id),
    }
    site = Site(app.settings.site.postal_address, app.links.web(manifest.issue))
    return expand(template, manifest, layout(edition, manifest, words), personal, language=language, site=site)
