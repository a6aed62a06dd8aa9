"""Subscribers: each with an address, interests and subscriptions."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from newsletter.model.newsletter import Newsletter, Quiet

Frequency = Literal["every", "weekly", "fortnightly", "monthly", "never"]
"""How often a subscriber wants mail at most; `every` means every issue."""

Status = Literal["active", "paused", "pending", "unsubscribed", "bounced", "complained", "removed"]
"""Only `active` subscribers are sent anything. `removed`: no longer in the preference file."""


@dataclass(frozen=True, slots=True)
class Interests:
    """A subscriber's choice. Subscribers with equal interests and an equal past share an edition."""

    topics: tuple[str, ...] = ()
    """Slugs in the subscriber's own order; `*` is every topic the newsletter offers."""
    excluded: tuple[str, ...] = ()
    frequency: Frequency = "every"
    language: str = ""
    """BCP 47; empty means the newsletter's."""
    format: Literal["html", "text"] = "html"
    """`html` is HTML with a plain-text alternative, `text` plain text alone."""
    quiet: Quiet | Literal[""] = ""
    """Empty means the newsletter's own setting."""

    def to_json(self) -> str:
        """Canonical JSON: equal interests give equal text, and fields with their default value are left out."""
        given = {name: value for name, value in asdict(self).items() if value != _DEFAULTS[name]}
        return json.dumps(given, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Interests":
        given: dict[str, Any] = json.loads(text)
        given.update((name, tuple(given[name])) for name in ("topics", "excluded") if name in given)
        return cls(**given)


_DEFAULTS = asdict(Interests())


@dataclass(frozen=True, slots=True)
class Variation:
    """A subscriber's settings for one newsletter that differ from their general ones; None where they do not."""

    topics: tuple[str, ...] | None = None
    """Either both `topics` and `excluded` are given or neither is."""
    excluded: tuple[str, ...] | None = None
    frequency: Frequency | None = None
    status: Status | None = None


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person with an address."""

    email: str
    """As it goes on the wire: the local part as given, the domain in A-labels (RFC 5890)."""
    key: str
    """Local part folded, domain in A-labels: two rows with the same key are the same subscriber."""
    name: str = ""
    interests: Interests = Interests()
    """These hold for every newsletter, except where `variations` differs."""
    timezone: str = ""
    status: Status = "active"
    """It holds for every newsletter: a subscription gets mail only if the subscriber is active too."""
    note: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    """Columns of the preference file that the program does not know, kept as they are."""
    line: int = 0
    """The row's line in the preference file; 0 if it has none."""
    id: int = 0
    """The store's number; 0 while the store does not have the subscriber."""
    newsletters: tuple[str, ...] = ()
    """Names of the newsletters chosen, `*` for all; empty means those that existed when the row was first read."""
    declined: tuple[str, ...] = ()
    """Names of newsletters excluded with a leading hyphen; `*` means all of them."""
    variations: Mapping[str, Variation] = field(default_factory=dict)
    """Settings that differ for single newsletters, by the newsletter's name."""
    paused_until: datetime | None = None
    """Nothing is sent before this instant."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscriber's subscription to one newsletter."""

    newsletter: str
    status: Status
    interests: Interests
    since: datetime
    """When it began."""


def subscriptions(
    subscriber: Subscriber, newsletters: Iterable[tuple[Newsletter, datetime]], *, first_read: datetime,
) -> tuple[Subscription, ...]:
    """A subscriber's subscriptions. With each newsletter comes the instant at which it was first seen.

    A row that names no newsletter subscribes to those that existed when it was first read, and to later ones that are
    for `everybody`. A newsletter that the row names or declines is decided by that alone.
    """
    return tuple(
        _subscription(subscriber, newsletter.name, max(seen, first_read)) for newsletter, seen in newsletters
        if _wants(subscriber, newsletter, is_older=seen <= first_read)
    )


def _wants(subscriber: Subscriber, newsletter: Newsletter, *, is_older: bool) -> bool:
    if newsletter.name in subscriber.declined or "*" in subscriber.declined:
        return False
    if subscriber.newsletters:
        return newsletter.name in subscriber.newsletters or "*" in subscriber.newsletters
    return is_older or newsletter.everybody


def _subscription(subscriber: Subscriber, newsletter: str, since: datetime) -> Subscription:
    own = subscriber.variations.get(newsletter, Variation())
    interests = subscriber.interests
    if own.topics is not None:
        interests = replace(interests, topics=own.topics, excluded=own.excluded or ())
    if own.frequency is not None:
        interests = replace(interests, frequency=own.frequency)
    return Subscription(newsletter, own.status or "active", interests, since)


def status_at(instant: datetime, subscriber: Subscriber, own: Status = "active") -> Status:
    """The status of a subscriber at an instant; with a subscription's own status, that of the subscription.

    Only `active` is mailed. The store's `mailable` decides the same for its rows.
    """
    lasting = own if subscriber.status == "active" else subscriber.status
    is_paused = subscriber.paused_until is not None and instant < subscriber.paused_until
    return "paused" if lasting == "active" and is_paused else lasting


def spoken_in(language: str, among: Collection[str], default: str) -> str:
    """The language of mails to a subscriber who wants `language`: that one, else it without its region, else `default`.

    >>> spoken_in("fr-CA", ["en", "fr"], "en")
    'fr'
    """
    wanted = language.replace("_", "-")
    candidates = (wanted, wanted.partition("-")[0])
    by_name = {each.replace("_", "-").casefold(): each for each in among}
    return next((by_name[each.casefold()] for each in candidates if each.casefold() in by_name), default)
