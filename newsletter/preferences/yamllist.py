"""YAML 1.2: a list of mappings, or a mapping with that list as "subscribers".

Nothing is constructed: scalars are taken as written ("007", "yes"), so tags have no effect. Reads about 1,500
subscribers a second: a long list is better kept as a table.
"""

from collections.abc import Iterable, Iterator
from typing import TextIO

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from newsletter.errors import DataError
from newsletter.model import Problem
from newsletter.preferences.row import Fields, Row, at, listed


def read(text: TextIO, place: str) -> Iterator[Row | Problem]:
    """A row for each mapping of the list. Raises `DataError` for invalid YAML, or a document without a list."""
    source = text.read()
    for entry in _entries(_composed(source, place), place):
        line = entry.start_mark.line + 1
        if isinstance(entry, MappingNode):
            names = tuple(_cell(name, source) for name, _ in entry.value)
            yield Row(line, names, [_cell(value, source) for _, value in entry.value])
        else:
            yield Problem(at(place, line), "the entry is not a mapping", 'Write "- email: …" and the rest below it.')


def write(subscribers: Iterable[Fields], out: TextIO) -> None:
    """Writes a list of mappings in block style."""
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 4096
    empty = True
    for subscriber in subscribers:
        yaml.dump([dict(subscriber)], out)
        empty = False
    if empty:
        out.write("[]\n")


def _composed(source: str, place: str) -> Node | None:
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False
    try:
        node: Node | None = yaml.compose(source)
    except RecursionError as error:
        raise DataError("invalid YAML: nested too deeply", place=place, cure=_SHAPE) from error
    except YAMLError as error:
        line, found = _where(error, source)
        raise DataError(f"invalid YAML: {found}", place=at(place, line),
                        cure="Correct it there; put a text that contains : or # in quotation marks.") from error
    return node


def _where(error: YAMLError, source: str) -> tuple[int, str]:
    if isinstance(error, MarkedYAMLError) and error.problem_mark:
        return error.problem_mark.line + 1, str(error.problem or "bad syntax")
    if isinstance(error, ReaderError):
        return source.count("\n", 0, error.position) + 1, "a character that YAML does not allow"
    return 0, str(error)


_SHAPE = 'Write a list: "- email: …" for each subscriber.'


def _entries(node: Node | None, place: str) -> list[Node]:
    if isinstance(node, MappingNode):
        named = (value for name, value in node.value if name.value in ("subscribers", "subscriber"))
        node = next(named, None)
    if not isinstance(node, SequenceNode):
        raise DataError("the file has no list of subscribers", place=place, cure=_SHAPE)
    return list(node.value)


def _cell(node: Node, source: str) -> str:
    """A scalar as written, a list of scalars as its items, anything deeper as its piece of the file."""
    if isinstance(node, ScalarNode):
        return "" if node.tag == "tag:yaml.org,2002:null" else str(node.value)
    if isinstance(node, SequenceNode) and all(isinstance(item, ScalarNode) for item in node.value):
        return listed(_cell(item, source) for item in node.value)
    return source[node.start_mark.index:node.end_mark.index]
