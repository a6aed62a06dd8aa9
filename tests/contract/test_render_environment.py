"""What a template may do with Jinja, and what its author is told."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import TemplateError
from newsletter.model import Manifest
from newsletter.render import environment as jinja
from newsletter.render.compile import Site, names
from newsletter.render.template import Template


def rendered(weekly: Template, manifest: Manifest, source: str, **values: object) -> str:
    template = replace(weekly, files={**weekly.files, "one.mjml": source, "self.mjml": '{% include "self.mjml" %}'})
    words = template.words("de")
    slots: Mapping[str, str] = {"greeting": "Hallo"}
    made = jinja.environment(template, words, names(template, manifest, words, Site("Here"), slots), manifest.slot.zone)
    return jinja.render(made, template, "one.mjml", values)


@pytest.mark.parametrize("source", [
    "{{ ''.__class__.__mro__ }}", "{{ newsletter.__init__.__globals__ }}", "{{ story | attr('__class__') }}",
    "{{ range(10000000) | list | length }}",
    "{% for a in range(999) %}{% for b in range(999) %}{{ story.title }}{% endfor %}{% endfor %}",
    "{{ 'x' * 1000000000 }}", "{{ 9 ** 999999999 }}", "{{ '%1000000000d' % 1 }}", "{{ 'x'.ljust(1000000000) }}",
    "{{ 'x'.zfill(1000000000) }}", "{{ '{:1000000000}'.format(1) }}", "{{ story.tags.append('x') }}",
    '{% include "../../pyproject.toml" %}', '{% include "/etc/passwd" %}', '{% include "self.mjml" %}',
    "{{ 1 / 0 }}", "{{ story.title | brief('x') }}", "{{ story.date | day(1, 2) }}", "{{ story() }}", "{{ [1][4] }}",
])
def test_what_a_template_must_not_do_is_an_error_with_its_place(
    weekly: Template, manifest: Manifest, source: str,
) -> None:
    with pytest.raises(TemplateError) as raised:
        rendered(weekly, manifest, "\n" + source, story=manifest.candidates[0].story)
    assert raised.value.place.startswith("templates/weekly/")


@pytest.mark.parametrize(("source", "place", "found", "cure"), [
    ("\n\n{{ stroy }}", "one.mjml:3", "“stroy” is unknown", "“story”"),
    ("{{ story.titel }}", "one.mjml:1", "“titel” is no attribute of Story", "“title”"),
    ("\n{{ slot.greting }}", "one.mjml:2", "“greting” is no entry", "“greeting”"),
    ("{{ theme.light.inc }}", "one.mjml:1", "“inc” is no entry", "“ink”"),
    ("{{ story.picture.url.nope }}", "one.mjml:1", "“nope” is no attribute of str", ""),
])
def test_a_wrong_name_is_named_with_line_and_the_right_one(
    weekly: Template, manifest: Manifest, source: str, place: str, found: str, cure: str,
) -> None:
    with pytest.raises(TemplateError, match=found) as raised:
        rendered(weekly, manifest, source, story=manifest.candidates[0].story)
    assert raised.value.place == f"templates/weekly/{place}"
    assert cure in raised.value.cure


def test_the_place_of_an_error_in_an_included_file_is_that_file(weekly: Template, manifest: Manifest) -> None:
    with pytest.raises(TemplateError) as raised:
        rendered(weekly, manifest, '{% include "shared/_telling.mjml" %}', story="no story")
    assert raised.value.place == "templates/shared/_telling.mjml:1"


@given(st.text())
def test_every_value_is_escaped(weekly: Template, manifest: Manifest, value: str) -> None:
    story = replace(manifest.candidates[0].story, title=value)
    made = rendered(weekly, manifest, "{{ story.title }}{{ _('Hello %(name)s,', name=story.title) }}", story=story)
    assert not set('<>"\'') & set(made)


def test_data_is_never_a_template(weekly: Template, manifest: Manifest) -> None:
    story = replace(manifest.candidates[0].story, title="{{ 7 * 7 }}{% include 'x' %}")
    assert rendered(weekly, manifest, "{{ story.title }}", story=story) == "{{ 7 * 7 }}{% include &#39;x&#39; %}"


def test_words_dates_and_arithmetic_work(weekly: Template, manifest: Manifest) -> None:
    source = "{{ _('Unsubscribe') }}, {{ date | day }}, {{ 2 * 3 + 4 // 2 }}, {{ 'https://www.a.example/b' | host }}"
    assert rendered(weekly, manifest, source) == "Abmelden, 30. November, 8, a.example"


def test_a_time_is_shown_as_a_day_where_the_newsletter_is(weekly: Template, manifest: Manifest) -> None:
    story = replace(manifest.candidates[0].story, date=manifest.slot.instant.replace(hour=23, month=7, day=1))
    assert rendered(weekly, manifest, "{{ story.date | day }}", story=story) == "2. Juli"


@pytest.mark.parametrize(("spoken", "page", "attributes"), [
    ("", "en", ""), ("en-US", "en", ""), ("de", "en", ' lang="de" dir="ltr"'),
    ("ar", "en", ' lang="ar" dir="rtl" style="text-align:right"'),
    ("", "ar", ' lang="en" dir="ltr" style="text-align:left"'),
    ('"><x', "en", ' lang="&#34;&gt;&lt;x" dir="ltr"'),
])
def test_a_story_in_another_language_says_so(manifest: Manifest, spoken: str, page: str, attributes: str) -> None:
    assert jinja.tongue(replace(manifest.candidates[0].story, language=spoken), manifest, page) == attributes


@pytest.mark.parametrize(("spoken", "page", "attributes"), [
    ("", "en", ""), ("de", "fr", ""), ("he", "ar", ""), ("ar", "en", ' style="text-align:right"'),
    ("", "ar", ' style="text-align:left"'),
])
def test_words_beside_a_story_that_runs_the_other_way_stand_on_its_side(
    manifest: Manifest, spoken: str, page: str, attributes: str,
) -> None:
    assert jinja.turned(replace(manifest.candidates[0].story, language=spoken), manifest, page) == attributes
