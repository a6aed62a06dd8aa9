"""A story's body in a mail: its headings in order, and its opening where the whole is too long."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from newsletter.render.body import html, opening
from newsletter.render.markup import depth

headings = st.lists(st.integers(1, 6), max_size=12)


@given(headings, st.integers(2, 5))
def test_headings_begin_at_the_level_asked_for_and_skip_none(levels: list[int], level: int) -> None:
    made = html("".join(f"<h{each}>x</h{each}><p>y</p>" for each in levels), level)
    assert made.count("</h") == len(levels)
    got = [int(each) for each in re.findall(r"<h(\d)>x</h\1>", made)]
    assert len(got) == len(levels)
    assert got[:1] in ([], [level])
    assert all(level <= after <= min(6, before + 1) for before, after in pairwise(got))


def test_a_heading_of_a_higher_rank_stays_above_the_others() -> None:
    assert html("<h2>a</h2><h3>b</h3><h2>c</h2>", 3) == "<h3>a</h3><h4>b</h4><h3>c</h3>"
    assert html("<h3>a</h3><h4>b</h4>") == "<h4>a</h4><h5>b</h5>"


@pytest.mark.parametrize(("size", "left"), [(10_000, 3), (600, 2), (1, 1)])
def test_an_opening_is_whole_paragraphs_and_at_least_the_first(size: int, left: int) -> None:
    body = html("<p>one <b>two</b></p><ul><li>three</li></ul><p>four</p>")
    assert opening(body, size).count("</p>") + opening(body, size).count("</ul>") == left


@given(st.lists(st.sampled_from(["<p>a", "</p>", "<br>", "b", "<ul><li>c</ul>", "<blockquote>", "&amp;", "<hr>"])),
       st.integers(0, 2000))
def test_an_opening_is_balanced_and_is_how_the_body_begins(pieces: list[str], size: int) -> None:
    body = html("".join(pieces))
    begin = opening(body, size)
    assert body.startswith(begin)
    etree.fromstring(f"<p>{begin}</p>".replace("<br>", "<br/>").replace("<hr>", "<hr/>"))


def test_a_body_that_fits_is_its_own_opening() -> None:
    body = html("<p>one</p>two<p>three</p>four")
    assert opening(body, 10_000) == body


BROKEN = ["<p>", "</p>", "<b>", "<ul><li>", "<h1>", "</h2>", "<img src=x>", "<script>", "x<y", "</mj-text>", "&", '"']


@given(st.lists(st.sampled_from(BROKEN)).map("".join))
def test_a_body_is_balanced_whatever_it_was(body: str) -> None:
    made = html(body)
    etree.fromstring(f"<p>{made}</p>")
    assert not re.search("<(script|img|h[123]|/?mj-text)", made)


def test_a_body_keeps_its_words_its_links_and_its_lists() -> None:
    body = '<h2>Why</h2><p lang="de"><a href="https://a.example/?a=1&amp;b=2">x</a> <a href="javascript:y">y</a></p>'
    assert html(body) == '<h4>Why</h4><p lang="de"><a href="https://a.example/?a=1&amp;b=2">x</a> <a>y</a></p>'


def test_a_body_nested_too_deep_gives_its_words() -> None:
    made = html("<blockquote>" * 5000 + "word" + "</blockquote>" * 5000)
    assert depth(made) == 0
    assert "word" in made
