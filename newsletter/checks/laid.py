"""An edition as its subscribers get it: its blocks in order, each read once for all editions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from newsletter.checks.page import Page, page, text
from newsletter.model import BlockSet, Edition, Manifest
from newsletter.render.layout import Placed
from newsletter.render.words import Words

_END = r"(?=[\s.,;:!?)\]»”\"'>]|\Z)"


@dataclass(frozen=True)
class Press:
    """An issue's blocks in one language, with what the rules need of each."""

    blocks: BlockSet
    words: Words
    pages: Mapping[str, Page]
    """By the block's key."""
    in_text: Mapping[str, frozenset[str]]
    """The addresses of the pages' links that are in each block of plain text, by the block's key."""


@dataclass(frozen=True)
class Laid:
    """An edition in HTML with its plain text, laid out."""

    edition: Edition
    placed: tuple[Placed, ...]
    press: Press


def press(blocks: BlockSet, manifest: Manifest) -> Press:
    """The blocks with their pages, and the links in their plain texts."""
    pages = {key: page(each, place(key, manifest)) for key, each in blocks.html.items()}
    addresses = frozenset().union(*(each.addresses for each in pages.values()))
    patterns = {address: re.compile(re.escape(address) + _END) for address in addresses}
    texts = {key: text(each) for key, each in blocks.text.items()}
    in_text = {key: frozenset(address for address, pattern in patterns.items() if pattern.search(each))
               for key, each in texts.items()}
    return Press(blocks, Words(blocks.language, blocks.catalogues), pages, in_text)


def place(key: str, manifest: Manifest) -> str:
    """The name of a block in problems: "story “…”", or "the template's foot"."""
    kind, _, name = key.partition(":")
    title = next((each.story.title for each in manifest.candidates if each.story.id == name), "")
    return f"story “{title}”" if title else f"the template's {kind}"
