"""HTML cleaned before a template uses it, and text cleaned before a header uses it."""

import re
import unicodedata
from itertools import chain
from urllib.parse import urlsplit

import mjml
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from newsletter.sources.clean import ALLOWED, MAX_DEPTH, clean, paragraphs
from newsletter.sources.link import absolute, canonical, on_web
from newsletter.sources.plain import CLOSERS, SENTENCE_END, beginning, cut, plain, text_of, unmarked

BASE = "https://news.example/a/b"
SCRAPS = st.sampled_from(
    [
        "<p>",
        "</p>",
        "<b>",
        "</b>",
        "<a href='https://x.example/?a=1&b=2' title='q\"&lt;'>",
        "</a>",
        "<ul>",
        "<li>",
        "</ul>",
        "<br>",
        "<br/>",
        "</br>",
        "<hr>",
        "<blockquote>",
        "</blockquote>",
        "<pre>",
        "</pre>",
        "<code>",
        "<h1>",
        "</h1>",
        "<h3>",
        "<table><tr><td>",
        "</table>",
        "<div>",
        "</div>",
        "<script>alert(1)</script>",
        "<style>p{}</style>",
        "<svg><a>",
        "</svg>",
        "<math><mtext>",
        "<mj-raw>",
        "</mj-text>",
        "</mjml>",
        "<!--[if mso]>",
        "<![endif]-->",
        "<![CDATA[",
        "]]>",
        "<?php",
        "?>",
        "<!DOCTYPE x>",
        "&nbsp;",
        "&#0;",
        "&#x202e;",
        "&lt;",
        "&",
        "<",
        ">",
        "\x00",
        "\ud800",
        "￾",
        " ",
        "\n",
        "text",
        "é",
        "👩‍👩",
        "<img src='/i.png' alt='x'>",
        "<a href='java\tscript:x'>",
        "<a href='&#106;avascript:x'>",
        "<a href=' data:text/html,x'>",
        "<p onclick='x' style='y' class=z>",
        "<iframe src='https://x.example'>",
        "<template>",
        "<select>",
        "<textarea>",
        "<title>",
    ]
)
MARKUP = st.lists(SCRAPS | st.text(max_size=6), max_size=25).map("".join)


def tree(body: str) -> etree._Element:
    """The body as strict XML, or an error."""
    return etree.fromstring(f"<root>{body}</root>", etree.XMLParser(resolve_entities=False))


@given(MARKUP)
@settings(max_examples=300, deadline=None)
@example("<b><p>a</p><p>b</p></b>")
@example("<p>" * 50 + "<blockquote>" * 150 + "x")
@example("<svg></p><style><a title='</style><img src=x onerror=alert(1)>'>")
def test_any_input_gives_only_allowed_tags_attributes_and_schemes(markup: str) -> None:
    root = tree(clean(markup, BASE).body)
    for element in root.iterdescendants():
        assert element.tag in ALLOWED
        assert set(element.attrib) <= ({"href", "title"} if element.tag == "a" else set())
        if element.tag == "a":
            link = urlsplit(element.attrib["href"])
            assert link.scheme in ("http", "https", "mailto")
            assert link.scheme == "mailto" or link.netloc
    assert all(block.tag in ("p", "ul", "ol", "blockquote", "pre", "h3", "h4") for block in root)
    assert not (root.text or "").strip()


@given(MARKUP)
@settings(max_examples=100, deadline=None)
def test_cleaning_twice_keeps_the_same_words(markup: str) -> None:
    once = clean(markup, BASE).body
    assert text_of(clean(once, BASE).body) == text_of(once)


@given(MARKUP)
@settings(max_examples=150, deadline=None)
def test_mjml_takes_every_clean_body_and_shows_its_words(markup: str) -> None:
    body = clean(markup, BASE).body
    page = mjml.mjml2html(
        f"<mjml><mj-body><mj-section><mj-column><mj-text>{body}</mj-text></mj-column></mj-section></mj-body></mjml>"
    )
    assert re.sub(r"\s", "", body) in re.sub(r"\s", "", page)


