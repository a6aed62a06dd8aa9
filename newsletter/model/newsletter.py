"""A publication: what newsletter.toml says about it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Quiet = Literal["skip", "roll-over", "note"]
"""What becomes of an edition with fewer stories than the newsletter's least:
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
    """Words or cron; empty means that nothing goes out by itself."""
    timezone: str = "UTC"
    language: str = "en"
    topics: tuple[str, ...] = ()
    """The topics it offers, in the order of sections for who takes all; empty means all of topics.toml."""
    per_topic: int = 5
    """At most so many stories a section."""
    max_stories: int = 20
    """At most so many stories an edition."""
    max_age: timedelta = timedelta(days=14)
    """Stories that became available earlier are too old; readers of a longer frequency get that much more."""
    min_stories: int = 1
    """An edition with fewer is a quiet one."""
    quiet: Quiet = "skip"
    repeats: bool = False
    """Whether it may bring a story that another newsletter of the project brought its subscriber before."""
    everybody: bool = False
    """Whether subscribers whose row names no newsletters get it although their row is older than the newsletter."""
