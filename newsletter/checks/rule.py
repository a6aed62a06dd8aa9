"""A rule: one thing that must hold before a send, with its reason."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar

from newsletter.model import Problem

Level = Literal["error", "warning"]
"""`error`: what is wrong harms every subscriber; `warning`: it harms one story, or the readers of one language."""

T = TypeVar("T")


@dataclass(frozen=True)
class Rule(Generic[T]):
    """One thing that must hold of whatever T is: a block's page, an edition's layout, a template."""

    id: str
    """Its name in reports and scripts, in lower case with hyphens: "link-shortened". Never used for another rule."""
    level: Level
    why: str
    """Why it matters, in one sentence."""
    cure: str
    """The fix, for every problem that brings no better one of its own."""
    find: Callable[[T], Iterable[Problem]]
    """Finds the violations, each with its place."""

    def problems(self, subject: T) -> Iterator[Problem]:
        """The violations of the rule, each with a fix."""
        return (problem if problem.cure else replace(problem, cure=self.cure) for problem in self.find(subject))


@dataclass(frozen=True, slots=True)
class Check:
    """A rule, what it was applied to, and what breaks it."""

    rule: Rule[Any]
    looked_at: str
    """How much was looked at: "14 editions"."""
    problems: tuple[Problem, ...] = ()
    template: str = ""
    """The name of the template that was checked; empty for an issue."""

    @property
    def holds(self) -> bool:
        return not self.problems
