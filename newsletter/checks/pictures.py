"""Rules for pictures: their addresses, and their text for subscribers who do not see them."""

from collections.abc import Iterator

from newsletter.checks.links import is_secure
from newsletter.checks.page import Page
from newsletter.checks.rule import Rule
from newsletter.model import Problem


def _insecure(page: Page) -> Iterator[Problem]:
    for address in page.pictures:
        if not is_secure(address):
            yield Problem(page.place, f"the picture {address} is not at an https address")


def _wordless(page: Page) -> Iterator[Problem]:
    for address in page.wordless:
        yield Problem(page.place, f"the picture {address} has no alt text")


RULES: tuple[Rule[Page], ...] = (
    Rule("picture-insecure", "warning", "Gmail and Outlook only show pictures with https addresses.",
         "Write https:// if the picture can be reached that way.", _insecure),
    Rule("picture-wordless", "warning", "Subscribers who block pictures or cannot see them get nothing in its place.",
         'Write alt="…" that describes the picture, or alt="" for an ornament.', _wordless),
)
