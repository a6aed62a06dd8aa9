"""What is sent, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from newsletter.model.subscriber import Subscriber

Place = Literal["html", "attribute", "url", "text"]
"""Where a placeholder stands, which decides how its value is escaped."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A gap in a block: filled for each edition or subscriber by plain substitution, never by a template."""

    name: str
    place: Place
    column: int = 0
    """In plain text, how much of its line is taken before it."""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of an edition already compiled: quoted-printable bytes with CRLF, and gaps between them."""

    key: str
    """ "story:ID", "lead:ID", "topic:SLUG", "more", "quiet", "head", "foot"."""
    segments: tuple[bytes | Placeholder, ...]
    size: int
    """Bytes of the decoded text, placeholders not counted: what Gmail's limit counts."""


@dataclass(frozen=True, slots=True)
class BlockSet:
    """Every block of an issue in one language, for both parts of a message."""

    language: str
    html: Mapping[str, Block]
    text: Mapping[str, Block]
    catalogues: tuple[str, ...] = ()
    """Sources of the gettext catalogues that the values of placeholders are written with: frozen as the blocks are."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Bytes of HTML of an issue's blocks in one language, placeholders not counted; decides what is trimmed."""

    frame: int
    """Head and foot: in every edition."""
    topic: Mapping[str, int]
    """Each topic's heading, by slug."""
    story: Mapping[str, int]
    """Each story as one of many, by id."""
    lead: Mapping[str, int]
    """Each story as the lead, by id."""
    more: int
    """The "N more" line of a section."""


@dataclass(frozen=True, slots=True)
class Message:
    """An edition with one subscriber's placeholders filled: an envelope, and bytes that go on the wire as they are."""

    sender: str
    """Envelope sender: an address alone."""
    recipient: str
    message_id: str
    parts: tuple[bytes, ...]
    """The message in order: CRLF line ends, no line longer than 998 octets, no line that starts with a dot.
    Pieces shared between messages are shared here too; `b"".join(parts)` is the whole."""

    @property
    def wire(self) -> bytes:
        return b"".join(self.parts)


State = Literal["queued", "claimed", "sent", "refused", "in_doubt", "withdrawn"]
"""queued → claimed → sent | refused | queued again | in_doubt; withdrawn when the subscriber left meanwhile.
Always: frozen audience = queued + claimed + sent + refused + withdrawn + in_doubt."""


Outcome = Literal["sent", "refused", "deferred", "in_doubt"]
"""`deferred`: definitely not sent, worth trying again. `in_doubt`: it may have been taken, nobody can tell."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a transport says became of one message."""

    outcome: Outcome
    code: int = 0
    """SMTP reply code; 0 where there was no reply."""
    enhanced: str = ""
    """RFC 3463 code ("5.1.1"); empty if the reply had none."""
    reply: str = ""
    """The server's own words, cleaned and cut; for the file transport the path of the file."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one claimed delivery."""

    id: int
    """The delivery's."""
    receipt: Receipt | None
    """None: the row goes back as it was, since nobody could be reached."""
    again_at: datetime | None = None
    """When to try again. A deferred one without it is due at once; one in doubt with it is sent again, without it stays
    in doubt."""


Attempt = tuple[int, int]
"""One attempt at a delivery: the delivery's id, and how many attempts there were before."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of the outbox: what became of (issue, subscriber)."""

    id: int
    issue_id: str
    subscriber: Subscriber
    edition: int
    """The store's number of the edition."""
    state: State = "queued"
    attempts: int = 0
    receipt: Receipt | None = None
    ever_in_doubt: bool = False

    @property
    def attempt(self) -> Attempt:
        """The attempt that is made while the delivery is claimed."""
        return self.id, self.attempts


Records = Mapping[Attempt, Receipt | None]
"""What a sender's journal records: by attempt the receipt, or None if the message was on the wire without an answer."""
