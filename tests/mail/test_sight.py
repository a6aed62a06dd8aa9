"""A mail fits every window, can be read and touched there, and asks nobody for anything but its pictures."""

import pytest
from playwright.sync_api import Browser

from gallery.schemes import SCHEMES, WIDTHS, Scheme, shown, window
from gallery.specimen import Specimen

WIDER = """() => [...document.querySelectorAll("body *")]
    .map((element) => [element, element.getBoundingClientRect()])
    .filter(([_, box]) => box.width > 0 && (box.right > innerWidth + 0.5 || box.left < -0.5))
    .map(([element]) => element.outerHTML.slice(0, 120))"""
SMALL_TYPE = """() => [...document.querySelectorAll("body *")]
    .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .filter((element) => element.getBoundingClientRect().height > 0)
    .filter((element) => parseFloat(getComputedStyle(element).fontSize) < 14)
    .map((element) => element.outerHTML.slice(0, 120))"""
ALONE = """() => [...document.querySelectorAll("a")]
    .filter((link) => {
        const around = link.closest("p, h1, h2, h3, h4, li, td, div");
        const words = [...around.querySelectorAll("a")].reduce((rest, each) => rest.replace(each.textContent, ""),
            around.textContent);
        return !/[\\p{L}\\p{N}]/u.test(words);
    })
    .map((link) => [link.textContent.trim(), Math.max(...[...link.getClientRects()].map((box) => box.height))])"""
TOUCHED = 44
"""Pixels: what a finger hits (Apple's guidelines; WCAG 2.2 asks for 24)."""


@pytest.mark.parametrize("scheme", ["light", "no-pictures", "no-style"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_has_to_be_moved_sideways(browser: Browser, english: Specimen, scheme: Scheme, width: int) -> None:
    with shown(browser, english.html, scheme, width) as page:
        assert page.evaluate(WIDER) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_nor_is_it_in_other_languages(browser: Browser, specimen: Specimen) -> None:
    with shown(browser, specimen.html, "light", WIDTHS[0]) as page:
        assert page.evaluate(WIDER) == []


def test_no_letter_is_too_small(browser: Browser, specimen: Specimen) -> None:
    with shown(browser, specimen.html, "light", WIDTHS[0]) as page:
        assert page.evaluate(SMALL_TYPE) == []


@pytest.mark.parametrize("scheme", ["light", "no-style"])
def test_a_link_that_stands_alone_is_as_high_as_a_finger(browser: Browser, english: Specimen, scheme: Scheme) -> None:
    with shown(browser, english.html, scheme, WIDTHS[1]) as page:
        heights = page.evaluate(ALONE)
    assert heights
    assert {words: height for words, height in heights if height < TOUCHED} == {}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_preheader_is_for_the_inbox_alone(browser: Browser, english: Specimen, scheme: Scheme) -> None:
    with shown(browser, english.html, scheme, WIDTHS[1]) as page:
        first = page.locator("body div").filter(has_text=" ").filter(has_not=page.locator("table")).first
        assert 40 <= len((first.text_content() or "").strip()) <= 140
        assert first.bounding_box() is None


def test_language_and_direction_are_said_inside_the_body(browser: Browser, specimen: Specimen) -> None:
    """Mail programs on the web keep the body and drop what is around it."""
    with shown(browser, specimen.html, "light", WIDTHS[1]) as page:
        first = page.locator("body > div[role=article]")
        assert first.get_attribute("lang") == specimen.language
        assert first.get_attribute("dir") == ("rtl" if specimen.language == "ar" else "ltr")


def test_nothing_is_asked_for_but_pictures(browser: Browser, english: Specimen) -> None:
    with window(browser, "light", WIDTHS[2]) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.resource_type))
        page.set_content(english.html)
        assert set(asked) <= {"image"}
