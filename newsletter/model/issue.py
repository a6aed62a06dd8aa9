"""One occasion of a newsletter: what is frozen, and what each reader gets of it."""

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
    """ "2026-11-30T08:00" as the clock on the wall shows it."""
    zone: str
    """IANA name."""
    instant: datetime

    @property
    def key(self) -> str:
        """What is unique with the newsletter: the same whoever computes it, and not "now"."""
        return f"{self.local}[{self.zone}]"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A story of an issue, with everything that decides who gets it and where it stands."""

    story: Story
    available: datetime
    """When readers could first have had it: the later of its date and when we first saw it."""
    matches: tuple[Match, ...]
    score: float
    """Its rank: the higher, the earlier."""
    rank: str
    """Why it stands there, in words: "pinned, weight 2, 3 days old"."""
    also: tuple[str, ...] = ()
    """Ids of the stories that tell the same news and were merged into this one, the next best first."""
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
    """Those the newsletter offers and their ancestors and descendants, in the newsletter's order."""
    candidates: tuple[Candidate, ...]
    """In order of rank, merged and too old ones included: `why` answers for them too."""
    template_hash: str
    """Of the template's files."""


Reason = Literal[
    "in", "topic not chosen", "excluded", "had before", "merged", "capped", "too large", "too old", "no topic",
]
"""What can become of a story for one subscriber."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A story, in or out of an edition, and why."""

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
    """Slugs of the subscriber's other topics it belongs to."""


@dataclass(frozen=True, slots=True)
class Section:
    """The stories under one of the subscriber's topics."""

    topic: str
    entries: tuple[Entry, ...]
    more: int = 0
    """How many stories of this topic were cut for length and can be read on the web."""


@dataclass(frozen=True, slots=True)
class Edition:
    """An issue as chosen for one set of interests and one past."""

    interests: Interests
    had: frozenset[str]
    """Ids of the issue's stories that its readers had before."""
    sections: tuple[Section, ...]
    quiet: bool = False
    """Fewer stories than the newsletter's least."""

    @property
    def stories(self) -> tuple[str, ...]:
        """The ids of its stories in reading order."""
        return tuple(entry.story for section in self.sections for entry in section.entries)

    @property
    def lead(self) -> str:
        """The id of the first story; empty in an empty edition."""
        return next(iter(self.stories), "")


class Past(NamedTuple):
    """What a subscriber got before, as far as it matters to one issue."""

    had: frozenset[str] = frozenset()
    """Ids of the issue's stories that an earlier mail brought, or that a quiet week passed over."""
    last: datetime | None = None
    """The slot of the last issue of this newsletter that was sent to them; None if none was lately."""


class Member(NamedTuple):
    """A member of an issue's audience. Members with equal interests and equal pasts share an edition."""

    subscriber_id: int
    interests: Interests
    past: Past


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of every member of an audience with the same interests and the same past."""

    edition: Edition
    skip: str = ""
    """Why nothing is sent, as a sentence; empty if it is."""
    passed: bool = False
    """For a skip: whether the edition's stories count as had, or are kept for the next issue."""
    size: int = 0
    """Bytes of HTML of the edition, slots not counted."""


class Recorded(NamedTuple):
    """A decision whose edition the store keeps."""

    edition: int
    """The store's number of it."""
    skip: str
    passed: bool
