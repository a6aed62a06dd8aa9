"""Messages, the blocks that they are made of, and the record of their deliveries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from newsletter.model.subscriber import Subscriber

Place = Literal["html", "attribute", "url", "text"]
"""The context of a placeholder in a mail, which decides how its value is escaped."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A gap in a block, filled for each edition or subscriber by plain substitution, never by a template."""

    name: str
    place: Place
    column: int = 0
    """In plain text, how many columns of its line are taken before it."""


@dataclass(frozen=True, slots=True)
class Block:
    """A compiled part of an edition: quoted-printable bytes with CRLF line ends, and placeholders between them."""

    key: str
    """ "story:ID", "lead:ID", "topic:SLUG", "more", "quiet", "head", "foot"."""
    segments: tuple[bytes | Placeholder, ...]
    size: int
    """Bytes of the decoded text, placeholders not counted: the measure of Gmail's limit."""


@dataclass(frozen=True, slots=True)
class BlockSet:
    """Every block of an issue in one language, for both parts of a message."""

    language: str
    html: Mapping[str, Block]
    text: Mapping[str, Block]
    catalogues: tuple[str, ...] = ()
    """Sources of the gettext catalogues that translate the values of placeholders: frozen like the blocks."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Bytes of HTML of an issue's blocks in one language, placeholders not counted; they decide what is trimmed."""

    frame: int
    """Size of head and foot, which are in every edition."""
    topic: Mapping[str, int]
    """Size of each topic's heading, by slug."""
    story: Mapping[str, int]
    """Size of each story as one of many, by id."""
    lead: Mapping[str, int]
    """Size of each story as the lead, by id."""
    more: int
    """Size of the "N more" line of a section."""


@dataclass(frozen=True, slots=True)
class Message:
    """An edition with one subscriber's placeholders filled: an envelope, and bytes that go on the wire as they are."""

    sender: str
    """Envelope sender: an address alone."""
    recipient: str
    message_id: str
    parts: tuple[bytes, ...]
    """The message in order: CRLF line ends, no line longer than 998 octets, no line that starts with a dot.
    Bytes that messages have in common are the same objects here; `b"".join(parts)` is the whole message."""

    @property
    def wire(self) -> bytes:
        return b"".join(self.parts)


State = Literal["queued", "claimed", "sent", "refused", "in_doubt", "withdrawn"]
"""queued → claimed → sent | refused | queued again | in_doubt; withdrawn when the subscriber left meanwhile.
Always: frozen audience = queued + claimed + sent + refused + withdrawn + in_doubt."""


Outcome = Literal["sent", "refused", "deferred", "in_doubt"]
"""`deferred`: definitely not sent, worth trying again. `in_doubt`: the receiver may have accepted it; nobody knows."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A transport's report on one message."""

    outcome: Outcome
    code: int = 0
    """SMTP reply code; 0 where there was no reply."""
    enhanced: str = ""
    """RFC 3463 code ("5.1.1"); empty if the reply had none."""
    reply: str = ""
    """The server's own text, cleaned and cut; for the file transport the path of the file."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The settlement of one claimed delivery."""

    id: int
    """The delivery's id."""
    receipt: Receipt | None
    """None if nothing was attempted: the row goes back as it was."""
    again_at: datetime | None = None
    """When to try again. A deferred delivery without it is due at once. A delivery in doubt is sent again if it is set,
    and stays in doubt if not."""


Attempt = tuple[int, int]
"""One attempt at a delivery: the delivery's id, and how many attempts there were before."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of the outbox: the record of what became of an issue for a subscriber."""

    id: int
    issue_id: str
    subscriber: Subscriber
    edition: int
    """The edition's number in the store."""
    state: State = "queued"
    attempts: int = 0
    receipt: Receipt | None = None
    ever_in_doubt: bool = False

    @property
    def attempt(self) -> Attempt:
        """The attempt that is made while the delivery is claimed."""
        return self.id, self.attempts


Records = Mapping[Attempt, Receipt | None]
"""A sender's journal: by attempt the receipt, or None if the message was on the wire without an answer."""
