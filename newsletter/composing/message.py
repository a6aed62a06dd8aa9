"""Messages: the blocks of an edition joined, one subscriber's slots filled, and the headers of a bulk mail around them.

1. A `Composer` works out once for an issue what every message has: sender, date, list headers, boundary.
2. For each edition it settles once what its readers share (subject, slots of the edition): its *plan*, a row of bytes
   with only the subscriber's slots open. Plans share the bytes of their blocks, and only the latest ones are kept.
3. For each subscriber it closes these slots and writes three header fields: To, Message-ID and List-Unsubscribe.

Nothing of a person gets into a header unchecked: a line break or a NUL is refused, everything beyond plain ASCII is
encoded. Structure: RFC 5322 and 2046; encoded words: RFC 2047; list fields: RFC 2369, 2919 and 8058.
"""

import binascii
import hashlib
import re
import textwrap
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime
from urllib.parse import quote as percent_encoded

from newsletter import address
from newsletter.errors import DataError
from newsletter.links import Links
from newsletter.model import Block, BlockSet, Edition, Manifest, Message, Newsletter, OpenSlot, Subscriber, spoken_in
from newsletter.render.layout import Placed, layout
from newsletter.render.slots import SLOTS, fill
from newsletter.render.wire import SOFT
from newsletter.render.words import Words
from newsletter.text import BIDI, BREAKS, CONTROLS_WITHOUT_WIDTH, SURROGATES

_PLANS = 256
"""So many editions' plans are kept: deliveries come edition by edition, so few are in use at a time."""
_SMALL = 512
"""Bytes up to which neighbouring pieces become one; larger ones stay shared with other editions."""


@dataclass(frozen=True, slots=True)
class _Plan:
    edition: Edition
    words: Words
    body: Block
    """From the header fields shared by its readers to the last byte; open are only the subscriber's slots."""


def id_domain(newsletter: Newsletter) -> str:
    """What stands after the @ of its Message-IDs. Raises DataError if its sender is no address."""
    return _mailbox(newsletter.sender, "From")[1].rpartition("@")[2]


