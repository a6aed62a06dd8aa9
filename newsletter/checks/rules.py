"""The table of rules: a family has its module, and a line here. docs/adding.md says how to add one."""

from dataclasses import dataclass

from newsletter.checks import links, pictures, plaintext, size, templates
from newsletter.checks.laid import Laid
from newsletter.checks.page import Page
from newsletter.checks.rule import Rule
from newsletter.checks.templates import Offered


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules, by the subject they apply to."""

    blocks: tuple[Rule[Page], ...]
    """Each block of an issue, in each language, once: all editions share it."""
    editions: tuple[Rule[Laid], ...]
    """Each HTML edition of an issue: for problems that depend on the combination of blocks."""
    templates: tuple[Rule[Offered], ...]
    """A template, with the languages in which it is used."""


RULES = Rules(
    blocks=(
        *links.RULES,
        *pictures.RULES,
    ),
    editions=(
        *size.RULES,
        *plaintext.RULES,
    ),
    templates=(
        *templates.RULES,
    ),
)
