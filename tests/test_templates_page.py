"""docs/templates.md names whatever a template may use, and nothing else."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest
from jinja2 import filters

from newsletter.model import Story
from newsletter.render.environment import EVERYWHERE, IN_ONE, environment
from newsletter.render.placeholders import PLACEHOLDERS, Kind
from newsletter.render.template import FRAME, KINDS, OPTIONAL, Template, shipped

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "templates.md"


@cache
def rows(heading: str) -> list[list[str]]:
    """The cells of the table whose first column has this heading, without code marks."""
    _, _, after = PAGE.read_text("utf-8").partition(f"\n| {heading} |")
    table = after.partition("\n\n")[0].split("\n")[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]


def named(heading: str) -> set[str]:
    """What stands in code marks in the first column, without arguments."""
    return {name for row in rows(heading) for name in re.findall(r"`([\w.]+)(?:\([^`]*\))?`", row[0])}


def keys(table: Mapping[str, object], before: str = "") -> Iterator[str]:
    for key, value in table.items():
        yield from keys(value, f"{before}{key}.") if isinstance(value, dict) else [before + key]


@pytest.mark.parametrize(("name", "kind"), PLACEHOLDERS.items())
def test_every_placeholder_stands_there_as_the_program_has_it(name: str, kind: Kind) -> None:
    scope = {"edition": "editions", "subscriber": "subscribers"}[kind.scope]
    where = ", ".join(f"`{block}`" for block in kind.blocks) or "everywhere"
    assert [f"`slot.{name}`", scope, kind.meaning, where] in rows("placeholder")


def test_no_placeholder_stands_there_that_there_is_not() -> None:
    assert named("placeholder") == {f"slot.{name}" for name in PLACEHOLDERS}


def test_every_variable_has_its_line() -> None:
    page = PAGE.read_text("utf-8")
    assert named("variable") == set(EVERYWHERE)
    in_some = set(re.findall(r"(?m)^\| `(\w+)` \| `\w+`(?:, `\w+`)* \| ", page))
    assert in_some == set(IN_ONE)
    told = " ".join(re.findall(r"(?m)^\| (`story\.[^|]+) \|", page))
    assert set(re.findall(r"`story\.(\w+)`", told)) == {field.name for field in fields(Story)} | {"version"}


def test_every_filter_of_ours_has_its_line(weekly: Template) -> None:
    known = environment(weekly, weekly.words("en"), {}, "UTC").filters
    assert named("filter") == set(known) - set(filters.FILTERS)


def test_every_block_has_its_line_and_its_picture() -> None:
    assert named("block") == set(KINDS + OPTIONAL)
    page = PAGE.read_text("utf-8")
    headings = set(re.findall(r"\w+", " ".join(re.findall(r"(?m)^### (.+)\n\n!\[", page))))
    assert {*KINDS, *OPTIONAL, "frame"} <= headings


def test_every_template_that_we_ship_has_its_line_as_it_describes_itself(tmp_path: Path) -> None:
    names = sorted(file.parent.name for file in shipped().glob(f"*/{FRAME}"))
    assert named("template") == set(names)
    assert all(Template.load(name, tmp_path).description for name in names)


def test_every_key_of_a_theme_has_its_line(tmp_path: Path) -> None:
    themes = [Template.load(name, tmp_path).theme for name in named("template")]
    assert named("key of `theme.toml`") == {key for theme in themes for key in keys(theme)}