class Composer:
    """Makes the messages of one issue."""

    def __init__(
        self, manifest: Manifest, blocks: Mapping[str, BlockSet], links: Links, *, date: datetime,
    ) -> None:
        """`blocks` are by language, the newsletter's own among them. `date` is what Date says in every message.

        Raises DataError if the newsletter's sender, title or links cannot be put into a header.
        """
        newsletter = manifest.newsletter
        self._manifest, self._blocks, self._links = manifest, blocks, links
        self._words = {language: Words(language, each.catalogues) for language, each in blocks.items()}
        name, self._sender = _mailbox(newsletter.sender, "From")
        self._from = _phrase_field("From", name, self._sender)
        self._domain = id_domain(newsletter)
        _, replies = _mailbox(newsletter.reply_to or newsletter.sender, "Reply-To")
        self._mailto = f"<mailto:{percent_encoded(replies, safe='@+')}?subject=unsubscribe%20{newsletter.name}%20"
        self._boundary = f"=_{manifest.hash}"  # "=_" cannot be in quoted-printable text
        self._fields = self._issue_fields(date)
        self._plans: OrderedDict[int, _Plan] = OrderedDict()

    def compose(self, subscriber: Subscriber, edition: Edition) -> Message:
        """The message of an edition to one of its readers: the same bytes at every attempt.

        Raises DataError if the subscriber's address or name cannot be put into a header.
        """
        if not address.can_be_sent(subscriber.email):
            raise DataError(f"{subscriber.email!r} cannot be put into a header", cure="Correct the address.")
        name = clean(subscriber.name, "the name")
        plan = self._plan(edition)
        newsletter, links = self._manifest.newsletter.name, self._links
        local = links.message_id_local(self._manifest.issue, subscriber.id)
        message_id = f"<{local}@{self._domain}>"
        unsubscribe = links.unsubscribe(newsletter, subscriber.id)
        token = unsubscribe.rpartition("/")[2]
        fields = (
            f"{self._from}{_phrase_field('To', name, subscriber.email)}Message-ID: {message_id}\r\n"
            f"X-Delivery-ID: {local}\r\n"  # the same once more: some relays write a Message-ID of their own
            f"List-Unsubscribe: <{unsubscribe}>,\r\n {self._mailto}{token}>\r\n"
        )
        values = {
            "greeting": plan.words.greeting(name),
            "unsubscribe_url": unsubscribe,
            "preferences_url": links.preferences(newsletter, subscriber.id),
        }
        return Message(self._sender, subscriber.email, message_id, (fields.encode(), *fill(plan.body, values)))

    # --- What the readers of an edition share ---

    def _plan(self, edition: Edition) -> _Plan:
        """By identity: comparing editions costs more than composing. A plan holds its edition, so ids stay unique."""
        key = id(edition)
        if plan := self._plans.get(key):
            self._plans.move_to_end(key)
            return plan
        plan = self._plans[key] = self._make_plan(edition)
        if len(self._plans) > _PLANS:
            self._plans.popitem(last=False)
        return plan

    def _make_plan(self, edition: Edition) -> _Plan:
        own = self._manifest.newsletter.language
        blocks = self._blocks[spoken_in(edition.interests.language, self._blocks, own)]
        words = self._words[blocks.language]
        placed = layout(edition, self._manifest, words)
        subject = _text_field("Subject", clean(placed[0].slots["subject"], "the subject"))
        shared = f"{subject}{self._fields}Content-Language: {blocks.language}\r\n"
        text = _settled(blocks.text, placed)
        if edition.interests.format == "text":
            pieces = [f"{shared}{_PLAIN}\r\n".encode(), *text]
        else:
            pieces = [
                f'{shared}Content-Type: multipart/alternative;\r\n boundary="{self._boundary}"\r\n\r\n'
                f"--{self._boundary}\r\n{_PLAIN}\r\n".encode(),
                *text,
                f"\r\n--{self._boundary}\r\n{_HTML}\r\n".encode(),
                *_settled(blocks.html, placed),
                f"\r\n--{self._boundary}--\r\n".encode(),
            ]
        return _Plan(edition, words, Block("edition", tuple(_joined(pieces)), 0))

    def _issue_fields(self, date: datetime) -> str:
        """The fields that every message of the issue has."""
        newsletter, issue = self._manifest.newsletter, self._manifest.issue
        title = clean(newsletter.title, "the newsletter's title")
        list_id = _phrase_field("List-ID", title, f"{newsletter.name}.{self._domain}")
        if len(list_id) > _LONGEST_LIST_ID:
            list_id = _phrase_field("List-ID", "", f"{newsletter.name}.{self._domain}")
        reply_to = ""
        if newsletter.reply_to:
            reply_to = _phrase_field("Reply-To", *_mailbox(newsletter.reply_to, "Reply-To"))
        sender_id = hashlib.sha256(self._domain.encode()).hexdigest()[:10]
        web = self._links.web(issue)
        if not _URI.fullmatch(web) or not _URI.fullmatch(self._links.unsubscribe(newsletter.name, 0)):
            raise DataError(f"{web!r} cannot be put into a header", cure="Correct base_url in newsletter.toml.")
        return (
            f"{reply_to}Date: {format_datetime(date.astimezone(UTC))}\r\nMIME-Version: 1.0\r\n{list_id}"
            f"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nArchived-At: <{web}>\r\n"
            f"Feedback-ID: {issue}:{newsletter.name}:{newsletter.language}:{sender_id}\r\nPrecedence: bulk\r\n"
        )


_PLAIN = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
_HTML = _PLAIN.replace("plain", "html")


def _settled(blocks: Mapping[str, Block], placed: Iterable[Placed]) -> list[bytes | OpenSlot]:
    """The blocks in order with the edition's slots filled and the subscriber's left open; ends with a line's end."""
    pieces: list[bytes | OpenSlot] = []
    for each in placed:
        for piece in blocks[each.key].segments:
            if isinstance(piece, OpenSlot) and SLOTS[piece.name].scope == "edition":
                pieces += fill(Block(each.key, (piece,), 0), each.slots)
            else:
                pieces.append(piece)
    last = pieces[-1]
    # A soft break must not be the last of a part (RFC 2045, section 6.7): it becomes a line end, or gets one.
    if isinstance(last, bytes):
        pieces[-1] = last.removesuffix(SOFT) + b"\r\n" if last.endswith(SOFT) else last
    else:
        pieces.append(b"\r\n")
    return pieces