@given(st.text())
@settings(max_examples=100, deadline=None)
def test_plain_text_survives_as_paragraphs(text: str) -> None:
    shown = [" ".join(element.itertext()).split() for element in tree(paragraphs(text))]
    kept = "".join(c for c in text if c.isspace() or unicodedata.category(c) not in ("Cc", "Cs", "Cn"))
    assert [c for c in "".join(chain.from_iterable(shown)) if unicodedata.category(c) != "Cn"] == list(
        "".join(kept.split())
    )


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "java\nscript:x",
        " \x01javascript:x",
        "vbscript:x",
        "data:text/html;base64,x",
        "file:///etc/passwd",
        "ftp://x.example/",
        "//",
        "https://",
        "https:///x",
        "http://a:b@x.example/",
        "https://bank.example@evil.example/",
        "mailto:",
        "https:\\\\evil.example",
        "tel:1",
        "",
        " ",
        "https://x.example:99999/",
        "\ud800",
        "https://x\u2028y/",
        "x" * 70_000,
    ],
)
def test_a_link_that_leads_nowhere_safe_is_removed(link: str) -> None:
    assert on_web(link) == ""
    assert clean(f"<p><a href='{link}'>words</a></p>").body in ("<p>words</p>", "")


@pytest.mark.parametrize(
    "entity",
    [
        "&#106;avascript:x",
        "&#x6A;avascript:x",
        "java&Tab;script:x",
        "java&NewLine;script:x",
        "javascript&colon;x",
        "&#0000106avascript:x",
    ],
)
def test_entities_do_not_hide_a_scheme(entity: str) -> None:
    assert clean(f'<p><a href="{entity}">words</a></p>', BASE).body == "<p>words</p>"


@given(st.text(max_size=40), st.sampled_from(["", BASE, "https://x.example", "nonsense"]))
@settings(max_examples=300)
def test_an_absolute_link_is_ascii_of_one_line_and_stays_itself(link: str, base: str) -> None:
    whole = absolute(link, base)
    assert re.fullmatch(r"(?:(?:https?://|mailto:)[!-~]+)?", whole)
    assert absolute(whole) == whole


def test_relative_links_are_resolved_against_the_story() -> None:
    body = clean("<a href='/x?a=1&b=2'>one</a> <a href='c'>two</a> <a href='?q'>three</a>", BASE).body
    assert re.findall('href="(.*?)"', body) == [
        "https://news.example/x?a=1&#38;b=2",
        "https://news.example/a/c",
        "https://news.example/a/b?q",
    ]


def test_tracking_fragment_and_default_port_do_not_change_the_identity() -> None:
    spellings = [
        "HTTPS://News.Example:443/A?b=1",
        "https://news.example/A?utm_source=x&b=1&fbclid=y#top",
        "https://news.example/A?b=1&gclid=1",
    ]
    assert {canonical(absolute(each)) for each in spellings} == {"https://news.example/A?b=1"}
    assert canonical("https://news.example") == "https://news.example/"
    assert canonical("http://[2001:db8::1]:8080/x") == "http://[2001:db8::1]:8080/x"


def test_ten_thousand_tags_inside_one_another_keep_their_words_and_cost_no_depth() -> None:
    for nest in ("<b>", "<blockquote>", "<div>", "<blockquote/>", "<svg><g>", "<a href='/x'><p>", "<ul><li>"):
        cleaned = clean(nest * 10_000 + "the matter", BASE)
        assert "the matter" in text_of(cleaned.body) or nest.startswith("<svg")
        assert _depth(tree(cleaned.body)) <= MAX_DEPTH + 5
    assert _depth(tree(clean("<blockquote>" * 150 + "<b>the matter</b>", BASE).body)) <= MAX_DEPTH + 5


def _depth(element: etree._Element) -> int:
    return 1 + max(map(_depth, element), default=0)


def test_headings_sink_below_the_story_title() -> None:
    assert clean("<h1>A</h1><h2>B</h2><h3>C</h3><h5>D</h5>").body == "<h3>A</h3>\n<h3>B</h3>\n<h4>C</h4>\n<h4>D</h4>"


def test_words_of_neighbouring_cells_and_boxes_do_not_run_together() -> None:
    assert (
        text_of(clean("<div>one</div><div>two</div><table><tr><td>3</td><td>4</td></tr></table>").body)
        == "one\n\ntwo\n\n3\n\n4"
    )


