"""Sources of stories, the state that is kept of each, and the harvest of one reading."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from newsletter.model.story import Problem, Story


@dataclass(frozen=True, slots=True)
class Source:
    """A source and how to read it. Its password is kept elsewhere."""

    address: str
    """A folder or file relative to the project, or an http(s) address without a login. It identifies the source in the
    store and in a newsletter's `sources`."""
    name: str = ""
    """The name of its `[[source]]`, shown to people; empty if it has none."""
    kind: str = ""
    """The reader of its documents; empty means that the content of each document decides which reader it needs."""
    interval: timedelta = timedelta()
    """The time that has to pass before it is fetched again, except by hand."""
    username: str = ""
    """The user name for HTTP basic authentication; empty if the source asks for no login."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Further settings for its reader, by names that the reader defines."""

    @property
    def on_web(self) -> bool:
        return self.address.lower().startswith(("http://", "https://"))

    def is_due(self, last_fetch: datetime | None, now: datetime) -> bool:
        """Whether the source is to be fetched now. A last fetch in the future comes from a wrong clock and does not
        count."""
        return last_fetch is None or not now - self.interval < last_fetch <= now


@dataclass(frozen=True, slots=True)
class FeedState:
    """A URL's last answer, kept so that the next request can be conditional (RFC 9110, section 13)."""

    url: str
    """The address to fetch: the configured one, or the one to which a 301 or 308 moved it permanently."""
    etag: str = ""
    """Verbatim, with its quotes."""
    last_modified: str = ""
    """Verbatim."""
    not_before: datetime | None = None
    """The earliest time of the next request (429 or 503 with Retry-After)."""
    paused: str = ""
    """Why it is not fetched any more (410); empty while it is fetched."""


@dataclass(frozen=True, slots=True)
class Harvest:
    """The result of one reading of a source."""

    stories: tuple[Story, ...] = ()
    problems: tuple[Problem, ...] = ()
    state: FeedState | None = None
    """The new state of a URL; None for files."""
    complete: bool = False
    """Whether these are all the stories the source has: one that it had before and no longer has was withdrawn."""
    unchanged: bool = False
    """Whether the source reports that nothing has changed (304), or may not be asked yet."""
