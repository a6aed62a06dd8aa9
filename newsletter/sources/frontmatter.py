"""Front matter: the YAML, TOML or JSON at the top of a Markdown file, read with the line of every key."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from newsletter import toml
from newsletter.errors import DataError
from newsletter.model import Problem
from newsletter.text import meant, nearest, quoted

KEYS = ("title", "date", "link", "tags", "summary", "image", "language", "draft", "publishdate", "pubdate",
        "expirydate", "published", "categories", "category", "tag", "description", "excerpt", "weight", "pinned",
        "featured", "images", "cover", "alt", "image_alt", "lang", "url", "permalink", "canonical", "canonical_url",
        "external_url", "id", "guid")
"""The keys that have a meaning here, in lower case; any other key is the author's own."""
MAX_HEAD = 100_000
"""Maximum characters of front matter."""


class _Texts(SafeConstructor):
    """A constructor that leaves dates as text: they are read where their line is known, which ruamel does not keep."""


_Texts.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)
_FENCED = re.compile(r"(---|\+\+\+)[ \t]*\n(.*?)^(?:\1|(?<!\+)\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The front matter of a file, and the body below it."""

    values: Mapping[str, object]
    """By key, keys in lower case; empty for a file without front matter."""
    body: str
    head: str = ""

    def line(self, key: str) -> int:
        """The line of a top-level key, counted from 1; the first line if it is not found."""
        found = re.search(rf"^[ \t]*[\"']?{re.escape(key)}[\"']?[ \t]*[:=]", self.head, re.IGNORECASE | re.MULTILINE)
        return self.head.count("\n", 0, found.start()) + 1 if found else 1

    def misspelt(self, file: str) -> list[Problem]:
        """A problem for each unknown key that resembles one of `KEYS`."""
        problems = []
        for key in self.values:
            near = "" if key in KEYS else nearest(key, KEYS, alike=0.8)
            if near and near[0] == key[0] and near not in self.values:
                problems.append(Problem(f"{file}:{self.line(key)}", f"unknown key {quoted(key)}", meant(near)))
        return problems


def split(text: str, file: str) -> FrontMatter:
    """Splits a file into front matter and body. Raises `DataError` with file and line if the front matter is broken."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.startswith("{"):
        return _json(text, file)
    if not re.match(r"(?:---|\+\+\+)[ \t]*\n", text):
        return FrontMatter({}, text)
    fenced = _FENCED.match(text[:MAX_HEAD])
    if fenced is None:
        raise DataError("the front matter opened here is never closed", place=f"{file}:1",
                        cure=f'End it with a line "{text[:3]}".')
    read = _yaml if fenced[1] == "---" else _toml
    return FrontMatter(_named(read(fenced[2], file), file), text[fenced.end():], text[:fenced.end()])


def is_json(text: str) -> bool:
    """Whether a text begins with JSON that is the front matter of a story, and not a feed."""
    try:
        values, _ = json.JSONDecoder().raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return False
    return isinstance(values, dict) and "title" in values and "items" not in values


def _json(text: str, file: str) -> FrontMatter:
    try:
        values, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError) as error:
        _unreadable("JSON", file, getattr(error, "lineno", 1), getattr(error, "msg", "nested too deeply"))
    return FrontMatter(_named(values, file), text[end:].lstrip("\n"), text[:end])


def _yaml(head: str, file: str) -> object:
    try:
        yaml = YAML(typ="safe", pure=True)
        yaml.Constructor = _Texts
        return yaml.load(head)
    except MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else 0
        _unreadable("YAML", file, line + 2, error.problem or "it does not parse")
    except (YAMLError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        # ruamel does not catch Python's own errors for odd numbers or for brackets nested a thousand deep.
        _unreadable("YAML", file, 2, str(error).splitlines()[0] if str(error) else "it does not parse")


def _toml(head: str, file: str) -> object:
    return toml.parse(head, file, first=2).values


def _unreadable(kind: str, file: str, line: int, why: str) -> NoReturn:
    raise DataError(f"invalid {kind}: {' '.join(why.split())[:200]}", place=f"{file}:{line}",
                    cure="Put a value that contains a colon or a quote in quotes, and each key on a line of its own."
                    if kind == "YAML" else f"Correct the {kind} there.")


def _named(values: object, file: str) -> Mapping[str, object]:
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise DataError("the front matter has no keys and values", place=f"{file}:2", cure='Write "title: …".')
    return {str(key).strip().lower(): value for key, value in values.items() if str(key).strip()}
