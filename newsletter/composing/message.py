"""Messages: an edition's blocks joined, one subscriber's placeholders filled, and the headers of a bulk mail added.

1. A `Composer` computes once for an issue what every message has: sender, date, list headers, boundary.
2. For each edition it computes once what the subscribers share: its *plan*, which has the header fields and the body's
   bytes with only the subscriber's placeholders open. Plans share the bytes of their blocks, and only the latest ones
   are kept.
3. For each subscriber it fills these placeholders and writes the fields To, Message-ID and List-Unsubscribe.

Structure: RFC 5322 and 2046; list fields: RFC 2369, 2919 and 8058. How a field is written: `headers`.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote as percent_encoded

from newsletter.composing.headers import (
    check_address,
    check_uri,
    clean,
    list_id_field,
    mailbox,
    phrase_field,
    text_field,
)
from newsletter.links import Links
from newsletter.model import Block, BlockSet, Edition, Manifest, Message, Newsletter, Placeholder, Subscriber, spoken_in
from newsletter.render.layout import Placed, layout
from newsletter.render.placeholders import PLACEHOLDERS, fill
from newsletter.render.wire import SOFT
from newsletter.render.words import Words

_PLANS = 256
"""How many editions' plans are kept: deliveries come edition by edition, so few are in use at a time."""
_SMALL = 512
"""Neighbouring pieces are joined up to this many bytes; larger ones stay shared with other editions."""

_Pieces = list[bytes | Placeholder]


@dataclass(frozen=True, slots=True)
class _Plan:
    """The part of a message that all subscribers of an edition share."""

    edition: Edition
    words: Words
    head: bytes
    """Header fields, each with its CRLF, and the empty line after the last."""
    body: Block
    """Everything after the empty line, with only the subscriber's placeholders open."""


def id_domain(newsletter: Newsletter) -> str:
    """The part after the @ of the newsletter's Message-IDs. Raises DataError if its sender is not an address."""
    return mailbox(newsletter.sender, "From")[1].rpartition("@")[2]


