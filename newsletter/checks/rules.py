"""The table of rules: a family has its module, and a line here. docs/adding.md says how to add one."""

from dataclasses import dataclass

from newsletter.checks import links, pictures, plaintext, size, templates
from newsletter.checks.laid import Laid
from newsletter.checks.page import Page
from newsletter.checks.rule import Rule
from newsletter.checks.templates import Offered


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules by what they look at."""

    blocks: tuple[Rule[Page], ...]
    """Each block of an issue, in each language, once: all editions share it."""
    editions: tuple[Rule[Laid], ...]
    """Each edition of an issue that is HTML: what depends on which blocks meet."""
    templates: tuple[Rule[Offered], ...]
    """A template, with the languages it is offered in."""


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
