"""Conversions between the model's values and the rows that store them: a value read back equals the value stored."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from pydantic import TypeAdapter

from newsletter.model import (
    Block,
    BlockSet,
    Edition,
    Interests,
    Manifest,
    Picture,
    Placeholder,
    Receipt,
    Story,
    Subscriber,
    Variation,
)
from newsletter.store import tables

STORY_COLUMNS = tuple(tables.story.c[name] for name in (
    "id", "title", "date", "source", "dated", "link", "body", "text", "summary", "tags", "language", "weight", "pinned",
    "picture_url", "picture_alt"))
SUBSCRIBER_COLUMNS = tuple(tables.subscriber.c[name] for name in (
    "email", "key", "name", "interests", "timezone", "status", "note", "extra", "line", "id", "newsletters",
    "paused_until"))
RECEIPT_COLUMNS = tuple(tables.delivery.c[name] for name in ("outcome", "code", "enhanced", "reply"))

# A million subscribers share few sets of interests.
interests_text = lru_cache(maxsize=20_000)(Interests.to_json)
interests_of = lru_cache(maxsize=20_000)(Interests.from_json)


def story_row(story: Story) -> dict[str, Any]:
    """The values of the story's own columns, its version among them."""
    picture = story.picture
    return {
        "id": story.id, "version": story.version, "source": story.source, "title": story.title, "date": story.date,
        "dated": story.dated, "link": story.link, "body": story.body, "text": story.text, "summary": story.summary,
        "tags": list(story.tags), "language": story.language, "weight": story.weight, "pinned": story.pinned,
        "picture_url": picture.url if picture else None, "picture_alt": picture.alt if picture else "",
    }


def story_of(row: Sequence[Any]) -> Story:
    """The story of a row of STORY_COLUMNS."""
    identity, title, date, source, dated, link, body, text, summary, tags, language, weight, pinned, url, alt = row
    return Story(identity, title, date, source, dated, link, body, text, summary, tuple(tags), language,
                 None if url is None else Picture(url, alt), weight, pinned)


def subscriber_row(subscriber: Subscriber) -> dict[str, Any]:
    """The columns that come from the preference file; not `id`, which is the store's."""
    return {
        "email": subscriber.email, "key": subscriber.key, "name": subscriber.name,
        "interests": interests_text(subscriber.interests), "timezone": subscriber.timezone, "status": subscriber.status,
        "note": subscriber.note, "extra": _json(dict(subscriber.extra)) if subscriber.extra else "{}",
        "line": subscriber.line, "newsletters": newsletters_text(subscriber), "paused_until": subscriber.paused_until,
    }


def newsletters_text(subscriber: Subscriber) -> str:
    """Canonical JSON of the newsletters that the row names, and of the settings that differ for each."""
    variations = {name: {key: value for key, value in asdict(each).items() if value is not None}
                  for name, each in subscriber.variations.items()}
    given = {"chosen": subscriber.newsletters, "declined": subscriber.declined, "variations": variations}
    if not any(given.values()):
        return "{}"
    return json.dumps({name: value for name, value in given.items() if value}, ensure_ascii=False, sort_keys=True,
                      separators=(",", ":"))


def subscriber_of(row: Sequence[Any]) -> Subscriber:
    """The subscriber of a row of SUBSCRIBER_COLUMNS."""
    email, key, name, interests, timezone, status, note, extra, line, number, newsletters, paused = row
    extra = {} if extra == "{}" else json.loads(extra)
    if newsletters == "{}" and paused is None:
        return Subscriber(email, key, name, interests_of(interests), timezone, status, note, extra, line, number)
    chosen, declined, variations = newsletters_of(newsletters)
    until = paused if paused is None or isinstance(paused, datetime) else tables.EPOCH + timedelta(microseconds=paused)
    return Subscriber(email, key, name, interests_of(interests), timezone, status, note, extra, line, number, chosen,
                      declined, variations, until)


@lru_cache(maxsize=4096)
def newsletters_of(text: str) -> tuple[tuple[str, ...], tuple[str, ...], Mapping[str, Variation]]:
    """The reverse of `newsletters_text`: newsletters chosen, newsletters declined, and variations by newsletter."""
    given: dict[str, Any] = json.loads(text)
    variations = {name: _variation(each) for name, each in given.get("variations", {}).items()}
    return tuple(given.get("chosen", ())), tuple(given.get("declined", ())), variations


def _variation(given: Mapping[str, Any]) -> Variation:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
    return Variation(**values)


def manifest_text(manifest: Manifest) -> str:
    return _adapter(Manifest).dump_json(manifest).decode()


def text_hash(text: str) -> str:
    """The hash of a stored text: the first 20 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def manifest_of(text: str) -> Manifest:
    """The reverse of `manifest_text`. Fields that an older version stored under other names are read as well."""
    given = json.loads(text)
    values = {_RENAMED.get(name, name): value for name, value in given.items()}
    manifest: Manifest = _adapter(Manifest).validate_json(json.dumps(values))
    return manifest


_RENAMED = {"issue": "issue_id", "template": "template_hash"}


def edition_text(edition: Edition) -> str:
    return _adapter(Edition).dump_json(edition).decode()


def edition_of(text: str) -> Edition:
    edition: Edition = _adapter(Edition).validate_json(text)
    return edition


def blocks_text(blocks: BlockSet) -> str:
    """JSON in which bytes are Latin-1 text, one character for each byte: exact for any bytes, readable for ASCII."""
    parts = {part: {name: [block.key, [_segment_plain(segment) for segment in block.segments], block.size]
                    for name, block in sorted(getattr(blocks, part).items())} for part in ("html", "text")}
    return _json({"parts": parts, "catalogues": blocks.catalogues})


def blocks_of(language: str, text: str) -> BlockSet:
    kept = json.loads(text)
    parts = {part: {name: Block(key, tuple(map(_segment_of, segments)), size)
                    for name, (key, segments, size) in blocks.items()} for part, blocks in kept["parts"].items()}
    return BlockSet(language, parts["html"], parts["text"], tuple(kept["catalogues"]))


def receipt_of(row: Sequence[Any]) -> Receipt | None:
    """The receipt of a row of RECEIPT_COLUMNS; None if there is none yet."""
    outcome, code, enhanced, reply = row
    return None if outcome is None else Receipt(outcome, code, enhanced, reply)


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)  # made when first needed: building one takes longer than opening the store


def _segment_plain(segment: bytes | Placeholder) -> str | list[str | int]:
    return segment.decode("latin-1") if isinstance(segment, bytes) else [segment.name, segment.place, segment.column]


def _segment_of(plain: Any) -> bytes | Placeholder:
    return plain.encode("latin-1") if isinstance(plain, str) else Placeholder(*plain)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
