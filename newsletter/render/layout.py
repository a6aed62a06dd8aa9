"""An edition as a sequence of blocks, with the values of the placeholders that its subscribers share."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from newsletter.model import Edition, Entry, Manifest, Section, Story
from newsletter.render.prose import cut
from newsletter.render.words import Words
from newsletter.text import BIDI

LONGEST_SUBJECT = 90
PREHEADER = (40, 130)
"""Characters that an inbox shows next to the subject: at least, if the stories have enough, and at most."""

CONTENTS = (4, 5)
"""The fewest stories for which an edition has a list of contents, and the most lines of that list."""

_BIDI = re.compile(f"[{BIDI}]")


@dataclass(frozen=True, slots=True)
class Placed:
    """A block in its place."""

    key: str
    """That of `model.Block`."""
    values: Mapping[str, str]
    """The values of its placeholders, except those that differ between subscribers."""


def layout(edition: Edition, manifest: Manifest, words: Words) -> tuple[Placed, ...]:
    """The blocks of the edition in order: head, contents, each section's topic, stories and omitted count, foot.

    The first story is the lead; `rest` follows it where there are others. A quiet edition has the note before its
    sections, if it has any. Blocks that a template does not have are empty ones.
    """
    stories = {candidate.story.id: candidate.story for candidate in manifest.candidates}
    labels = {topic.slug: topic.label for topic in manifest.topics}
    count = len(edition.stories)
    shared = {
        "subject": subject(edition, manifest, stories),
        "preheader": preheader(edition, manifest, stories, words),
        "topics": _chosen(edition, labels, words),
        "count": words.ngettext("%(num)d story", "%(num)d stories", count),
    }
    own = _own_values(edition, labels, words)
    blocks = [Placed("head", shared)]
    if edition.quiet:
        blocks.append(Placed("quiet", shared))
    if count >= CONTENTS[0]:
        blocks += _contents(edition, shared, own)
    for section in edition.sections:
        blocks += _section(section, edition, words, shared, own)
    return (*blocks, Placed("foot", shared))


def _own_values(edition: Edition, labels: Mapping[str, str], words: Words) -> dict[str, dict[str, str]]:
    """The values of the placeholders that each story of the edition has for itself."""
    numbers = {story: str(number) for number, story in enumerate(edition.stories, 1)}
    return {
        entry.story: {
            "number": numbers[entry.story],
            "section": labels.get(section.topic, section.topic),
            "also_in": _also_in(entry, labels, words),
        }
        for section in edition.sections for entry in section.entries
    }


def _also_in(entry: Entry, labels: Mapping[str, str], words: Words) -> str:
    topics = words.listed(labels.get(slug, slug) for slug in entry.also_in)
    return " · " + words.gettext("also in %(topics)s", topics=topics) if topics else ""


def _contents(edition: Edition, shared: Mapping[str, str], own: Mapping[str, Mapping[str, str]]) -> Iterable[Placed]:
    """After the lead, which opens the edition: the first story of each section, and others while there is room."""
    firsts = [section.entries[0].story for section in edition.sections[1:]]
    others = [story for story in edition.stories[1:] if story not in firsts]
    listed = {*firsts, *others[: max(0, CONTENTS[1] - len(firsts))]}
    yield Placed("contents", shared)
    before = ""
    for story in [story for story in edition.stories if story in listed][: CONTENTS[1]]:
        section = own[story]["section"]
        yield Placed(f"item:{story}", {**shared, **own[story], "label": f"{section} · " if section != before else ""})
        before = section
    yield Placed("contents-end", shared)


def _section(
    section: Section, edition: Edition, words: Words, shared: Mapping[str, str], own: Mapping[str, Mapping[str, str]],
) -> Iterable[Placed]:
    yield Placed(f"topic:{section.topic}", shared)
    for entry in section.entries:
        kind = "lead" if entry.story == edition.lead else "story"
        yield Placed(f"{kind}:{entry.story}", {**shared, **own[entry.story]})
        if kind == "lead" and len(edition.stories) > 1:
            yield Placed("rest", shared)
    if section.more:
        sentence = words.ngettext("%(num)d more story on the web", "%(num)d more stories on the web", section.more)
        yield Placed("more", {**shared, "more": sentence})


def _chosen(edition: Edition, labels: Mapping[str, str], words: Words) -> str:
    chosen = edition.interests.topics
    if "*" in chosen:
        return words.gettext("all topics")
    return words.listed(labels[slug] for slug in chosen if slug in labels) or words.gettext("none yet")


def subject(edition: Edition, manifest: Manifest, stories: Mapping[str, Story]) -> str:
    """The lead's title, of a quiet edition the newsletter's; one line, without marks for the direction of text."""
    title = stories[edition.lead].title if edition.lead and not edition.quiet else manifest.newsletter.title
    return cut(_line(title), LONGEST_SUBJECT)


def preheader(edition: Edition, manifest: Manifest, stories: Mapping[str, Story], words: Words) -> str:
    """The titles of the stories after the lead, then summaries, as far as there is room; never the subject."""
    shown, opening = [stories[story] for story in edition.stories], subject(edition, manifest, stories)
    titles = [story.title for story in (shown if edition.quiet else shown[1:])]
    summaries = [story.summary for story in shown]
    beginning = [words.gettext("A quiet week in your topics.")] if edition.quiet else []
    parts = map(_line, [*beginning, *titles, *summaries, manifest.newsletter.description])
    return cut(_joined(part for part in parts if part and not part.startswith(opening)), PREHEADER[1])


def _joined(parts: Iterable[str]) -> str:
    """As many parts as there is room for; one more, to be cut, where they are too short."""
    least, most = PREHEADER
    line = ""
    for part in parts:
        longer = f"{line} · {part}" if line else part
        if len(line) >= least and len(longer) > most:
            break
        line = longer
    return line


def _line(text: str) -> str:
    return " ".join(_BIDI.sub("", text).split())
