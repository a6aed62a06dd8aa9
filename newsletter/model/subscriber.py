"""Who gives out a newsletter, and who gets it."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Literal

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

Frequency = Literal["every", "weekly", "fortnightly", "monthly", "never"]
"""How often a subscriber wants a mail at most; `every` is each issue."""

Status = Literal["active", "paused", "pending", "unsubscribed", "bounced", "complained", "removed"]
"""Only `active` subscribers are sent anything. `removed`: no longer in the preference file."""


@dataclass(frozen=True, slots=True)
class Interests:
    """What a subscriber chose. Subscribers with equal interests and an equal past share an edition."""

    topics: tuple[str, ...] = ()
    """Slugs in the subscriber's own order; `*` is every topic the newsletter offers."""
    excluded: tuple[str, ...] = ()
    frequency: Frequency = "every"
    language: str = ""
    """BCP 47; empty means the newsletter's."""
    format: Literal["html", "text"] = "html"
    """`html` is HTML with a plain-text alternative, `text` plain text alone."""
    quiet: Quiet | Literal[""] = ""
    """Empty means as the newsletter says."""

    def to_json(self) -> str:
        """Canonical: equal interests are equal text, and what is as usual is left out."""
        given = {name: value for name, value in asdict(self).items() if value != _AS_USUAL[name]}
        return json.dumps(given, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Interests":
        given: dict[str, Any] = json.loads(text)
        given.update((name, tuple(given[name])) for name in ("topics", "excluded") if name in given)
        return cls(**given)


_AS_USUAL = asdict(Interests())


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person with an address."""

    email: str
    """As it goes on the wire: the local part as given, the domain in A-labels (RFC 5890)."""
    key: str
    """Local part folded, domain in A-labels: two rows with the same key are the same person."""
    name: str = ""
    interests: Interests = Interests()
    timezone: str = ""
    status: Status = "active"
    note: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    """Columns that are not ours, kept as they are."""
    line: int = 0
    """Where the preference file has it."""
    id: int = 0
    """The store's; 0 while it has none."""


def spoken_in(language: str, among: Collection[str], default: str) -> str:
    """The language a reader of `language` is written to: that one, else it without its region, else `default`.

    >>> spoken_in("fr-CA", ["en", "fr"], "en")
    'fr'
    """
    wanted = language.replace("_", "-")
    candidates = (wanted, wanted.partition("-")[0])
    by_name = {each.replace("_", "-").casefold(): each for each in among}
    return next((by_name[each.casefold()] for each in candidates if each.casefold() in by_name), default)
