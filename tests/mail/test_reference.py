"""The reference compiler takes our templates without a word, and what it makes of them looks the same."""

import json
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Browser

from gallery.schemes import shown
from gallery.specimen import Specimen
from tests.mail.conftest import Node

TOLERANCE = 16
"""Steps of 255 by which a channel of a pixel may differ: the two round colours and edges of letters alike."""
MOST = 0.01
"""Of all pixels, those that may differ by more."""


@pytest.fixture(scope="package")
def references(node: Node, every_specimen: dict[str, Specimen]) -> dict[str, dict[str, Any]]:
    """What the reference compiler says of each specimen and makes of it, by the specimen's name."""
    made: dict[str, dict[str, Any]] = json.loads(
        node("reference.mjs", json.dumps({name: each.mjml for name, each in every_specimen.items()}))
    )
    return made


def test_the_reference_compiler_finds_no_fault(references: dict[str, dict[str, Any]]) -> None:
    assert {name: each["faults"] for name, each in references.items() if each["faults"]} == {}


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("width", [320, pytest.param(640, marks=pytest.mark.thorough)])
def test_a_mail_looks_as_the_reference_compiler_makes_it(
    browser: Browser, english: Specimen, every_specimen: dict[str, Specimen], references: dict[str, dict[str, Any]],
    language: str, width: int,
) -> None:
    ours = every_specimen[f"{english.template}-{language}"]
    theirs = references[ours.name]["html"]
    assert difference(picture(browser, ours.html, width), picture(browser, theirs, width)) < MOST


def test_a_mail_without_its_last_story_looks_different(browser: Browser, every_specimen: dict[str, Specimen]) -> None:
    html = next(iter(every_specimen.values())).html
    whole, part = (picture(browser, each, 640) for each in (html, html.replace("<h3", "<h3 hidden", 1)))
    assert difference(whole, whole) == 0
    assert difference(whole, part) > MOST


def picture(browser: Browser, html: str, width: int) -> Image.Image:
    """The whole mail in light colours."""
    with shown(browser, html, "light", width) as page:
        return Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB")


def difference(one: Image.Image, other: Image.Image) -> float:
    """The share of pixels that differ; those that only one of the two has do."""
    size = max(one.width, other.width), max(one.height, other.height)
    ground, placed = Image.new("RGB", size, "#ff00ff"), Image.new("RGB", size, "#00ff00")
    ground.paste(one)
    placed.paste(other)
    channels = ImageChops.difference(ground, placed).split()
    strongest = ImageChops.lighter(ImageChops.lighter(channels[0], channels[1]), channels[2])
    return sum(strongest.histogram()[TOLERANCE + 1:]) / (size[0] * size[1])
