"""A publication, as newsletter.toml describes it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Quiet = Literal["skip", "roll-over", "note"]
"""The treatment of an edition with fewer stories than the newsletter's `min_stories`:
`skip` sends nothing, `roll-over` sends nothing and keeps its stories for the next issue, `note` sends a short note."""


@dataclass(frozen=True, slots=True)
class Newsletter:
    """A publication."""

    name: str
    """Its key in newsletter.toml: lower-case letters, digits and hyphens."""
    title: str
    sender: str
    """The From header: an address, with a display name or without."""
    reply_to: str = ""
    """Empty means the sender's own address."""
    description: str = ""
    template: str = "weekly"
    sources: tuple[str, ...] = ()
    """Folders and files relative to the project, or URLs."""
    schedule: str = ""
    """In English ("every monday at 08:00") or as cron; empty means that nothing is sent by itself."""
    timezone: str = "UTC"
    language: str = "en"
    topics: tuple[str, ...] = ()
    """Slugs of the topics it offers, in the order in which a subscriber to all of them gets the sections; empty means
    all of topics.toml."""
    per_topic: int = 5
    """How many stories a section has at most."""
    max_stories: int = 20
    """How many stories an edition has at most."""
    max_age: timedelta = timedelta(days=14)
    """Stories that became available longer ago are too old. For subscribers who get mail less often, the length of
    their period is added."""
    min_stories: int = 1
    """An edition with fewer stories is a quiet one."""
    quiet: Quiet = "skip"
    repeats: bool = False
    """Whether it may bring a subscriber a story that another newsletter of the project has brought them."""
    everybody: bool = False
    """Whether subscribers whose row names no newsletters get it even if their row is older than the newsletter."""
