"""YAML 1.2: a list of mappings, or a mapping that has the list as "subscribers".

Nothing is constructed: scalars are taken as written ("007", "yes"), so no tag has any power here. About 1,500 people a
second: a long list is better kept as a table.
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
    """A row for each mapping of the list. Raises `DataError` for what is no YAML, or no list."""
    source = text.read()
    for entry in _entries(_composed(source, place), place):
        line = entry.start_mark.line + 1
        if isinstance(entry, MappingNode):
            names = tuple(_cell(name, source) for name, _ in entry.value)
            yield Row(line, names, [_cell(value, source) for _, value in entry.value])
        else:
            yield Problem(at(place, line), "the entry is no mapping", 'Write "- email: …" and the rest under it.')


def write(people: Iterable[Fields], out: TextIO) -> None:
    """A list of mappings in block style."""
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 4096
    empty = True
    for person in people:
        yaml.dump([dict(person)], out)
        empty = False
    if empty:
        out.write("[]\n")


def _composed(source: str, place: str) -> Node | None:
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False
    try:
        node: Node | None = yaml.compose(source)
    except RecursionError as error:
        raise DataError("the file is nested too deep", place=place, cure=_SHAPE) from error
    except YAMLError as error:
        line, found = _where(error, source)
        raise DataError(f"the file is no YAML: {found}", place=at(place, line),
                        cure="Mend it there; a text with : or # in it goes in quotation marks.") from error
    return node


def _where(error: YAMLError, source: str) -> tuple[int, str]:
    if isinstance(error, MarkedYAMLError) and error.problem_mark:
        return error.problem_mark.line + 1, str(error.problem or "bad syntax")
    if isinstance(error, ReaderError):
        return source.count("\n", 0, error.position) + 1, "a character that YAML does not allow"
    return 0, str(error)


_SHAPE = 'Write a list: "- email: …" for each person.'


def _entries(node: Node | None, place: str) -> list[Node]:
    if isinstance(node, MappingNode):
        named = (value for name, value in node.value if name.value in ("subscribers", "subscriber"))
        node = next(named, None)
    if not isinstance(node, SequenceNode):
        raise DataError('the file has no list, and no list called "subscribers"', place=place, cure=_SHAPE)
    return list(node.value)


def _cell(node: Node, source: str) -> str:
    """A scalar as written, a list of scalars as its items, anything deeper as its own piece of the file."""
    if isinstance(node, ScalarNode):
        return "" if node.tag == "tag:yaml.org,2002:null" else str(node.value)
    if isinstance(node, SequenceNode) and all(isinstance(item, ScalarNode) for item in node.value):
        return listed(_cell(item, source) for item in node.value)
    return source[node.start_mark.index:node.end_mark.index]
