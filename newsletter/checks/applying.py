"""The rules applied: to a frozen issue, over every block and every edition, and to a template."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from newsletter.checks.laid import Laid, press
from newsletter.checks.rule import Check, Rule
from newsletter.checks.rules import RULES, Rules
from newsletter.checks.templates import Offered
from newsletter.model import BlockSet, Edition, Manifest, Problem, spoken_in
from newsletter.render.layout import layout
from newsletter.render.template import Template

T = TypeVar("T")


def check_issue(
    manifest: Manifest, blocks: Mapping[str, BlockSet], editions: Iterable[Edition], rules: Rules = RULES,
) -> tuple[Check, ...]:
    """A check for each rule on whether every edition of the issue can be sent. A problem is reported once, however many
    blocks, languages and editions have it."""
    presses = {language: press(each, manifest) for language, each in blocks.items()}
    of_blocks, of_editions, count = _Findings(rules.blocks), _Findings(rules.editions), 0
    for each in presses.values():
        for page in each.pages.values():
            of_blocks.look(page)
    for edition in editions:
        count += 1
        if edition.interests.format == "html":
            of = presses[spoken_in(edition.interests.language, presses, manifest.newsletter.language)]
            of_editions.look(Laid(edition, layout(edition, manifest, of.words), of))
    compiled = sum(len(each.pages) for each in presses.values())
    return (*of_blocks.checks(f"{compiled} blocks"), *of_editions.checks(f"{count} editions"))


def check_template(
    template: Template, languages: Collection[str], rules: Sequence[Rule[Offered]] = RULES.templates,
) -> tuple[Check, ...]:
    """A check for each rule on whether the template can be used in the languages."""
    findings = _Findings(rules)
    findings.look(Offered(template, languages))
    return findings.checks(f"{len(template.files)} files in {', '.join(sorted(languages))}", template.name)


class _Findings(Generic[T]):
    """The problems that each rule has found so far, each once."""

    def __init__(self, rules: Sequence[Rule[T]]) -> None:
        self._rules = rules
        self._problems: list[dict[tuple[str, str], Problem]] = [{} for _ in rules]

    def look(self, subject: T) -> None:
        for rule, problems in zip(self._rules, self._problems, strict=True):
            for problem in rule.problems(subject):
                problems.setdefault((problem.place, problem.found), problem)

    def checks(self, looked_at: str, template: str = "") -> tuple[Check, ...]:
        return tuple(Check(rule, looked_at, tuple(problems.values()), template)
                     for rule, problems in zip(self._rules, self._problems, strict=True))
