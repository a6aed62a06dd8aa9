"""Characters: the sets hold what their names say, text is cleaned, and foreign text in messages is limited."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter import text

ANY = st.text(st.characters())
EVERY = [chr(number) for number in range(0x110000)]


def members(characters: str) -> set[str]:
    found = re.compile(f"[{characters}]")
    return {each for each in EVERY if found.match(each)}


def test_each_set_of_characters_holds_what_unicode_says() -> None:
    assert members(text.CONTROLS) == {each for each in EVERY if unicodedata.category(each) == "Cc"}
    assert members(text.SURROGATES) == {each for each in EVERY if unicodedata.category(each) == "Cs"}
    assert members(text.BREAKS) == {each for each in EVERY if len(f"a{each}b".splitlines()) == 2}
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    assert members(text.BIDI) == {each for each in EVERY if unicodedata.bidirectional(each) in turning} | set(
        "\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}\N{ARABIC LETTER MARK}")
    assert {each for each in EVERY if unicodedata.category(each) == "Pd"} | {"\N{MINUS SIGN}"} <= members(text.DASHES)


def test_the_sets_of_controls_differ_in_what_ends_lines() -> None:
    controls = members(text.CONTROLS)
    assert controls - members(text.CONTROLS_IN_TEXT) == set("\t\n")
    assert controls - members(text.CONTROLS_OF_XML) == set("\t\n\r\x85")
    assert controls - members(text.CONTROLS_WITHOUT_WIDTH) == {each for each in controls if each.isspace()}


@pytest.mark.parametrize(("written", "clean"), [
    ("  Ann   Lee ", "Ann Lee"),
    ("Ann\r\nBcc: x@example.net", "Ann Bcc: x@example.net"),
    ("A\u202enn\u202c\u200e", "Ann"),
    ("A\0n\x07n\x85", "A n n"),
    ("Zoe\u0308", "Zoë"),
    ("نیم\u200cفاصله", "نیم\u200cفاصله"),
    ("👩\u200d💻 Ada", "👩\u200d💻 Ada"),
    ("\ud800Ann\ufffe", "Ann"),
    ("soft\u00adhyphen", "softhyphen"),
])
def test_a_line_is_one_clean_line(written: str, clean: str) -> None:
    assert text.line(written) == clean


def test_a_line_is_cut_without_a_space_at_its_end() -> None:
    assert text.line("x" * 500, 100) == "x" * 100
    assert text.line("Ann Lee", 4) == "Ann"


@given(ANY)
def test_no_line_has_control_or_bidirectional_characters_and_cleaning_again_changes_nothing(written: str) -> None:
    clean = text.line(written, 100)
    assert not re.search(f"[{text.CONTROLS}{text.BREAKS}{text.BIDI}{text.SURROGATES}]", clean)
    assert len(clean) <= 100
    assert text.line(clean, 100) == clean


@given(ANY)
def test_lines_keep_their_ends_but_no_other_controls_and_cleaning_again_changes_nothing(written: str) -> None:
    clean = text.lines(written)
    assert not re.search(f"[{text.CONTROLS_IN_TEXT}{text.SURROGATES}]", clean)
    assert text.lines(clean) == clean


@given(ANY)
def test_text_quoted_in_a_message_is_printable_and_short(written: str) -> None:
    quoted = text.quoted(written)
    assert quoted.isprintable()
    assert len(quoted) <= 62


def test_every_dash_is_a_hyphen_where_hyphens_are_read() -> None:
    assert text.hyphened("−a–b—c‑d-e") == "-a-b-c-d-e"


@pytest.mark.parametrize(("word", "near"), [
    ("weakly", "weekly"), ("WEEKLI", "weekly"), ("Activ", "active"), ("nothing like it", ""), ("", ""),
    ("monthly" * 10_000, ""),
])
def test_the_nearest_word_is_found_regardless_of_case(word: str, near: str) -> None:
    assert text.nearest(word, ["weekly", "monthly", "active"]) == near


def test_neither_a_word_that_must_not_be_proposed_nor_the_next_best_is_proposed() -> None:
    """A9: "inactive" resembles "active" most, but a subscriber with that status wants no mail."""
    assert text.nearest("inactive", ["active", "inactiv1"], never=["active"]) == "inactiv1"
    assert text.nearest("actve", ["active", "inactive"], never=["active"]) == ""
    assert text.nearest("actve", ["inactive"], never=["active"]) == ""


def test_the_sentence_that_proposes_a_word() -> None:
    assert text.meant("weekly") == "Did you mean “weekly”?"
    assert text.meant("") == ""
