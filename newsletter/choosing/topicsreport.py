"""Gaps in topics.toml: stories in no topic, topics that no subscriber chose, tags that mean no topic."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from newsletter.choosing.topics import Topics, normal
from newsletter.model import Story


@dataclass(frozen=True, slots=True)
class UnmappedTag:
    """A tag of stories that means no topic."""

    tag: str
    """The tag as it was first written."""
    count: int
    """How many stories have it."""
    suggestion: str
    """The slug of the topic that may be meant; empty if none looks like it."""


@dataclass(frozen=True, slots=True)
class TopicsReport:
    """The gaps in topics.toml for the stories and subscribers at hand."""

    unmatched: tuple[Story, ...]
    """Stories in no topic: nobody gets them."""
    unread: tuple[str, ...]
    """Slugs of topics that no subscriber chose, neither by themselves nor through an ancestor."""
    unmapped: tuple[UnmappedTag, ...]
    """The most frequent first."""


def report(topics: Topics, stories: Iterable[Story], chosen: Mapping[str, int]) -> TopicsReport:
    """The gaps in the topics. `chosen` counts the subscribers who chose each slug, and `*`."""
    unmatched = []
    counts: Counter[str] = Counter()
    written: dict[str, str] = {}
    for story in stories:
        unknown = {normal(tag): tag for tag in reversed(story.tags) if topics.slug(tag) is None}
        counts.update(unknown.keys())
        written = {**unknown, **written} if unknown.keys() - written.keys() else written
        if not topics.match(story):
            unmatched.append(story)
    unmapped = (UnmappedTag(written[tag], count, topics.suggestion(tag)) for tag, count in counts.most_common())
    unread = (topic.slug for topic in topics.topics
              if not any(chosen.get(slug) for slug in ("*", topic.slug, *topics.ancestors(topic.slug))))
    return TopicsReport(tuple(unmatched), tuple(unread), tuple(unmapped))
