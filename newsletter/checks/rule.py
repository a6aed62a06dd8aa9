"""A rule: one thing that must hold before a send, with its reason."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar

from newsletter.model import Problem

Level = Literal["error", "warning"]
"""`error`: a problem harms every subscriber; `warning`: it harms one story, or the subscribers with one language."""

T = TypeVar("T")


@dataclass(frozen=True)
class Rule(Generic[T]):
    """One thing that must hold of a T: a block's page, an edition's layout, or a template."""

    id: str
    """The rule's name in reports and scripts, in lower case with hyphens: "link-shortened". Never reused."""
    level: Level
    why: str
    """Why it matters, in one sentence."""
    cure: str
    """The fix, for every problem that has no more specific `cure` of its own."""
    find: Callable[[T], Iterable[Problem]]
    """Finds the problems that break the rule, each with its place."""

    def problems(self, subject: T) -> Iterator[Problem]:
        """The problems that break the rule, each with a fix."""
        return (problem if problem.cure else replace(problem, cure=self.cure) for problem in self.find(subject))


@dataclass(frozen=True, slots=True)
class Check:
    """A rule, the extent to which it was applied, and the problems it found."""

    rule: Rule[Any]
    looked_at: str
    """The extent of the check: "14 editions"."""
    problems: tuple[Problem, ...] = ()
    template: str = ""
    """The name of the template that was checked; empty for an issue."""

    @property
    def holds(self) -> bool:
        return not self.problems
