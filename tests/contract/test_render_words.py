"""The words of the templates in every language: all there, in the right form, with numbers as it writes them."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import TemplateError
from newsletter.render import catalogue
from newsletter.render.template import FRAME, Template, shipped
from newsletter.render.words import Words

TEMPLATES = sorted(file.parent.name for file in shipped().glob(f"*/{FRAME}"))
LANGUAGES = ("ar", "de", "es", "fr")
STORIES = ("%(num)d more story on the web", "%(num)d more stories on the web")


def test_the_languages_that_we_ship_are_these(weekly: Template) -> None:
    assert set(weekly.languages) == {"en", *LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TEMPLATES)
def test_no_word_of_a_template_is_missing(tmp_path: Path, name: str, language: str) -> None:
    assert [str(each) for each in catalogue.missing(Template.load(name, tmp_path), language)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_catalogue_has_a_word_that_nothing_says(tmp_path: Path, language: str) -> None:
    templates = [Template.load(name, tmp_path) for name in TEMPLATES]
    said = {message.id for template in templates for message in catalogue.messages(template)}
    kept = {message.id for message in templates[0].words(language).catalogue if message.id}
    assert kept - said == set()


@pytest.mark.parametrize(("language", "number", "sentence"), [
    ("ar", 1, "خبر واحد آخر على الويب"), ("ar", 2, "خبران آخران على الويب"), ("ar", 5, "5 أخبار أخرى على الويب"),
    ("ar", 11, "11 خبرًا آخر على الويب"), ("ar", 100, "100 خبر آخر على الويب"), ("ar", 103, "103 أخبار أخرى على الويب"),
    ("es", 1, "1 noticia más en la web"), ("es", 0, "0 noticias más en la web"),
    ("fr", 1, "1 autre article sur le web"), ("de", 2, "2 weitere Meldungen im Web"),
])
def test_each_language_has_its_own_plurals(weekly: Template, language: str, number: int, sentence: str) -> None:
    assert weekly.words(language).ngettext(*STORIES, number) == sentence


@given(number=st.integers(0, 10_000), language=st.sampled_from(LANGUAGES))
def test_every_number_has_a_form_in_every_language(weekly: Template, number: int, language: str) -> None:
    words = weekly.words(language)
    told = words.ngettext(*STORIES, number)
    assert told not in ("", *STORIES)
    assert "%" not in told
    assert words.number(number) in told or number < 3


@pytest.mark.parametrize(("language", "number"), [
    ("en", "12,345.5"), ("de", "12.345,5"), ("fr", "12\u202f345,5"), ("es", "12.345,5"), ("ar", "12,345.5"),
])
def test_numbers_are_written_as_the_language_does(language: str, number: str) -> None:
    assert Words(language).number(12345.5) == number


def test_a_list_is_parted_as_the_language_does(weekly: Template) -> None:
    assert weekly.words("en").listed(["a", "b"]) == "a, b"
    assert weekly.words("ar").listed(["a", "b"]) == "a، b"


# --- What is missing is named ---------------------------------------------------------------------------------


def own_words(weekly: Template, french: str) -> Template:
    """A template with words of its own in line 2 of a file, and what a project's French catalogue says of them."""
    source = '\n{{ _("Good to know, %(name)s") }} {{ ngettext("%(num)d cat", "%(num)d cats", 3) }}'
    catalogues = {"fr": (*weekly.catalogues["fr"], french)}
    return replace(weekly, files={**weekly.files, "_own.mjml": source}, catalogues=catalogues)


CATS = 'msgid "%(num)d cat"\nmsgid_plural "%(num)d cats"\nmsgstr[0] "%(num)d chat"\nmsgstr[1] "%(num)d chats"\n'
KNOW = 'msgid "Good to know, %(name)s"\nmsgstr "Bon à savoir, %(name)s"\n'


@pytest.mark.parametrize(("french", "found"), [
    (KNOW + "\n" + CATS, []),
    (KNOW, ["“%(num)d cat” is not translated (fr)"]),
    (KNOW.replace("Bon à savoir, %(name)s", "") + "\n" + CATS, ["“Good to know, %(name)s” is not translated (fr)"]),
    ("#, fuzzy\n" + KNOW + "\n" + CATS, ["“Good to know, %(name)s” has a translation that is marked as fuzzy (fr)"]),
    (KNOW + "\n" + CATS.replace('"%(num)d chats"', '""'), ["“%(num)d cat” has 1 of 2 plural forms (fr)"]),
    (KNOW + "\n" + CATS.replace("%(num)d chat\"", "un chat\""), []),
    (KNOW.replace("savoir, %(name)s", "savoir, %(nom)s") + "\n" + CATS,
     ["“Good to know, %(name)s” has an unknown %(nom)s in its translation (fr)"]),
    (KNOW.replace("savoir, %(name)s", "savoir") + "\n" + CATS,
     ["“Good to know, %(name)s” has no %(name)s in its translation (fr)"]),
])
def test_a_word_that_a_language_lacks_is_named_with_file_line_and_cure(
    weekly: Template, french: str, found: list[str],
) -> None:
    problems = [each for each in catalogue.missing(own_words(weekly, french), "fr") if "_own" in each.place]
    assert [each.found for each in problems] == found
    assert all(each.place.endswith("/weekly/_own.mjml:2") for each in problems)
    assert all("templates/locale/fr.po" in each.cure for each in problems)


def test_english_lacks_nothing_and_a_language_without_a_catalogue_lacks_all(weekly: Template) -> None:
    assert catalogue.missing(weekly, "en") == catalogue.missing(weekly, "en-US") == []
    assert len(catalogue.missing(weekly, "sv")) == len(catalogue.messages(weekly))


@pytest.mark.parametrize(("source", "line"), [("nonsense\n", 1), ('msgid "a"\nmsgstr "b"\n\nmsgid c\n', 4)])
def test_a_broken_catalogue_is_named_with_its_line(source: str, line: int) -> None:
    with pytest.raises(TemplateError, match=rf"templates/locale/fr\.po:{line}: no gettext catalogue"):
        _ = Words("fr", (source,)).translations