def _joined(pieces: Iterable[bytes | OpenSlot]) -> list[bytes | OpenSlot]:
    """The pieces with small neighbours made one."""
    joined: list[bytes | OpenSlot] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if isinstance(last, bytes) and isinstance(piece, bytes) and len(last) + len(piece) <= _SMALL:
            joined[-1] = last + piece
        else:
            joined.append(piece)
    return joined


# --- Header fields ---

_LINE = 76
"""Characters of a header line where it can be folded: 76 with encoded words (RFC 2047, section 2), else 78."""
_LONGEST_LIST_ID = 255
"""RFC 2919, section 3."""

_URI = re.compile(r"https?://[!-;=?-~]+")
_REFUSED = re.compile("[\r\n\0]")
_HIDDEN = re.compile(f"[{CONTROLS_WITHOUT_WIDTH}{BIDI}{SURROGATES}]")
_SPACE = re.compile(f"[ \t\x1f{BREAKS}]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_SHOWN = re.compile(r"[ -~]*")


def _mailbox(written: str, what: str) -> tuple[str, str]:
    """The display name and the address in `Desk <desk@example.org>` or `desk@example.org`."""
    name, found = address.mailbox(clean(written, what))
    return clean(name, what), found.email


def clean(text: str, what: str) -> str:
    """The text on one line, without control characters and those that turn the direction of what stands around it.

    Raises DataError, which says `what`, for a line break or a NUL: it may be an attempt at a header of one's own.
    """
    if text.isalnum():
        return text
    if _REFUSED.search(text):
        raise DataError(f"{what} has a line break or a NUL in it: {text[:80]!r}", cure="Write it on one line.")
    return _SPACE.sub(" ", _HIDDEN.sub("", text)).strip(" ")


def _phrase_field(field: str, phrase: str, spec: str) -> str:
    """A field of the form `phrase <spec>`, with CRLF: a mailbox (RFC 5322, section 3.4) or a list id."""
    encoded = _phrase(phrase, _LINE - len(field) - 2) or _encoded(field, phrase)
    fold = "\r\n" if len(field) + len(encoded) + len(spec) + 5 > _LINE or "\r\n" in encoded else ""
    return f"{field}: {encoded}{fold} <{spec}>\r\n" if phrase else f"{field}: <{spec}>\r\n"


def _phrase(phrase: str, room: int) -> str:
    """As atoms or a quoted string, whichever is allowed; empty if neither is, or if it would need folding."""
    if "=?" in phrase or not _SHOWN.fullmatch(phrase):
        return ""
    written = phrase if _ATOMS.fullmatch(phrase) else '"' + re.sub(r'(["\\])', r"\\\1", phrase) + '"'
    return written if len(written) <= room else ""


def _text_field(field: str, text: str) -> str:
    """A field of unstructured text, with CRLF (RFC 5322, section 3.6.5)."""
    if "=?" not in text and _SHOWN.fullmatch(text):
        lines = textwrap.wrap(
            text, _LINE, initial_indent=f"{field}: ", subsequent_indent=" ", break_long_words=False,
            break_on_hyphens=False,
        )
        if max(map(len, lines), default=0) <= _LINE:
            return "\r\n".join(lines or [f"{field}: "]) + "\r\n"
    return f"{field}: {_encoded(field, text)}\r\n"


def _encoded(field: str, text: str) -> str:
    """As encoded words, each line of at most 76 characters (RFC 2047, section 2)."""
    data = text.encode()
    if len(data) <= 36:  # one word, as for nearly every name: email.header would take 20 times as long
        return f"=?utf-8?b?{binascii.b2a_base64(data, newline=False).decode()}?="
    return Header(text, "utf-8", maxlinelen=_LINE, header_name=field).encode(linesep="\r\n")
