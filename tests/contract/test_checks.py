"""What must hold before a send: each check sees what breaks it, and a good issue passes."""

from dataclasses import replace
from typing import Any

import pytest

from newsletter.checks import RULES, Check, Rule, check_issue, check_template
from newsletter.checks.laid import Laid
from newsletter.checks.page import Page, page, text
from newsletter.checks.templates import Offered
from newsletter.model import Block, BlockSet, Edition, Entry, Interests, Manifest, Placeholder, Problem, Section
from newsletter.render.compile import Site, compile
from newsletter.render.template import Template
from newsletter.render.wire import quote

EDITION = Edition(Interests(("ai",)), frozenset(), (Section("ai", (Entry("s4"), Entry("s7")), more=2),))


@pytest.fixture(scope="module")
def blocks(weekly: Template, manifest: Manifest) -> BlockSet:
    return compile(weekly, manifest, language="en", site=Site("Desk, Exampleton", "https://news.example.org/issues/1"))


def block(html: str) -> Block:
    return Block("story:s4", (quote(html),), len(html.encode()))


def found(html: str) -> list[str]:
    """The problems that the rules for blocks find, each after its rule's id."""
    looked = page(block(html), "here")
    return [f"{rule.id}: {problem.found}" for rule in RULES.blocks for problem in rule.problems(looked)]


def changed(blocks: BlockSet, html: str) -> BlockSet:
    return replace(blocks, html={**blocks.html, "lead:s4": block(html)})


def problems(manifest: Manifest, blocks: BlockSet, *editions: Edition) -> dict[str, list[Problem]]:
    checks = check_issue(manifest, {"en": blocks}, editions or (EDITION,))
    return {each.rule.id: list(each.problems) for each in checks}


def test_a_good_issue_passes_every_check(manifest: Manifest, blocks: BlockSet) -> None:
    checks = check_issue(manifest, {"en": blocks}, [EDITION, replace(EDITION, sections=(), quiet=True)])
    assert [each.rule.id for each in checks if not each.holds] == []
    assert {each.rule.id: each.looked_at for each in checks}["size-clipped"] == "2 editions"
    assert len(checks) == len(RULES.blocks) + len(RULES.editions)


def test_each_rule_has_an_id_of_its_own_a_reason_and_a_fix() -> None:
    rules: list[Rule[Any]] = [*RULES.blocks, *RULES.editions, *RULES.templates]
    assert len({rule.id for rule in rules}) == len(rules)
    assert [rule.id for rule in rules if not (rule.why.endswith(".") and rule.cure.endswith("."))] == []


@pytest.mark.parametrize("address", [
    "https://a.example.org/x?y=1", "mailto:desk@example.org", "tel:+441234", "http://localhost:8000/x",
    "https://a.example:443/",
])
def test_a_whole_https_address_is_fine(address: str) -> None:
    assert found(f'<a href="{address}">words</a>') == []


@pytest.mark.parametrize(("address", "said"), [
    ("http://a.example.org/", "link-insecure: "), ("/x", "is not a complete https address"),
    ("", "(empty) is not a complete"), ("#top", "is not a complete https address"), ("javascript:x", "not a complete"),
    ("https://me:secret@a.example/", "link-credentials: "), ("https://192.0.2.7/", "link-number: "),
    ("https://[2001:db8::1]/", "goes to an IP address"), ("https://a.example:8443/", "link-port: "),
    ("https://bit.ly/x", "link-shortened: "), ("https://a.example:x/", "link-unreadable: "),
    ("mailto:", "not a complete"),
])
def test_an_address_that_filters_distrust_is_named(address: str, said: str) -> None:
    told = found(f'<a href="{address}">words</a>')
    assert any(said in each for each in told), told


@pytest.mark.parametrize(("words", "fine"), [
    ("a.example.org", True), ("www.a.example.org", True), ("example.org", True), ("Read it on other.example", True),
    ("https://a.example.org/x", True), ("other.example", False), ("https://ample.org", False), ("", False),
    ('<img src="https://a.example/p.png" alt="A ferry">', True), ('<img src="https://a.example/p.png" alt="">', False),
])
def test_a_link_has_words_and_one_that_names_a_host_goes_there(words: str, fine: bool) -> None:
    assert (found(f'<a href="https://www.a.example.org/">{words}</a>') == []) is fine


