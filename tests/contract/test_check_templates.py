"""E2: what `check` says of a template is what `prepare` will say, and each fault is one problem."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.checks import check_template
from newsletter.checks.sample import MANIFEST, SITE
from newsletter.errors import TemplateError
from newsletter.render import compile as compiling
from newsletter.render.template import Template

ROOT = Path(__file__).parents[2]


def edited(template: Template, **additions: str) -> Template:
    """The template with something added to files: `story` stands for story.mjml, `text__story` for text/story.txt."""
    files = {**template.files}
    for name, addition in additions.items():
        file = name.replace("__", "/") + (".txt" if name.startswith("text") else ".mjml")
        files[file] = files.get(file, "") + addition
    return replace(template, files=files)


def found(template: Template, *languages: str) -> list[str]:
    checks = check_template(template, languages or ("en",))
    return [f"{check.rule.id} {problem}" for check in checks for problem in check.problems]


def refused(template: Template) -> bool:
    """Whether `prepare` could not use the template."""
    try:
        compiling.compile(template, MANIFEST, language="en", site=SITE)
    except TemplateError:
        return True
    return False


@pytest.mark.parametrize("name", ["weekly", "briefing", "single"])
def test_the_shipped_templates_hold_in_every_language(weekly: Template, name: str) -> None:
    template = replace(weekly) if name == "weekly" else Template.load(name, ROOT)
    assert found(template, "en", "de", "ar") == []


@pytest.mark.parametrize(("additions", "said"), [
    ({"story": '{% include "story.mjml" %}'}, "story.mjml: the file includes or calls itself without end"),
    ({"story": '{% include "_a.mjml" %}', "_a": '{% include "_b.mjml" %}' * 2, "_b": '{% include "_a.mjml" %}' * 2},
     "story.mjml: the file includes or calls itself without end"),
    ({"text__story": '{% include "text/story.txt" %}'},
     "text/story.txt: the file includes or calls itself without end"),
    ({"story": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"},
     "story.mjml: the file includes or calls itself without end"),
    ({"shared/_meta": "\n{{ stroy.title }}"}, "_meta.mjml:4: “stroy” is unknown → Did you mean “story”?"),
    ({"story": "{{ story.title | brief('x') }}"}, "story.mjml:15: '<=' not supported"),
    ({"text__story": "{{ story.titel }}"}, "text/story.txt:5: “titel” is no attribute of Story"),
    ({"story": "{% if not story.link and story.picture %}{{ story.titel }}{% endif %}"}, "“titel” is no attribute"),
    ({"story": "{% if story.title | nope %}{% endif %}"}, "there is no filter “nope” → Remove the filter."),
    ({"shared/_meta": "{% if story.title | nope %}{% endif %}"}, "there is no filter “nope”"),
])
def test_what_prepare_refuses_is_a_problem_with_its_place(
    weekly: Template, additions: Mapping[str, str], said: str,
) -> None:
    template = edited(weekly, **additions)
    problems = found(template)
    assert any(said in problem for problem in problems), problems
    assert refused(template)


@pytest.mark.parametrize("file", ["frame.mjml", "text/frame.txt"])
@pytest.mark.parametrize("instead", ["", "{% if false %}{{ body }}{% endif %}"])
def test_a_frame_without_the_stories_is_a_problem(weekly: Template, file: str, instead: str) -> None:
    frame = weekly.files[file].replace("{{ body }}", instead)
    template = replace(weekly, files={**weekly.files, file: frame})
    assert len(found(template)) == 1
    assert refused(template)


def test_a_key_that_was_taken_out_of_the_theme_is_a_problem(weekly: Template) -> None:
    light = weekly.theme["light"]
    assert isinstance(light, Mapping)
    without = {key: value for key, value in light.items() if key != "paper"}
    template = replace(weekly, theme={**weekly.theme, "light": without})
    assert all("“paper” is no entry" in problem for problem in found(template))
    assert refused(template)


def test_each_fault_is_one_problem_however_many_blocks_and_languages_meet_it(weekly: Template) -> None:
    template = edited(weekly, story="{{ story.titel }}", topic="{{ topic.lable }}", text__more="{{ x }}{{ y }}")
    problems = found(template, "en", "de", "fr")
    assert len(problems) == len(set(problems)) == 4


def test_a_fault_in_one_language_alone_is_found(weekly: Template) -> None:
    sentence = "You get %(title)s because you signed up for it, on these topics:"
    own = f'msgid "{sentence}"\nmsgstr "%(titel)s"\n'
    template = replace(weekly, catalogues={**weekly.catalogues, "de": (*weekly.catalogues["de"], own)})
    assert found(template, "en") == []
    rules = [problem.split()[0] for problem in found(template, "de")]
    assert rules == ["template-compile", "template-compile", "template-words"]


def test_a_catalogue_that_cannot_be_read_is_a_problem(weekly: Template) -> None:
    template = replace(weekly, catalogues={**weekly.catalogues, "de": ("msgid x",)})
    assert all("templates/locale/de.po" in problem for problem in found(template, "de"))
    assert len(found(template, "de")) == 2


def test_what_is_wrong_with_the_sources_is_not_said_twice(weekly: Template) -> None:
    template = edited(weekly, story="{{ stroy }}")
    assert [problem.split()[0] for problem in found(template)] == ["template-source"]
