"""topics.toml, read into `Topics`."""

import re
import unicodedata
from collections.abc import Iterable, Mapping

from newsletter import toml
from newsletter.choosing import keywords
from newsletter.choosing.topics import Topics, names, normal
from newsletter.errors import DataError
from newsletter.model import Topic
from newsletter.text import line, meant, nearest, quoted

_KEYS = ("label", "description", "aliases", "keywords", "parent", "exclude")
_KEYS_CURE = f"Use {', '.join(_KEYS)}; a topic under another has it as parent."
_TABLES_CURE = "Write [topic.NAME] for each topic."
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def parse(text: str, *, place: str) -> Topics:
    """Reads the text of a topics.toml; `place` is its name for messages.

    Raises `DataError` with file and line for invalid TOML, unknown keys, bad slugs, parents that do not exist or go
    round in a circle, and words claimed by two topics.
    """
    document = toml.parse(text, place)
    topics = tuple(_topic(slug, table, document) for slug, table in _tables(document).items())
    _check_parents(topics, document)
    _check_words(topics, document)
    return Topics(topics)


def _tables(document: toml.Document) -> Mapping[str, object]:
    for key in document.values:
        if key != "topic":
            raise DataError(f"unknown key {quoted(key)}", place=document.at(key), cure=_TABLES_CURE)
    tables = document.values.get("topic", {})
    if not isinstance(tables, dict):
        raise DataError("“topic” is not a table", place=document.at("topic"), cure=_TABLES_CURE)
    return tables


def _topic(slug: str, table: object, document: toml.Document) -> Topic:
    where = document.at("topic", slug)
    if not _SLUG.fullmatch(slug) or len(slug) > 64:
        better = "-".join(re.findall(r"[a-z0-9]+", _ascii(slug)))[:64].strip("-") or "my-topic"
        raise DataError(f"{quoted(slug)} cannot name a topic: lower-case letters a to z, digits and single hyphens can",
                        place=where, cure=f"Write [topic.{better}] and give the readable name as its label.")
    if not isinstance(table, dict):
        raise DataError(f"{quoted(slug)} is not a table", place=where, cure=f"Write [topic.{slug}].")
    for key in table:
        if key not in _KEYS:
            raise DataError(f"unknown key {quoted(key)} in the topic {quoted(slug)}",
                            place=document.at("topic", slug, key), cure=meant(nearest(key, _KEYS)) or _KEYS_CURE)

    def text(key: str) -> str:
        return _text(table.get(key, ""), key, document.at("topic", slug, key))

    def texts(key: str) -> tuple[str, ...]:
        return _texts(table.get(key, []), key, document.at("topic", slug, key))

    return Topic(slug, text("label") or slug.replace("-", " ").capitalize(), text("description"), text("parent"),
                 texts("aliases"), texts("keywords"), texts("exclude"))


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()


def _text(value: object, key: str, place: str) -> str:
    if not isinstance(value, str):
        raise DataError(f"{quoted(key)} is not a text", place=place, cure=f'Write {key} = "…".')
    return line(value)


def _texts(value: object, key: str, place: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise DataError(f"{quoted(key)} is no list", place=place, cure=f'Write {key} = ["…", "…"].')
    texts = tuple(_text(item, key, place) for item in value)
    for text in texts:
        if not (keywords.known_word(text) if key != "aliases" else normal(text)):
            raise DataError(f"{quoted(text)} in {quoted(key)} has no word in it", place=place, cure="Take it out.")
    return texts


def _check_parents(topics: Iterable[Topic], document: toml.Document) -> None:
    parents = {topic.slug: topic.parent for topic in topics}
    for slug, parent in parents.items():
        if parent and parent not in parents:
            cure = meant(nearest(parent, parents)) or f"Define [topic.{parent}], or take the parent out."
            raise DataError(f"the parent {quoted(parent)} of {quoted(slug)} does not exist",
                            place=document.at("topic", slug, "parent"), cure=cure)
    if circle := _circle(parents):
        raise DataError(f"parents go round in a circle: {' → '.join(circle)}",
                        place=document.at("topic", circle[0], "parent"), cure="Take one of these parents out.")


def _circle(parents: Mapping[str, str]) -> list[str]:
    """The first circle, from a slug round to itself; empty if there is none."""
    whole: set[str] = set()
    for slug in parents:
        path: dict[str, None] = {}
        while slug and slug not in whole and slug not in path:
            path[slug] = None
            slug = parents[slug]
        if slug in path:
            return [*list(path)[list(path).index(slug):], slug]
        whole |= path.keys()
    return []


def _check_words(topics: Iterable[Topic], document: toml.Document) -> None:
    owners: dict[str, Topic] = {}
    for topic in topics:
        for word in names(topic):
            owner = owners.setdefault(normal(word), topic)
            if owner is not topic:
                key = "aliases" if word in topic.aliases else "label" if word == topic.label else ""
                first = document.at("topic", owner.slug)
                raise DataError(f"{quoted(word)} means {quoted(owner.slug)} already ({first})",
                                place=document.at("topic", topic.slug, key), cure="Take it out of one of the two.")