@pytest.mark.parametrize(("picture", "fine"), [
    ('src="https://a.example/p.png" alt=""', True), ('src="http://a.example/p.png" alt=""', False),
    ('src="https://a.example/p.png"', False), ('src="data:image/png;base64,x" alt=""', False),
])
def test_a_picture_is_at_an_https_address_and_has_words(picture: str, fine: bool) -> None:
    assert (found(f"<img {picture}>") == []) is fine


def test_a_fault_is_told_once_and_with_the_story_that_has_it(manifest: Manifest, blocks: BlockSet) -> None:
    bad = changed(blocks, '<a href="http://chess.example/">x</a><a href="http://chess.example/">y</a>')
    (problem,) = problems(manifest, bad)["link-insecure"]
    assert str(problem).startswith("story “Chess club bans phones")


def test_a_link_that_the_plain_text_lacks_is_named(manifest: Manifest, blocks: BlockSet) -> None:
    bad = changed(blocks, '<a href="https://nowhere.example/">x</a>')
    assert [each.found for each in problems(manifest, bad)["text-link"]] == [
        "the plain text lacks the link https://nowhere.example/"]
    other = replace(EDITION, sections=(Section("ai", (Entry("s7"),)),))
    assert problems(manifest, bad, other)["text-link"] == []


def test_an_address_that_only_begins_another_is_lacking(manifest: Manifest, blocks: BlockSet) -> None:
    bad = changed(blocks, '<a href="https://chess.example.org/rul">x</a>')
    assert len(problems(manifest, bad)["text-link"]) == 1


def test_an_edition_that_gmail_would_clip_is_named_with_its_topics(manifest: Manifest, blocks: BlockSet) -> None:
    (problem,) = problems(manifest, changed(blocks, "<p>" + "x" * 102_400 + "</p>"))["size-clipped"]
    assert problem.place == "the edition of ai"
    assert "Gmail hides" in problem.found


def test_slots_count_with_what_they_hold(manifest: Manifest, blocks: BlockSet) -> None:
    slots = tuple(Placeholder("subject", "html") for _ in range(2500))
    full = replace(blocks, html={**blocks.html, "lead:s4": Block("lead:s4", slots, 0)})
    assert len(problems(manifest, full)["size-clipped"]) == 1


def test_style_sheets_that_gmail_would_drop_are_named(manifest: Manifest, blocks: BlockSet) -> None:
    (problem,) = problems(manifest, changed(blocks, f"<style>{'p { margin: 0 } ' * 1100}</style>"))["size-styles"]
    assert "style sheets" in problem.found


def test_a_block_of_nothing_is_looked_at_too() -> None:
    assert page(Block("rest", (), 0), "here").links == ()
    assert text(Block("rest", (Placeholder("greeting", "text"),), 0)) == "words"


# --- A rule from outside ----------------------------------------------------------------------------------------


def _shouting(page: Page) -> list[Problem]:
    return [Problem(page.place, f"the link “{link.words}” shouts") for link in page.links if link.words.isupper()]


def _crowded(laid: Laid) -> list[Problem]:
    return [Problem("an edition", "more than one story")] if len(laid.edition.stories) > 1 else []


def _unnamed(offered: Offered) -> list[Problem]:
    return [] if offered.template.description else [Problem(offered.template.place("template.toml"), "no description")]


SHOUTING = Rule("link-shouting", "warning", "Nobody likes it.", "Write small letters.", _shouting)
CROWDED = Rule[Laid]("size-crowded", "error", "One is enough.", "Choose.", _crowded)
UNNAMED = Rule[Offered]("template-unnamed", "warning", "An editor cannot choose it.", "Write one.", _unnamed)


def test_a_rule_of_somebody_else_is_one_more_line_in_the_table(manifest: Manifest, blocks: BlockSet) -> None:
    rules = replace(RULES, blocks=(*RULES.blocks, SHOUTING), editions=(*RULES.editions, CROWDED))
    bad = changed(blocks, '<a href="https://chess.example.org/rules">BUY</a>')
    checks = {each.rule.id: each for each in check_issue(manifest, {"en": bad}, [EDITION], rules)}
    (shouts,) = checks["link-shouting"].problems
    assert shouts.found == "the link “BUY” shouts"
    assert shouts.cure == "Write small letters."
    assert checks["size-crowded"] == Check(
        CROWDED, "1 editions", (Problem("an edition", "more than one story", "Choose."),))


def test_a_rule_for_templates_can_come_from_outside_too(weekly: Template) -> None:
    (check,) = check_template(replace(weekly, description=""), ["en"], [UNNAMED])
    assert [str(problem) for problem in check.problems] == [
        "templates/weekly/template.toml: no description → Write one."]
    assert check.template == "weekly"
