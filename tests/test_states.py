"""The drawing of an issue's states in docs/flow.md and the table in the program say the same."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from newsletter.model import TRANSITIONS, IssueState, Verb, may

FLOW = Path(__file__).parent.parent / "docs" / "flow.md"

Step = tuple[int, int]
"""Rows down and columns to the right."""

UP, DOWN, LEFT, RIGHT = (-1, 0), (1, 0), (0, -1), (0, 1)
TURNS: dict[tuple[str, Step], Step] = {
    ("┐", RIGHT): DOWN, ("┐", UP): LEFT, ("┘", RIGHT): UP, ("┘", DOWN): LEFT,
    ("┌", LEFT): DOWN, ("┌", UP): RIGHT, ("└", LEFT): UP, ("└", DOWN): RIGHT,
}
ALONG = {UP: "│", DOWN: "│", LEFT: "─", RIGHT: "─"}
HEADS = {UP: "▲", DOWN: "▼", LEFT: "◀", RIGHT: "▶"}


class Drawing:
    """States as words, with an edge for each transition: a line with a letter in it and a head at its end."""

    def __init__(self, text: str) -> None:
        self._rows = text.splitlines()

    def edges(self) -> Iterator[tuple[str, str, str]]:
        """(letter, the state before, the state after)."""
        for row, line in enumerate(self._rows):
            for match in re.finditer(r"(?<![a-z])[a-z](?![a-z])", line):
                ways = (LEFT, RIGHT) if self._cell(row, match.start() + 1) == "─" else (UP, DOWN)
                ends = [self._follow(row, match.start(), way) for way in ways]
                [before] = [word for word, is_head in ends if not is_head]
                [after] = [word for word, is_head in ends if is_head]
                yield match[0], before, after

    def _follow(self, row: int, column: int, way: Step) -> tuple[str, bool]:
        """The word at the end of a line, and whether the line has its head there."""
        while True:
            row, column = row + way[0], column + way[1]
            cell = self._cell(row, column)
            if cell == HEADS[way]:
                return self._word(row, column, way), True
            if cell != ALONG[way] and (cell, way) not in TURNS:
                return self._word(row - way[0], column - way[1], way), False
            way = TURNS.get((cell, way), way)

    def _word(self, row: int, column: int, way: Step) -> str:
        """The word next to the end of a line; beside a word stands a blank."""
        row, column = row + way[0], column + way[1] * 2
        [word] = [match[0] for match in re.finditer("[a-z]{2,}", self._rows[row])
                  if match.start() <= column < match.end()]
        return word

    def _cell(self, row: int, column: int) -> str:
        line = self._rows[row] if 0 <= row < len(self._rows) else ""
        return line[column] if 0 <= column < len(line) else " "


def drawn() -> set[tuple[str, str, str]]:
    """(verb, before, after) of each edge of the drawing, with the verb that the table below it gives its letter."""
    text = FLOW.read_text("utf-8")
    [drawing] = re.findall(r"```\n([^`]*?──▶ frozen[^`]*?)```", text)
    verbs = {letter: verb for letters, verb in re.findall(r"(?m)^\| ([a-z](?:, [a-z])*) \| ([a-z]+) \|", text)
             for letter in letters.split(", ")}
    edges = list(Drawing(drawing).edges())
    assert sorted(letter for letter, _, _ in edges) == sorted(verbs), "each edge has its row, each letter its edge"
    return {(verbs[letter], before, after) for letter, before, after in edges}


def test_the_drawing_of_an_issues_states_is_the_table_of_the_program() -> None:
    table = {(verb, before or "new", after) for verb, pairs in TRANSITIONS.items() for before, after in pairs}
    assert drawn() == table


def test_every_state_is_reached_and_every_verb_leads_somewhere() -> None:
    assert {after for pairs in TRANSITIONS.values() for _, after in pairs} == set(get_args(IssueState))
    assert set(TRANSITIONS) == set(get_args(Verb))


@pytest.mark.parametrize(("verb", "state", "allowed"), [
    ("pause", "sending", True), ("pause", "finished", False), ("resume", "paused", True), ("cancel", "missed", False),
])
def test_what_an_issue_may_become_depends_on_its_state(verb: Verb, state: IssueState, allowed: bool) -> None:
    assert may(verb, state) is allowed


def test_a_drawing_is_read_along_its_lines() -> None:
    drawing = Drawing("""
 one ──a──┐
  ▲       ▼
  └──b── two ◀──d── three
          │           ▲
          └─────c─────┘
""")
    assert set(drawing.edges()) == {
        ("a", "one", "two"), ("b", "two", "one"), ("c", "two", "three"), ("d", "three", "two")}
