"""Pictures: where they come from, and what they say to readers who do not see them."""

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
        yield Problem(page.place, f"the picture {address} has no words")


RULES: tuple[Rule[Page], ...] = (
    Rule("picture-insecure", "warning", "Gmail and Outlook show no picture from elsewhere.",
         "Write https:// if the picture can be reached so.", _insecure),
    Rule("picture-wordless", "warning", "Readers who block pictures or cannot see them get nothing in its place.",
         'Write alt="…" that says what it shows, or alt="".', _wordless),
)
