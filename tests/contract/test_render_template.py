"""Templates and their words as an editor keeps them."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import TemplateError
from newsletter.render.template import Template, shipped
from newsletter.render.words import Words, direction


def copied(root: Path, **files: str) -> Path:
    """A project with its own copy of the weekly template, some files changed; `_` stands for the dot of the name."""
    folder = root / "templates" / "weekly"
    changed = {name.replace("_", "."): text for name, text in files.items()}
    for name, text in {**Template.load("weekly", root).files, **changed}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return root


def test_a_project_without_templates_gets_the_shipped_one(tmp_path: Path) -> None:
    assert Template.load("weekly", tmp_path).folder == (shipped() / "weekly").as_posix()


def test_a_project_s_own_template_comes_first(tmp_path: Path) -> None:
    template = Template.load("weekly", copied(tmp_path, template_toml='description = "Ours."'))
    assert template.description == "Ours."
    assert template.folder == "templates/weekly"
    assert template.place("story.mjml", 3) == "templates/weekly/story.mjml:3"


@pytest.mark.parametrize("name", ["wekly", "../weekly", "/etc", "", "weekly/", "WEEKLY", "a\x00b"])
def test_a_name_that_is_no_template_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(TemplateError, match="there is no template") as raised:
        Template.load(name, tmp_path)
    assert "weekly" in raised.value.cure


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "secret.txt"
    outside.write_text("secret")
    copied(tmp_path)
    (tmp_path / "templates" / "weekly" / "_out.txt").symlink_to(outside)
    with pytest.raises(TemplateError, match="leads out"):
        Template.load("weekly", tmp_path)


@pytest.mark.parametrize(("toml", "found"), [
    ("description = \n", r"template\.toml:1"), ('descripton = ""', "Did you mean “description”"),
    ('[blocks]\nstroy = "story.mjml"', "Did you mean “story”"), ('blocks = "story.mjml"', "no table"),
    ('[blocks]\nstory = "none.mjml"', r"none\.mjml: the file is missing"),
])
def test_a_fault_in_the_settings_is_named(tmp_path: Path, toml: str, found: str) -> None:
    with pytest.raises(TemplateError, match=found):
        Template.load("weekly", copied(tmp_path, template_toml=toml))


def test_a_file_that_is_not_utf_8_is_named_with_its_line(tmp_path: Path) -> None:
    copied(tmp_path)
    (tmp_path / "templates" / "weekly" / "story.mjml").write_bytes(b"a\nb \xff")
    with pytest.raises(TemplateError, match=r"story\.mjml:2: not UTF-8"):
        Template.load("weekly", tmp_path)


def test_the_hash_changes_with_any_file_or_word_and_with_nothing_else(tmp_path: Path) -> None:
    first = Template.load("weekly", copied(tmp_path)).hash
    assert Template.load("weekly", tmp_path).hash == first
    (tmp_path / "templates" / "locale").mkdir()
    (tmp_path / "templates" / "locale" / "de.po").write_text('msgid "Hello,"\nmsgstr "Moin,"\n')
    second = Template.load("weekly", tmp_path).hash
    (tmp_path / "templates" / "weekly" / "story.mjml").write_text("<mj-section />")
    assert len({first, second, Template.load("weekly", tmp_path).hash}) == 3


def test_a_project_changes_single_words_and_keeps_the_others(tmp_path: Path) -> None:
    (tmp_path / "templates" / "locale").mkdir(parents=True)
    (tmp_path / "templates" / "locale" / "de.po").write_text('msgid "Hello,"\nmsgstr "Moin,"\n')
    words = Template.load("weekly", tmp_path).words("de")
    assert words.gettext("Hello,") == "Moin,"
    assert words.gettext("Unsubscribe") == "Abmelden"


@pytest.mark.parametrize(("language", "word"), [
    ("de", "Abmelden"), ("de-AT", "Abmelden"), ("fr_CA", "Se désinscrire"), ("en", "Unsubscribe"),
    ("sv", "Unsubscribe"), ("xx-nonsense", "Unsubscribe"),
])
def test_words_come_in_the_language_else_in_english(weekly: Template, language: str, word: str) -> None:
    assert weekly.words(language).gettext("Unsubscribe") == word


def test_a_message_without_a_translation_stays_english(weekly: Template) -> None:
    assert weekly.words("de").gettext("Never translated: %(what)s", what="x") == "Never translated: x"


@pytest.mark.parametrize(("language", "number", "sentence"), [
    ("en", 1, "1 more story on the web"), ("en", 4, "4 more stories on the web"), ("de", 1, "1 weitere Meldung im Web"),
    ("fr", 0, "0 autre article sur le web"), ("sv", 2, "2 more stories on the web"),
])
def test_plurals_follow_the_language(weekly: Template, language: str, number: int, sentence: str) -> None:
    words = weekly.words(language)
    assert words.ngettext("%(num)d more story on the web", "%(num)d more stories on the web", number) == sentence


def test_a_greeting_reads_well_without_a_name(weekly: Template) -> None:
    assert weekly.words("en").greeting("Zoë") == "Hello Zoë,"
    assert weekly.words("en").greeting(" \n") == "Hello,"
    assert weekly.words("de").greeting("100 % Zoë") == "Guten Tag 100 % Zoë,"


@pytest.mark.parametrize(("language", "day", "long_day"), [
    ("en", "24 November", "Tuesday, 24 November 2026"), ("de", "24. November", "Dienstag, 24. November 2026"),
    ("fr", "24 novembre", "mardi 24 novembre 2026"), ("en-US", "November 24", "Tuesday, November 24, 2026"),
    ("zz", "24 November", "Tuesday, 24 November 2026"),
])
def test_dates_are_written_as_the_language_does(language: str, day: str, long_day: str) -> None:
    words = Words(language)
    assert words.day(date(2026, 11, 24)) == day
    assert words.long_day(date(2026, 11, 24)) == long_day


@pytest.mark.parametrize("language", ["ar", "he", "fa", "ur", "ar-EG"])
def test_some_languages_run_from_right_to_left(language: str) -> None:
    assert direction(language) == "rtl"


@given(st.text())
def test_no_language_tag_is_an_error(language: str) -> None:
    assert direction(language) in ("ltr", "rtl")
    assert Words(language).day(date(2026, 11, 24))