class Composer:
    """Makes the messages of one issue."""

    def __init__(
        self, manifest: Manifest, blocks: Mapping[str, BlockSet], links: Links, *, date: datetime, boundary: str,
    ) -> None:
        """`blocks` are by language, the newsletter's own among them. `date` is the Date of every message. `boundary`
        separates text and HTML; it consists of hexadecimal digits. Both belong to the issue, so every attempt sends the
        same bytes.

        Raises DataError if the newsletter's sender, title or links cannot be put into a header.
        """
        newsletter = manifest.newsletter
        self._manifest, self._blocks, self._links = manifest, blocks, links
        self._words = {language: Words(language, each.catalogues) for language, each in blocks.items()}
        name, self._sender = mailbox(newsletter.sender, "From")
        self._from = phrase_field("From", name, self._sender)
        self._domain = id_domain(newsletter)
        _, replies = mailbox(newsletter.reply_to or newsletter.sender, "Reply-To")
        self._mailto = f"<mailto:{percent_encoded(replies, safe='@+')}?subject=unsubscribe%20{newsletter.name}%20"
        self._boundary = f"=_{boundary}"  # "=_" cannot be in quoted-printable text
        self._fields = self._issue_fields(date)
        self._plans: OrderedDict[int, _Plan] = OrderedDict()

    def compose(self, subscriber: Subscriber, edition: Edition) -> Message:
        """The message of an edition to one of its subscribers: the same bytes at every attempt.

        Raises DataError if the subscriber's address or name cannot be put into a header.
        """
        check_address(subscriber.email)
        name = clean(subscriber.name, "the name")
        plan = self._plan(edition)
        newsletter, links = self._manifest.newsletter.name, self._links
        local = links.message_id_local(self._manifest.issue_id, subscriber)
        message_id = f"<{local}@{self._domain}>"
        unsubscribe = links.unsubscribe(newsletter, subscriber)
        token = unsubscribe.rpartition("/")[2]
        fields = (
            f"{self._from}{phrase_field('To', name, subscriber.email)}Message-ID: {message_id}\r\n"
            f"X-Delivery-ID: {local}\r\n"  # the same again: some relays replace the Message-ID by their own
            f"List-Unsubscribe: <{unsubscribe}>,\r\n {self._mailto}{token}>\r\n"
        )
        values = {
            "greeting": plan.words.greeting(name),
            "unsubscribe_url": unsubscribe,
            "preferences_url": links.preferences(newsletter, subscriber),
        }
        parts = (fields.encode(), plan.head, *fill(plan.body, values))
        return Message(self._sender, subscriber.email, message_id, parts)

    # --- The plan of an edition ---

    def _plan(self, edition: Edition) -> _Plan:
        """The edition's plan. Editions are looked up by identity, as comparing them costs more than composing. A plan
        keeps its edition alive, so identities stay unique."""
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
        subject = text_field("Subject", clean(placed[0].values["subject"], "the subject"))
        shared = f"{subject}{self._fields}Content-Language: {blocks.language}\r\n"
        text = _settled(blocks.text, placed)
        if edition.interests.format == "text":
            kind, pieces = _PLAIN, text
        else:
            kind, pieces = self._alternatives(text, _settled(blocks.html, placed))
        return _Plan(edition, words, f"{shared}{kind}\r\n".encode(), Block("edition", tuple(_joined(pieces)), 0))

    def _alternatives(self, text: _Pieces, html: _Pieces) -> tuple[str, _Pieces]:
        """The Content-Type field for both parts, and the body with both of them (RFC 2046, section 5.1.4)."""
        boundary = self._boundary
        return f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n', [
            f"--{boundary}\r\n{_PLAIN}\r\n".encode(), *text,
            f"\r\n--{boundary}\r\n{_HTML}\r\n".encode(), *html,
            f"\r\n--{boundary}--\r\n".encode(),
        ]

    def _issue_fields(self, date: datetime) -> str:
        """The fields that every message of the issue has."""
        newsletter, issue_id = self._manifest.newsletter, self._manifest.issue_id
        title = clean(newsletter.title, "the newsletter's title")
        list_id = list_id_field(title, f"{newsletter.name}.{self._domain}")
        reply_to = ""
        if newsletter.reply_to:
            reply_to = phrase_field("Reply-To", *mailbox(newsletter.reply_to, "Reply-To"))
        sender_id = hashlib.sha256(self._domain.encode()).hexdigest()[:10]
        web = self._links.web(issue_id)
        check_uri(web)
        check_uri(self._links.unsubscribe(newsletter.name, Subscriber("", "")))
        return (
            f"{reply_to}Date: {format_datetime(date.astimezone(UTC))}\r\nMIME-Version: 1.0\r\n{list_id}"
            f"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nArchived-At: <{web}>\r\n"
            f"Feedback-ID: {issue_id}:{newsletter.name}:{newsletter.language}:{sender_id}\r\nPrecedence: bulk\r\n"
        )


_PLAIN = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
_HTML = _PLAIN.replace("plain", "html")


def _settled(blocks: Mapping[str, Block], placed: Iterable[Placed]) -> _Pieces:
    """The blocks in order, the edition's placeholders filled and the subscriber's open; they end with a line end."""
    pieces: _Pieces = []
    for each in placed:
        for piece in blocks[each.key].segments:
            if isinstance(piece, Placeholder) and PLACEHOLDERS[piece.name].scope == "edition":
                pieces += fill(Block(each.key, (piece,), 0), each.values)
            else:
                pieces.append(piece)
    last = pieces[-1]
    # A part must not end in a soft line break (RFC 2045, section 6.7): it becomes a line end, or one is added.
    if isinstance(last, bytes):
        pieces[-1] = last.removesuffix(SOFT) + b"\r\n" if last.endswith(SOFT) else last
    else:
        pieces.append(b"\r\n")
    return pieces


def _joined(pieces: _Pieces) -> _Pieces:
    """The pieces, with small neighbours joined."""
    joined: _Pieces = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if isinstance(last, bytes) and isinstance(piece, bytes) and len(last) + len(piece) <= _SMALL:
            joined[-1] = last + piece
        else:
            joined.append(piece)
    return joined
