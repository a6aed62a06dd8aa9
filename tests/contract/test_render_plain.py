"""Bodies of stories as plain text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.render.body import html
from newsletter.render.plain import lay_out
from newsletter.render.prose import width

TAGS = "p ul ol li blockquote pre table tr td th dl dt dd h2 em q hr br"
PIECES = [
    *(f"<{tag}>" for tag in TAGS.split()), *(f"</{tag}>" for tag in TAGS.split()),
    '<a href="https://a.example/b?c=d&amp;e">', "</a>", "word", " ", "\n", "日本語、", "é", "n" * 90,
    "1 &lt; 2 &amp; 3", "<!-- x -->", '<a href="mailto:x@example.org">',
]


@pytest.mark.parametrize(("body", "text"), [
    ("<p>One.</p><p>Two<br>lines.</p>", "One.\n\nTwo\nlines."),
    ("<h2>Why</h2>because <b>so</b>", "Why\n\nbecause so"),
    ("<p>See:</p><ul><li>a</li><li>b<ul><li>c</li></ul></li></ul><p>End</p>", "See:\n\n- a\n- b\n  - c\n\nEnd"),
    ('<ol start="9"><li><p>a</p><p>b</p></li><li>c</li></ol>', "9. a\n\n   b\n10. c"),
    ("<blockquote><p>Said</p><p>twice</p></blockquote>", "    Said\n\n    twice"),
    ("<pre>if x:\n    y</pre>", "    if x:\n        y"),
    ("<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>", "A | B\n1 | 2"),
    ("<dl><dt>A</dt><dd>is b</dd></dl>", "A\n    is b"),
    ("<p>She said <q>no</q></p>", "She said “no”"),
    ("1 &lt; 2 &amp;amp; 3", "1 < 2 &amp; 3"),
    ("", ""), (" <p> </p> ", ""),
])
def test_a_body_reads_as_it_was_meant(body: str, text: str) -> None:
    assert lay_out(html(body), "3") == text


def test_links_are_numbered_below_the_story_and_an_address_has_one_number() -> None:
    links = ("a", "One"), ("b", "two"), ("a", "three")
    body = ", ".join(f'<a href="https://{host}.example/">{words}</a>' for host, words in links)
    assert lay_out(html(f"<p>{body}</p>"), "3") == (
        "One [3.1], two [3.2], three [3.1]\n\n[3.1] https://a.example/\n[3.2] https://b.example/")


def test_the_story_s_own_link_has_its_number_alone_and_stands_first() -> None:
    body = '<a href="https://b.example/">b</a> <a href="https://own.example/">own</a>'
    assert lay_out(html(body), "3", "https://own.example/") == (
        "b [3.1] own [3]\n\n[3] https://own.example/\n[3.1] https://b.example/")


def test_a_link_that_reads_as_its_address_needs_no_number() -> None:
    assert lay_out(html('<a href="https://a.example/">https://a.example/</a>'), "3") == "https://a.example/"


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_whatever_a_body_is_its_lines_fit_and_its_words_and_links_are_there(body: str) -> None:
    cleaned = html(body)
    text = lay_out(cleaned, "3")
    assert all(width(line) <= 72 or "://" in line or "mailto:" in line for line in text.splitlines())
    assert not re.search(r"</?[a-z]+>|&(?:amp|lt);|[ \t]\n|\n\n\n", text)
    assert "".join(text.split()).count("word") == str(cleaned).count("word")
    assert all(address.replace("&amp;", "&") in text for address in re.findall('href="([^"]+)"', str(cleaned)))


@given(st.integers(0, 60))
def test_deep_indentation_stops_before_there_is_no_room(depth: int) -> None:
    text = lay_out(html("<blockquote>" * depth + "word " * 30), "3")
    assert text.count("word") == 30
    assert max(width(line) for line in text.splitlines()) <= 72
