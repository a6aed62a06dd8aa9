"""The checks of a frozen issue: size, links and plain text, over every block and every edition."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from newsletter.checks.check import Check
from newsletter.checks.links import faults
from newsletter.checks.page import Page, page, text
from newsletter.choosing.edition import CLIPPED_AT
from newsletter.model import Block, BlockSet, Edition, Manifest, OpenSlot, Problem, spoken_in
from newsletter.render.layout import Placed, layout
from newsletter.render.slots import SLOTS, escape
from newsletter.render.words import Words

LONGEST_STYLE = 16_384
"""Characters of style sheets beyond which Gmail drops them all."""
_PERSONAL = 120
"""Bytes that are counted for each slot of a subscriber's own."""
_END = r"(?=[\s.,;:!?)\]»”\"'>]|\Z)"


@dataclass(frozen=True)
class _Press:
    """An issue's blocks in one language, as the checks look at them."""

    blocks: BlockSet
    words: Words
    pages: Mapping[str, Page]
    told: Mapping[str, frozenset[str]]
    """Which of all addresses of the pages are in each block of plain text."""


def check_issue(manifest: Manifest, blocks: Mapping[str, BlockSet], editions: Iterable[Edition]) -> tuple[Check, ...]:
    """Whether every edition of the issue can be sent: small enough, with links that go where they should, and with a
    plain text that has them all."""
    presses = {language: _press(each) for language, each in blocks.items()}
    size, parity, count = dict[str, Problem](), dict[str, Problem](), 0
    for edition in editions:
        count += 1
        press = presses[spoken_in(edition.interests.language, presses, manifest.newsletter.language)]
        placed = layout(edition, manifest, press.words)
        if edition.interests.format == "html":
            size.update((each.found, each) for each in _too_large(edition, placed, press))
            parity.update((each.found, each) for each in _not_in_text(placed, press, manifest))
    compiled = sum(len(press.pages) for press in presses.values())
    return (
        Check("size", f"{count} editions", (*_styles(presses), *size.values())),
        Check("links", f"{compiled} blocks", tuple(_links(presses, manifest))),
        Check("plain text", f"{count} editions", tuple(parity.values())),
    )


def _press(blocks: BlockSet) -> _Press:
    pages = {key: page(each) for key, each in blocks.html.items()}
    addresses = frozenset().union(*(each.addresses for each in pages.values()))
    patterns = {address: re.compile(re.escape(address) + _END) for address in addresses}
    texts = {key: text(each) for key, each in blocks.text.items()}
    told = {key: frozenset(address for address, pattern in patterns.items() if pattern.search(each))
            for key, each in texts.items()}
    return _Press(blocks, Words(blocks.language, blocks.catalogues), pages, told)


def _links(presses: Mapping[str, _Press], manifest: Manifest) -> Iterator[Problem]:
    """Each fault once, however many blocks and languages have it."""
    seen = set[tuple[str, str]]()
    for press in presses.values():
        for key, each in press.pages.items():
            for problem in faults(each, _place(key, manifest)):
                if (problem.place, problem.found) not in seen:
                    seen.add((problem.place, problem.found))
                    yield problem


def _styles(presses: Mapping[str, _Press]) -> Iterator[Problem]:
    for press in presses.values():
        length = sum(each.style for each in press.pages.values())
        if length > LONGEST_STYLE:
            yield Problem("the template", f"its style sheets have {length:,} characters; Gmail drops more than "
                          f"{LONGEST_STYLE:,}", "Take out rules that nothing uses.")


def _too_large(edition: Edition, placed: Iterable[Placed], press: _Press) -> Iterator[Problem]:
    size = sum(_size(press.blocks.html[each.key], each.slots) for each in placed)
    if size > CLIPPED_AT:
        topics = ", ".join(edition.interests.topics)
        yield Problem(f"the edition of {topics}", f"{size:,} bytes of HTML; Gmail hides what is beyond {CLIPPED_AT:,}",
                      "Lower max_stories or per_topic in newsletter.toml.")


def _size(block: Block, slots: Mapping[str, str]) -> int:
    """Bytes of a block with its slots filled."""
    gaps = [each for each in block.segments if isinstance(each, OpenSlot)]
    return block.size + sum(
        len(escape(slots[gap.name], gap.place).encode()) if SLOTS[gap.name].scope == "edition" else _PERSONAL
        for gap in gaps)


def _not_in_text(placed: Iterable[Placed], press: _Press, manifest: Manifest) -> Iterator[Problem]:
    """Links of the HTML that the plain text of the same edition lacks."""
    keys = [each.key for each in placed]
    told = frozenset().union(*(press.told[key] for key in keys))
    for key in keys:
        for address in sorted(press.pages[key].addresses - told):
            yield Problem(_place(key, manifest), f"the plain text lacks the link {address}",
                          "Write it into the plain-text twin of the block.")


def _place(key: str, manifest: Manifest) -> str:
    """A block as a person knows it."""
    kind, _, name = key.partition(":")
    title = next((each.story.title for each in manifest.candidates if each.story.id == name), "")
    return f"story “{title}”" if title else f"the template's {kind}"


