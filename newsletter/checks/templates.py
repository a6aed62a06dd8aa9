"""Templates: their sources, whether they compile, and their words in each language."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from newsletter.checks.rule import Rule
from newsletter.checks.sample import MANIFEST, SITE
from newsletter.errors import TemplateError
from newsletter.model import Problem
from newsletter.render import catalogue, trial
from newsletter.render.lint import lint
from newsletter.render.template import Template


@dataclass(frozen=True)
class Offered:
    """A template and the languages that subscribers can choose."""

    template: Template
    languages: Collection[str]


def _sources(offered: Offered) -> Iterator[Problem]:
    yield from lint(offered.template)


def _compiling(offered: Offered) -> Iterator[Problem]:
    """The problems of compiling the sample issue in each language, except in lines that `lint` has already reported."""
    known = {problem.place for problem in lint(offered.template)}
    for language in sorted(offered.languages):
        for problem in trial.faults(offered.template, MANIFEST, language=language, site=SITE):
            if problem.place not in known:
                yield problem


def _words(offered: Offered) -> Iterator[Problem]:
    for language in sorted(offered.languages):
        try:
            yield from catalogue.missing(offered.template, language)
        except TemplateError as error:
            yield Problem(error.place, error.found, error.cure)


WORDS = Rule(
    "template-words", "warning", "Subscribers with another language get English words among their own.",
    "Add the translation to the catalogue in templates/locale/.", _words,
)
RULES: tuple[Rule[Offered], ...] = (
    Rule("template-source", "error", "MJML passes misspelt tags and attributes through without an error.",
         "Correct the line.", _sources),
    Rule("template-compile", "error", "An issue cannot be prepared with a template that does not compile.",
         "Correct the line.", _compiling),
    WORDS,
)