def test_lists_quotes_and_code_stay_what_they_are() -> None:
    body = clean(
        "<ul><li>a<li><p>b</p><p>c</p></ul><blockquote>q</blockquote><pre><code>x\n  &lt;y&gt;</code></pre>"
    ).body
    assert body == (
        "<ul><li>a</li><li><p>b</p><p>c</p></li></ul>\n<blockquote><p>q</p></blockquote>\n<pre>x\n  &lt;y&gt;</pre>"
    )


def test_a_break_written_as_two_tags_is_one_break() -> None:
    assert clean("<p>a<br></br>b</p>").body == "<p>a<br />b</p>"


def test_the_first_https_picture_is_returned_and_a_counting_pixel_is_not() -> None:
    markup = (
        "<p>x<img src='https://count.example/1.gif' width=1 height=1><img src='http://old.example/a.png'>"
        "<a href='/big'><img src='/b.png' alt='Two\ncats'></a></p>"
    )
    cleaned = clean(markup, BASE)
    assert cleaned.picture is not None
    assert (cleaned.picture.url, cleaned.picture.alt) == ("https://news.example/b.png", "Two cats")
    assert cleaned.body == "<p>x</p>"


# --- Plain text ------------------------------------------------------------------------------------------------


@given(st.text())
@settings(max_examples=300)
def test_plain_text_is_one_line_without_anything_unseen(text: str) -> None:
    line = plain(text)
    assert line == line.strip()
    assert len(line.splitlines()) <= 1
    assert plain(line) == line
    assert not set(line) & set(
        "\x00\r\n\x85\u2028\u2029\u200b\u200e\u200f\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067"
    )
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in line)
    line.encode()


@given(st.text(st.characters(categories=["L", "N", "P"]), min_size=1))
@settings(max_examples=100)
def test_ordinary_letters_pass_through(text: str) -> None:
    text = unicodedata.normalize("NFC", text.translate(dict.fromkeys([0x115F, 0x1160, 0x3164, 0xFFA0])))
    assert plain(text) == text


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Rain\r\nBcc: x@y.example", "Rain Bcc: x@y.example"),
        ("a\x85b\u2028c\x0bd", "a b c d"),
        ("\u202egnp.exe", "gnp.exe"),
        ("pass\u200bword\ufeff", "password"),
        ("f\u200dg", "fg"),
        ("\ud83d", ""),
        ("👩\u200d👩\u200d👧 family", "👩\u200d👩\u200d👧 family"),
        ("क्\u200dष", "क्\u200dष"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        (
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        ),
        ("hidden\U000e0041\U000e0042", "hidden"),
        ("z" + "\u0303" * 10_000, "z" + "\u0303" * 8),
        ("Cafe\u0301", "Café"),
    ],
)
def test_characters_that_are_not_text_are_removed_and_those_a_script_needs_are_kept(written: str, meant: str) -> None:
    assert plain(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Fish &amp; chips", "Fish & chips"),
        ("<b>Bold</b> &lt;move&gt;", "Bold <move>"),
        ("The <video> element", "The <video> element"),
        ("3 < 4 & 5 > 4", "3 < 4 & 5 > 4"),
        ("&amp;lt;", "&lt;"),
    ],
)
def test_an_html_title_is_unescaped_once(written: str, meant: str) -> None:
    assert unmarked(written) == meant


@given(st.lists(st.text(st.characters(categories=["L", "P"]), min_size=1, max_size=8), max_size=150).map(" ".join))
@settings(max_examples=100)
def test_a_beginning_begins_the_text_and_ends_at_a_sentence_or_with_an_ellipsis(text: str) -> None:
    start = beginning(text, 20)
    assert len(start.split()) <= 20
    assert plain(text).startswith(start.removesuffix("…"))
    assert start == plain(text) or start.rstrip(CLOSERS).endswith((*SENTENCE_END, "…"))


def test_a_beginning_prefers_whole_sentences() -> None:
    assert (
        beginning("One two three four. Five six seven. Eight nine ten eleven twelve.", 8)
        == "One two three four. Five six seven."
    )
    assert beginning("one two three four five six", 4) == "one two three four…"


def test_a_long_text_is_cut_between_words() -> None:
    assert cut("a title of many words", 12) == "a title of…"
    assert cut("字" * 50, 10) == "字" * 9 + "…"
