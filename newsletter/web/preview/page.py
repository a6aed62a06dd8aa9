"""The editor's page: the message of a view, and the explanations around it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from newsletter.app.preparing import LARGE
from newsletter.app.previewing import CLIPPED_AT, FOUND, Persona, Previewing, Rendition, Shown, pages
from newsletter.errors import NewsletterError, UsageError
from newsletter.model import Message, Subscriber
from newsletter.web.preview.parts import Parts
from newsletter.web.preview.view import PARTS, SCHEMES, WIDTHS, View

LISTED_ISSUES = 30


@dataclass(frozen=True, slots=True)
class Chosen:
    """The subscriber that a view shows, and how it was found."""

    reader: Subscriber | None
    """None if several subscribers match the name, or none does."""
    name: str
    """The subscriber's name in the URL."""
    persona: Persona | None = None
    matches: tuple[Subscriber, ...] = ()
    """The subscribers that match the name, if there is not exactly one."""


@dataclass(frozen=True, slots=True)
class Reasoned:
    """A story of the issue: whether it is in the edition, and the reason."""

    title: str
    link: str
    reason: str
    words: str


class Desk:
    """Draws pages and messages for views."""

    def __init__(self, previewing: Previewing, issue: str) -> None:
        """`issue` is the issue shown when the address names none."""
        self._previewing, self._issue = previewing, issue
        environment = Environment(
            loader=FileSystemLoader(pages()), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True, auto_reload=True,
        )
        environment.filters["moment"] = _moment
        environment.filters["number"] = "{:,}".format
        environment.filters["ucfirst"] = lambda words: words[:1].upper() + words[1:]
        self._environment = environment

    def page(self, view: View, version: str) -> str:
        """The whole page. Raises UsageError if there is no such issue."""
        issue = view.issue or self._issue
        chosen = self._choose(view.reader, issue)
        shown = self._shown(issue, chosen.reader)
        rendition = shown.rendition
        return self._environment.get_template("preview.html").render(
            view=view, version=version, issue=issue, chosen=chosen, shown=shown, rendition=rendition,
            newsletters=self._previewing.newsletters(), issues=self._previewing.issues(LISTED_ISSUES),
            personas=self._previewing.personas(issue), before=self._before(chosen), after=self._after(chosen),
            parts=Parts.of(rendition.message) if rendition else None, all_parts=PARTS, widths=WIDTHS, schemes=SCHEMES,
            inside=list(_inside(rendition)) if rendition else [],
            outside=list(_outside(rendition)) if rendition else [],
            labels={topic.slug: topic.label for topic in rendition.manifest.topics} if rendition else {},
            clipped_at=CLIPPED_AT, large=LARGE, most_found=FOUND,
        )

    def message(self, view: View) -> Message:
        """The view's message. Raises UsageError if there is none."""
        issue = view.issue or self._issue
        reader = self._choose(view.reader, issue).reader
        rendition = self._shown(issue, reader).rendition
        if rendition is None:
            raise UsageError("there is nothing to show", cure="newsletter preview")
        return rendition.message

    def differing(self, view: View) -> str:
        """The address of the next subscriber with another edition; if none is found, that of the last one compared."""
        issue = view.issue or self._issue
        reader = self._choose(view.reader, issue).reader
        if reader is None:
            return view.link()
        other = self._previewing.differing(issue, reader)
        return view.link(reader=other.email) if other else view.link()

    def _shown(self, issue: str, reader: Subscriber | None) -> Shown:
        if reader is None:
            return Shown(None, "", (), ())
        try:
            return self._previewing.draw(issue, reader)
        except UsageError:
            raise
        except NewsletterError as fault:
            return Shown(None, "", (fault,), ())

    def _choose(self, name: str, issue: str) -> Chosen:
        """The first subscriber if the name is empty, a persona by slug, a subscriber by address, else by searching."""
        samples = {each.slug: each for each in self._previewing.personas(issue)}
        if name in samples:
            return Chosen(samples[name].reader, name, samples[name])
        reader = self._previewing.reader(name) if name else None
        found = [reader] if reader else self._previewing.find(name)
        if not name and not found:
            first = next(iter(samples.values()))
            return Chosen(first.reader, first.slug, first)
        if len(found) == 1 or (found and not name):
            return Chosen(found[0], found[0].email)
        return Chosen(None, name, matches=tuple(found))

    def _before(self, chosen: Chosen) -> Subscriber | None:
        return self._previewing.before(chosen.reader) if chosen.reader and chosen.reader.id else None

    def _after(self, chosen: Chosen) -> Subscriber | None:
        return self._previewing.after(chosen.reader) if chosen.reader else None


def _inside(rendition: Rendition) -> Iterator[Reasoned]:
    """The edition's stories in reading order."""
    stories = {each.story.id: each.story for each in rendition.manifest.candidates}
    words = {verdict.story: verdict.words for verdict in rendition.verdicts}
    for name in rendition.edition.stories:
        yield Reasoned(stories[name].title, stories[name].link, "in", words[name])


def _outside(rendition: Rendition) -> Iterator[Reasoned]:
    """The issue's other stories in order of rank."""
    stories = {each.story.id: each.story for each in rendition.manifest.candidates}
    for verdict in rendition.verdicts:
        if verdict.reason != "in":
            yield Reasoned(stories[verdict.story].title, stories[verdict.story].link, verdict.reason, verdict.words)


def _moment(local: str) -> str:
    """A slot's local time in words.

    >>> _moment("2026-11-30T08:00")
    'Monday 30 November 2026, 08:00'
    """
    return f"{datetime.fromisoformat(local):%A %-d %B %Y, %H:%M}"
