"""axe-core finds nothing that would keep anybody from reading a mail, in any scheme (WCAG 2.2)."""

from collections.abc import Mapping

import pytest
from playwright.sync_api import Browser

from gallery.schemes import Scheme, shown
from gallery.specimen import Specimen
from tests.mail.conftest import MODULES, Known, missing

AXE = MODULES / "axe-core" / "axe.min.js"
RUN = """async (off) => {
    const rules = Object.fromEntries(off.map((rule) => [rule, {enabled: false}]));
    const found = await axe.run(document, {rules, resultTypes: ["violations", "incomplete"]});
    const told = (sure, results) => results.flatMap((result) => result.nodes.map(
        (node) => `${sure}${result.id}: ${node.html.slice(0, 120)}: ${node.any.map((any) => any.message).join(" ")}`));
    return [...told("", found.violations), ...told("unsure, ", found.incomplete)];
}"""


def judged(browser: Browser, html: str, scheme: Scheme, width: int, known: Known) -> list[str]:
    """What axe finds wrong, and what it cannot judge, but for the rules that do not fit a mail."""
    if not AXE.exists():
        missing("there is no axe-core: scripts/install --dev")
    with shown(browser, html, scheme, width) as page:
        page.add_script_tag(path=AXE)
        found: list[str] = page.evaluate(RUN, [*known])
        return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_stands_in_anybodys_way(
    browser: Browser, specimen: Specimen, scheme: Scheme, known: Mapping[str, Known],
) -> None:
    assert judged(browser, specimen.html, scheme, 640, known["axe"]) == []


@pytest.mark.parametrize("scheme", [
    "inverted", *(pytest.param(scheme, marks=pytest.mark.thorough) for scheme in ("no-pictures", "no-style")),
])
def test_nor_where_a_program_does_as_it_likes(
    browser: Browser, english: Specimen, scheme: Scheme, known: Mapping[str, Known],
) -> None:
    assert judged(browser, english.html, scheme, 390, known["axe"]) == []


def test_every_rule_that_is_left_out_would_speak(
    browser: Browser, every_specimen: Mapping[str, Specimen], known: Mapping[str, Known],
) -> None:
    found = judged(browser, every_specimen["weekly-en"].html, "light", 640, {})
    assert {each.partition(":")[0] for each in found} == set(known["axe"])


@pytest.mark.parametrize(("html", "rule"), [
    ("<h1>a</h1><h3>b</h3>", "heading-order"), ("<h1>a</h1><img src='https://example.org/a.png'>", "image-alt"),
    ("<h1>a</h1><p style='color:#999;background:#fff'>some words</p>", "color-contrast"),
])
def test_axe_sees_what_is_wrong(browser: Browser, html: str, rule: str, known: Mapping[str, Known]) -> None:
    found = judged(browser, f"<!DOCTYPE html><html lang=en><title>a</title>{html}", "light", 640, known["axe"])
    assert [each for each in found if each.startswith(rule)]


def test_what_the_dark_side_hides_is_seen(browser: Browser, known: Mapping[str, Known]) -> None:
    html = "<!DOCTYPE html><html lang=en><title>a</title><body bgcolor=#777777><h1>a</h1><p><font color=white>Words"
    assert judged(browser, html, "inverted", 640, known["axe"]) != []
