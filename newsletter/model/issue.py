"""One issue of a newsletter: the decisions that are frozen, and what each subscriber gets of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from newsletter.model.newsletter import Newsletter
from newsletter.model.story import Match, Story, Topic
from newsletter.model.subscriber import Interests


@dataclass(frozen=True, slots=True)
class Slot:
    """One occasion of a schedule: a wall-clock time in a zone, and the instant it means."""

    local: str
    """Local time: "2026-11-30T08:00"."""
    zone: str
    """IANA name."""
    instant: datetime

    @property
    def key(self) -> str:
        """Identifies the slot within its newsletter. It depends on the schedule alone, not on the time of computing."""
        return f"{self.local}[{self.zone}]"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A story of an issue, with everything that decides which subscribers get it and where it stands."""

    story: Story
    available: datetime
    """When subscribers could first have had it: the later of its date and the time at which it was first fetched."""
    matches: tuple[Match, ...]
    score: float
    """Decides the order: a higher score comes earlier."""
    rank: str
    """The reasons for its score, for a person: "pinned, weight 2, 3 days old"."""
    also: tuple[str, ...] = ()
    """Ids of the stories that report the same news and were merged into this one, the next best first."""
    merged_into: str = ""
    """The id of the story that stands for this one; empty if it stands for itself."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The frozen decisions of an issue: preview, approval, sending, archive and `why` refer to them."""

    issue_id: str
    """ "weekly-2026-11-30"."""
    newsletter: Newsletter
    slot: Slot
    topics: tuple[Topic, ...]
    """The topics that the newsletter offers, with their ancestors and descendants, in the newsletter's order."""
    candidates: tuple[Candidate, ...]
    """In order of score, merged and too old ones included: `why` explains those too."""
    template_hash: str
    """Hash of the template's files."""


Reason = Literal[
    "in", "topic not chosen", "excluded", "had before", "merged", "capped", "too large", "too old", "no topic",
]
"""The possible fates of a story for one subscriber."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a story is in an edition, and why."""

    story: str
    """Its id."""
    reason: Reason
    words: str
    """The whole reason as a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A story's place in an edition."""

    story: str
    also_in: tuple[str, ...] = ()
    """Slugs of the subscriber's other topics that the story belongs to."""


@dataclass(frozen=True, slots=True)
class Section:
    """The stories under one of the subscriber's topics."""

    topic: str
    entries: tuple[Entry, ...]
    more: int = 0
    """How many stories of this topic were cut for length; they can be read on the web."""


@dataclass(frozen=True, slots=True)
class Edition:
    """An issue as chosen for one set of interests and one past."""

    interests: Interests
    had: frozenset[str]
    """Ids of the issue's stories that the edition's subscribers had before."""
    sections: tuple[Section, ...]
    quiet: bool = False
    """Whether it has fewer stories than the newsletter's `min_stories`."""

    @property
    def stories(self) -> tuple[str, ...]:
        """The ids of its stories in reading order."""
        return tuple(entry.story for section in self.sections for entry in section.entries)

    @property
    def lead(self) -> str:
        """The id of the first story; empty in an empty edition."""
        return next(iter(self.stories), "")


class Past(NamedTuple):
    """The stories and mails that a subscriber got before, as far as they matter to one issue."""

    had: frozenset[str] = frozenset()
    """Ids of the issue's stories that an earlier mail brought, or that an edition too short to send used up."""
    last: datetime | None = None
    """The slot of the last issue of this newsletter that was sent to them; None if there was none recently."""


class Member(NamedTuple):
    """A member of an issue's audience. Members with equal interests and equal pasts share an edition."""

    subscriber_id: int
    interests: Interests
    past: Past


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision for every member of an audience with the same interests and the same past."""

    edition: Edition
    skip: str = ""
    """Why nothing is sent, as a sentence; empty if the edition is sent."""
    passed: bool = False
    """If nothing is sent: whether the edition's stories count as had all the same, or are kept for the next issue."""
    size: int = 0
    """Bytes of HTML of the edition, placeholders not counted."""


class Recorded(NamedTuple):
    """A decision whose edition the store keeps."""

    edition: int
    """The edition's number in the store."""
    skip: str
    passed: bool
