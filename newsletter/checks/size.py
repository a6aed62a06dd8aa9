"""Rules for size: mail programs cut off long mails and drop long style sheets."""

from collections.abc import Iterator, Mapping

from newsletter.checks.laid import Laid
from newsletter.checks.rule import Rule
from newsletter.choosing.edition import CLIPPED_AT
from newsletter.model import Block, Placeholder, Problem
from newsletter.render.placeholders import PLACEHOLDERS, escape

LONGEST_STYLE = 16_384
"""Characters of style sheets beyond which Gmail drops them all."""
_PERSONAL = 120
"""Bytes that are counted for each placeholder with a subscriber's own value."""


def _clipped(laid: Laid) -> Iterator[Problem]:
    size = sum(_size(laid.press.blocks.html[each.key], each.values) for each in laid.placed)
    if size > CLIPPED_AT:
        topics = ", ".join(laid.edition.interests.topics)
        found = f"the HTML has {size:,} bytes; Gmail hides everything after {CLIPPED_AT:,}"
        yield Problem(f"the edition of {topics}", found)


def _size(block: Block, values: Mapping[str, str]) -> int:
    """Bytes of a block with its placeholders filled."""
    gaps = [each for each in block.segments if isinstance(each, Placeholder)]
    return block.size + sum(
        len(escape(values[gap.name], gap.place).encode()) if PLACEHOLDERS[gap.name].scope == "edition" else _PERSONAL
        for gap in gaps)


def _styles_dropped(laid: Laid) -> Iterator[Problem]:
    length = sum(laid.press.pages[each.key].style for each in laid.placed)
    if length > LONGEST_STYLE:
        found = f"the style sheets have {length:,} characters; Gmail drops them all beyond {LONGEST_STYLE:,}"
        yield Problem("the template", found)


RULES: tuple[Rule[Laid], ...] = (
    Rule("size-clipped", "error", "Gmail hides the end of a long mail, and with it the link to unsubscribe.",
         "Lower max_stories or per_topic in newsletter.toml.", _clipped),
    Rule("size-styles", "error", "Gmail drops all style sheets if they are too long together.",
         "Remove style rules that no block uses.", _styles_dropped),
)
