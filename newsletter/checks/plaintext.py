"""Rules for the plain text, which must contain what the HTML of the same edition contains."""

from collections.abc import Iterator

from newsletter.checks.laid import Laid
from newsletter.checks.rule import Rule
from newsletter.model import Problem


def _links_lacking(laid: Laid) -> Iterator[Problem]:
    press, keys = laid.press, [each.key for each in laid.placed]
    in_text = frozenset().union(*(press.in_text[key] for key in keys))
    for page in (press.pages[key] for key in keys):
        for address in sorted(page.addresses - in_text):
            yield Problem(page.place, f"the plain text lacks the link {address}")


RULES: tuple[Rule[Laid], ...] = (
    Rule("text-link", "warning", "Subscribers to plain text cannot follow the link, and filters compare the two parts.",
         "Write the link into the plain-text file of the block.", _links_lacking),
)
