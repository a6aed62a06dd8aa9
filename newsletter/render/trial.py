"""A template tried on stories before an issue needs it: what Jinja, MJML or the CSS inliner will refuse."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from newsletter.errors import TemplateError
from newsletter.model import Manifest, Problem
from newsletter.render.compile import Site, body, compile, names, parts_of
from newsletter.render.environment import environment, render
from newsletter.render.lint import lint
from newsletter.render.placeholders import PLACEHOLDERS
from newsletter.render.template import FRAME, Template, text_twin

_Rendering = tuple[str, Callable[[], str]]
"""A file, and what renders it."""


def faults(template: Template, manifest: Manifest, *, language: str, site: Site) -> tuple[Problem, ...]:
    """The faults that compiling the issue in a language raises, each once; none if it compiles.

    Every block is rendered alone first, so that one fault hides none of another block. Only what renders, and what
    `lint` finds nothing wrong with, is compiled.
    """
    try:
        found = _caught(_renderings(template, manifest, language, site))
        if not found and not lint(template):
            compile(template, manifest, language=language, site=site)
        return found
    except TemplateError as error:
        return (_problem(error),)


def _renderings(template: Template, manifest: Manifest, language: str, site: Site) -> Iterator[_Rendering]:
    words = template.words(language)
    own = names(template, manifest, words, site, {placeholder: placeholder for placeholder in PLACEHOLDERS})
    jinja = environment(template, words, own, manifest.slot.zone)
    for frame in (FRAME, text_twin(FRAME)):
        yield frame, partial(render, jinja, template, frame, {"body": ""})
    for part in parts_of(manifest, language):
        file = template.blocks.get(part.kind, "")
        yield from ((each, partial(body, jinja, template, part, each)) for each in (file, text_twin(file)))


def _caught(renderings: Iterable[_Rendering]) -> tuple[Problem, ...]:
    found: dict[tuple[str, str], Problem] = {}
    endless = set[str]()
    for file, rendering in renderings:
        try:
            if file not in endless:  # it takes a second to find that out
                rendering()
        except TemplateError as error:
            found.setdefault((error.place, error.found), _problem(error))
            if isinstance(error.__cause__, RecursionError):
                endless.add(file)
    return tuple(found.values())


def _problem(error: TemplateError) -> Problem:
    return Problem(error.place, error.found, error.cure)
