"""Finds and reads newsletter.toml, with the environment laid over it."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from newsletter import toml
from newsletter.config.environment import LISTED, sets, variable
from newsletter.config.keys import (
    PORTS,
    DeliverySettings,
    FetchSettings,
    Keys,
    Publication,
    Relay,
    Site,
    SourceSettings,
    tables,
)
from newsletter.config.mistakes import Where, misplaced, mistakes
from newsletter.errors import ConfigError
from newsletter.model import Newsletter, Problem

FILE = "newsletter.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """All of newsletter.toml. Paths are as written: relative to `root`."""

    root: Path
    """The project: the absolute path of the folder with newsletter.toml."""
    site: Site
    store_url: str = field(repr=False)
    """The URL of the store. It may contain a password from the environment: never print it."""
    delivery: DeliverySettings
    relays: tuple[Relay, ...]
    """In the file's order, every port filled in."""
    sources: Mapping[str, SourceSettings]
    """Each `[[source]]` by name."""
    newsletters: Mapping[str, Newsletter]
    """By name, in the file's order. Their sources are addresses, also where the file names a `[[source]]`."""
    fetch: FetchSettings
    preferences: str
    topics: str
    related: str
    key: str
    """The file of the keys that sign links, the newest first."""
    handle_key: str
    """The file of the key that turns addresses into handles."""


def find(directory: Path) -> Path:
    """The newsletter.toml of a folder or of the nearest folder above it. Raises ConfigError if there is none."""
    start = directory.resolve()
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder / FILE
    raise ConfigError(f"no {FILE} in this folder or any folder above it", place=str(directory), cure="newsletter init")


def read(file: Path) -> Settings:
    """The settings from a newsletter.toml and the environment. Raises ConfigError with every mistake."""
    document = toml.parse(_text(file), _place(file), error=ConfigError)
    content = document.values
    where = _where(document)
    problems = list(misplaced(content, where))
    known = {table: keys for table, keys in content.items() if table in tables()}
    for table in LISTED:
        known[table] = {name: content[table][number] for name, number in _numbers(content, table).items()}
    try:
        keys = Keys(**known)
    except ValidationError as error:  # chained, it would show values
        raise _all([*problems, *mistakes(error.errors(), where)], file) from None
    if keys.delivery.transport == "smtp" and not keys.relay:
        cure = 'Write [[relay]] with name = "main" and host = "…".'
        problems.append(Problem(where(("delivery", "transport")), "smtp needs a relay, but there is none", cure))
    problems += _shared(keys.source, where)
    if problems:
        raise _all(problems, file)
    return _settings(keys, file)


def _shared(sources: Mapping[str, SourceSettings], where: Where) -> Iterator[Problem]:
    """Sources with the address of another source: the store could not tell their stories apart."""
    first: dict[str, str] = {}
    for name, source in sources.items():
        if first.setdefault(source.url, name) != name:
            yield Problem(where(("source", name, "url")), f"{name} has the same url as {first[source.url]}",
                          "Give each source a url of its own, or remove one of the two.")


def _settings(keys: Keys, file: Path) -> Settings:
    return Settings(
        root=file.resolve().parent,
        site=keys.site,
        store_url=keys.store.url,
        delivery=keys.delivery,
        relays=tuple(replace(relay, port=relay.port or PORTS[relay.security]) for relay in keys.relay.values()),
        sources=MappingProxyType(keys.source),
        newsletters=MappingProxyType({name: _newsletter(name, each, keys) for name, each in keys.newsletter.items()}),
        fetch=keys.fetch,
        preferences=keys.files.preferences,
        topics=keys.files.topics,
        related=keys.files.related,
        key=keys.files.key,
        handle_key=keys.files.handle_key,
    )


def _newsletter(name: str, publication: Publication, keys: Keys) -> Newsletter:
    values = {each.name: getattr(publication, each.name) for each in fields(publication)}
    addresses = (keys.source[each].url if each in keys.source else each for each in publication.sources)
    return Newsletter(name=name, **{**values, "sources": tuple(dict.fromkeys(addresses))})


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        cure = "Check that it exists and that you may read it."
        raise ConfigError(f"the file cannot be read: {error.strerror}", place=str(file), cure=cure) from error
    except UnicodeDecodeError as error:
        line = error.object[:error.start].count(b"\n") + 1
        raise ConfigError("the file is not UTF-8", place=_place(file, line), cure="Save it as UTF-8.") from error


def _where(document: toml.Document) -> Where:
    """Gives the place of a key: the environment variable that sets it, else its line, else the line of its table, else
    the file."""
    numbers = {table: _numbers(document.values, table) for table in LISTED}

    def where(path: tuple[str | int, ...]) -> str:
        key = path[:-1] if isinstance(path[-1], int) else path  # an item of a list has no twin of its own
        if sets(key):
            return variable(key)
        match path:
            case (str() as table, str() as name, *rest) if name in numbers.get(table, {}):
                path = (table, numbers[table][name], *rest)
        return document.at(*path)

    return where


def _numbers(content: Mapping[str, Any], table: str) -> dict[str, int]:
    """The position of each table in a list of tables, by name; one without a name has its number until it is
    refused."""
    many = content.get(table)
    if not isinstance(many, list):
        return {}
    return {
        keys["name"] if isinstance(keys, dict) and isinstance(keys.get("name"), str) else str(number + 1): number
        for number, keys in enumerate(many)
    }


def _all(problems: list[Problem], file: Path) -> ConfigError:
    """One error for all problems."""
    if len(problems) == 1:
        return ConfigError(problems[0].found, place=problems[0].place, cure=problems[0].cure)
    each = "".join(f"\n{problem}" for problem in problems)
    return ConfigError(f"{len(problems)} problems{each}", place=_place(file))


def _place(file: Path, line: int | None = None) -> str:
    """The file, relative to the working folder, with its line."""
    return os.path.relpath(file) + (f":{line}" if line else "")
