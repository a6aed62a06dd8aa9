"""Plain words: widths, cuts, line ends."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.render.prose import brief, cut, heading, minutes, width, wrap


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"]) | st.sampled_from(" \n日本語、。é👩‍👩‍👧")))
def test_lines_keep_the_columns_unless_they_hold_an_address(text: str) -> None:
    assert all(width(line) <= 72 or "://" in line for line in wrap(text).splitlines())


@given(st.text("abcdefg 日é", min_size=1), st.integers(0, 72), st.sampled_from(["", "- ", " " * 24]))
def test_a_line_that_is_partly_taken_and_indented_ones_keep_the_columns_too(text: str, taken: int, rest: str) -> None:
    first, *others = wrap(text, rest=rest, taken=taken).split("\n")
    assert taken + width(first) <= 72
    assert all(width(line) <= 72 and line.startswith(rest.rstrip()) for line in others)
    assert "".join("".join([first, *(line.removeprefix(rest) for line in others)]).split()) == "".join(text.split())


def test_a_word_too_long_for_a_line_is_broken_and_an_address_is_not() -> None:
    assert [width(line) for line in wrap("n" * 100).splitlines()] == [72, 28]
    assert wrap("https://a.example/" + "n" * 100).count("\n") == 0


def test_items_hang_and_a_number_that_is_filled_later_counts_two_columns() -> None:
    slot = "n" + "0123456789abcdef0123" + "n"
    text = wrap(f"{slot}number{slot}. " + "word " * 20, rest="   ")
    assert text.startswith(f"{slot}number{slot}. word")
    assert width(text.split("\n")[0]) == 72 - 4
    assert text.split("\n")[1].startswith("   word")


def test_a_heading_is_underlined_as_far_as_it_goes() -> None:
    assert heading("Trade", "-") == "Trade\n-----"
    assert heading("貿易", "=") == "貿易\n===="
    assert heading("word " * 20, "-").split("\n")[-1] == "-" * 69


@given(st.text("abc \n日本語、。é"))
def test_wrapping_loses_and_adds_no_character(text: str) -> None:
    assert "".join(wrap(text).split()) == "".join(text.split())


@given(st.lists(st.text("abcdé", min_size=1, max_size=12), min_size=1))
def test_words_stay_whole_and_in_order(words: list[str]) -> None:
    assert wrap(" ".join(words)).split() == words


def test_wide_characters_count_two_and_lines_may_end_between_them() -> None:
    assert [width(line) for line in wrap("日本語" * 30).splitlines()] == [72, 72, 36]


def test_a_line_never_starts_with_a_closing_sign() -> None:
    assert not any(line.startswith("。") for line in wrap("日" * 36 + "。" + "日" * 35 + "。" + "x").splitlines())


def test_paragraphs_stay_apart_and_an_address_stays_whole() -> None:
    address = "https://example.org/" + "a" * 90
    assert wrap(f"One\nparagraph.\n\n \nSee {address} there.") == f"One paragraph.\n\nSee\n{address}\nthere."


@pytest.mark.parametrize(("text", "limit", "short"), [
    ("short", 5, "short"), ("shorter", 5, "shor…"), ("one two three four", 17, "one two three…"),
    ("e\u0301" * 9, 4, "e\u0301" * 3 + "…"), ("👩‍👩‍👧" * 9, 3, "👩‍👩‍👧" * 2 + "…"), ("well, then", 6, "well…"),
])
def test_text_is_cut_between_what_a_reader_takes_for_characters(text: str, limit: int, short: str) -> None:
    assert cut(text, limit) == short


@given(st.text(), st.integers(2, 50))
def test_a_cut_never_leaves_a_mark_alone_or_grows(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert len(short) <= max(len(text), limit)
    if short != text:
        rest = text[len(short) - 1:]
        assert not unicodedata.combining(rest[0]) or short == "…"


def test_a_brief_is_whole_sentences_if_that_keeps_the_half() -> None:
    assert brief("One two three. Four five six.", 5) == "One two three."
    assert brief("One. Two three four five six seven.", 5) == "One. Two three four five…"
    assert brief("One two.", 5) == "One two."


@given(st.text(), st.integers(1, 60))
def test_a_brief_has_no_more_words_than_asked_for(text: str, words: int) -> None:
    assert len(brief(text, words).split()) <= words


def test_reading_takes_a_minute_at_least_and_wide_scripts_take_time_too() -> None:
    assert minutes("") == 1
    assert minutes("word " * 660) == 3
    assert minutes("日" * 880) == 2
