"""One thing that must hold."""

from dataclasses import dataclass

from newsletter.model import Problem


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, and what is wrong with it."""

    name: str
    """In a word or two: "size", "links"."""
    looked_at: str
    """How much was looked at: "14 editions"."""
    problems: tuple[Problem, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.problems
