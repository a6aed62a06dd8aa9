"""Sources of stories, what we remember of each, and what one reading of it gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from newsletter.model.story import Problem, Story


@dataclass(frozen=True, slots=True)
class Source:
    """A source and how to read it. Its password is no part of it."""

    address: str
    """A folder or file relative to the project, or an http(s) address without a login. The store and a newsletter's
    `sources` know the source by it."""
    name: str = ""
    """The name of its `[[source]]`, for people; empty if it has none."""
    kind: str = ""
    """The reader of its documents; empty means that each document shows by its content which reader it needs."""
    interval: timedelta = timedelta()
    """It is not asked again before so much time has passed, unless by hand."""
    username: str = ""
    """Who logs in (HTTP basic authentication); empty if the source asks for no login."""
    options: Mapping[str, str] = field(default_factory=dict)
    """What its reader is to know, by names that the reader defines."""

    @property
    def on_web(self) -> bool:
        return self.address.lower().startswith(("http://", "https://"))

    def is_due(self, last_fetch: datetime | None, now: datetime) -> bool:
        """Whether the source is to be asked by now. A last fetch in the future is a clock's mistake and counts for
        nothing."""
        return last_fetch is None or not now - self.interval < last_fetch <= now


@dataclass(frozen=True, slots=True)
class FeedState:
    """What a URL answered last time, kept so that the next request is a polite one (RFC 9110, section 13)."""

    url: str
    """Where to ask: the configured address, or where a 301 or 308 moved it for good."""
    etag: str = ""
    """Verbatim, with its quotes."""
    last_modified: str = ""
    """Verbatim."""
    not_before: datetime | None = None
    """Not to be asked again before (429 or 503 with Retry-After)."""
    paused: str = ""
    """Why it is not asked any more (410), empty while it is."""


@dataclass(frozen=True, slots=True)
class Harvest:
    """What one reading of a source gave."""

    stories: tuple[Story, ...] = ()
    problems: tuple[Problem, ...] = ()
    state: FeedState | None = None
    """The new state of a URL; None for files."""
    complete: bool = False
    """These are all the stories the source has: one that it had before and has no more was taken back."""
    unchanged: bool = False
    """The source says that nothing changed since the last time (304), or asked us not to come yet."""
