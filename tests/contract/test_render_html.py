"""What mjml-python and premailer do to text, and what has to be done before and after."""

import re

import mjml
import premailer
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree
from markupsafe import escape

from newsletter.errors import TemplateError
from newsletter.render.html import DEEPEST, to_html
from newsletter.render.markup import clean, depth


def page(content: str, head: str = "") -> str:
    return (f"<mjml><mj-head>{head}</mj-head><mj-body><mj-section><mj-column><mj-text>{content}</mj-text></mj-column>"
            "</mj-section></mj-body></mjml>")


def parsed(html: str) -> etree._Element:
    return etree.fromstring(html, etree.HTMLParser())


@example("\\u{a0}\u00a0\u200d\ufe0f\u0301\"\\\n\t")
@example("<!-- --> &{x} ]]> &amp;")
@given(st.text(st.characters(blacklist_categories=["Cn"])))
def test_any_text_survives_in_text_and_in_attributes(value: str) -> None:
    html = parsed(to_html(page(f'<p class="here" title="{escape(value)}">|{escape(value)}|</p>')))
    paragraph = html.xpath("//p[@class='here']")[0]
    assert paragraph.get("title") == clean(value)
    assert paragraph.text == f"|{clean(value)}|"


@given(st.text(st.characters(blacklist_categories=["Cn"])))
def test_any_text_survives_in_the_title_and_its_label(value: str) -> None:
    html = parsed(to_html(page("x", f"<mj-title>x{escape(value)}x</mj-title>")))
    line = " ".join(f"x{clean(value)}x".split())
    assert html.xpath("string(//title)") == line
    assert html.xpath("string(//@aria-label)") == line


def test_without_armour_mjml_breaks_attributes() -> None:
    """Should this fail one day, half of `markup.armour` can go."""
    assert "\\u{a0}" in mjml.mjml2html(page('<p title="\u00a0">x</p>'))


def test_white_space_between_words_stays() -> None:
    assert parsed(to_html(page("<b>one</b>\n<i>two</i>"))).xpath("string(//b/..)") == "one\ntwo"


def test_the_document_keeps_its_doctype() -> None:
    assert to_html(page("x")).startswith("<!DOCTYPE html>\n<html")


def test_important_rules_of_media_queries_stay_important() -> None:
    assert "width:100% !important" in to_html(page("x"))


def test_nothing_is_fetched_and_no_font_is_asked_for() -> None:
    html = to_html(page("in the font that MJML takes if none is named"))
    assert "fonts.googleapis" not in html
    assert "<link" not in html


def test_a_style_sheet_that_a_template_links_to_is_not_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*_: object) -> None:
        raise AssertionError("fetched")

    monkeypatch.setattr(premailer.Premailer, "_load_external", fetch)
    to_html(page("x", '<mj-raw><link rel="stylesheet" href="https://192.0.2.1/x.css"></mj-raw>'))


def test_rules_become_styles_and_only_what_cannot_stays_in_the_head() -> None:
    rules, query = "p { color: #ffffff; margin: 0; }", "@media (a) { p { color: #000000 } }"
    html = to_html(page("<p>x</p>", f"<mj-style>{rules}</mj-style><mj-style>{query}</mj-style>"))
    assert '<p style="color:#ffffff;margin:0">' in html
    assert query in html
    assert rules not in html


def test_resets_of_mjml_are_not_written_into_every_cell() -> None:
    assert "mso-table-lspace" not in to_html(page("x")).partition("<body")[2]


def test_the_width_of_a_picture_stays_a_number() -> None:
    head = "<mj-style>img { width: 100%; }</mj-style>"
    assert 'width="120"' in to_html(page('<img src="https://e.example.org/x.png" width="120" alt="">', head))


def test_a_picture_without_a_height_has_no_such_attribute() -> None:
    picture = '<mj-image src="https://e.example.org/x.png" alt="" width="9px" />'
    assert 'height="auto"' not in to_html(page("x").replace("<mj-text>x</mj-text>", picture))


def test_quotes_in_a_style_do_not_end_its_attribute() -> None:
    html = to_html(page("<p>x</p>", "<mj-style>p { font-family: 'A B', \"C D\"; }</mj-style>"))
    assert parsed(html).xpath("//p/@style") == ['font-family:"A B", "C D"']
    assert not re.search(r"<[^!][^>]*='", html)


def test_what_jinja_escaped_in_a_style_is_css_again() -> None:
    html = to_html(page("<p>x</p>", "<mj-style>p { font-family: &#39;A B&#39;; color: #ff0000; }</mj-style>"))
    assert "#ff0000" in str(parsed(html).xpath("string(//p/@style)"))


@pytest.mark.parametrize(("document", "found"), [
    (page("3 < 4"), "does not compile"),
    (page("<p>x"), "does not compile"),
    (page("x", "<mj-style>p {</mj-style>").replace("</mj-style>", "<</mj-style>"), "does not compile"),
    (page('<p style="b">x<b>y</b></p>', "<mj-style>p, b { color: #ff0000 }</mj-style>"), "cannot be inlined"),
    (page("<b>" * 20_000 + "</b>" * 20_000), "inside one another"),
    (page("<b>" * DEEPEST), "inside one another"),
])
def test_what_cannot_be_compiled_is_an_error_with_a_cure_and_never_a_crash(document: str, found: str) -> None:
    premailer.cache.cache.clear()  # a full one forgets the style before the selector comes, and nothing is wrong
    with pytest.raises(TemplateError, match=found) as raised:
        to_html(document)
    assert raised.value.cure


def test_an_error_shows_the_text_where_it_was_noticed() -> None:
    with pytest.raises(TemplateError, match=r"near “.*the &#252;nopened one"):
        to_html(page("the ünopened one</p>"))


def test_depth_counts_what_stands_inside_one_another() -> None:
    assert depth("<a><br><b/><c></c></a><a></a>") == 2
    assert depth("</a></a><a>") == 1
