"""HTML without what MJML repeats: what goes, what stays."""

import re

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from newsletter.render.html import to_html
from newsletter.render.lean import lean

COLUMN = '<mj-column background-color="#aabbcc"><mj-text>one</mj-text></mj-column>'
HALF = '<mj-column width="50%"><mj-text>two</mj-text></mj-column>'


def document(*columns: str, head: str = "") -> str:
    section = '<mj-section css-class="paper" background-color="#ffffff">'
    sections = "".join(f"{section}{each}</mj-section>" for each in columns)
    return to_html(f"<mjml><mj-head>{head}</mj-head><mj-body>{sections}</mj-body></mjml>")


def body(html: str) -> str:
    return html.partition("<body")[2]


def test_the_only_column_of_a_section_is_one_table() -> None:
    html = body(document("<mj-column><mj-text>one</mj-text></mj-column>"))
    assert "mj-column-per-100" not in html
    assert len(re.findall("<table", re.sub(r"<!--.*?-->", "", html))) == 2


def test_columns_side_by_side_keep_their_boxes() -> None:
    html = body(document(HALF + HALF, COLUMN + COLUMN))
    assert html.count("mj-column-per-50") == 4
    assert html.count("width:280px") + html.count("width:300px") == 4


def test_tables_that_only_outlook_sees_are_closed_as_often_as_they_are_opened() -> None:
    html = body(document(COLUMN, HALF + HALF, COLUMN))
    for tag in ("table", "tr", "td"):
        assert len(re.findall(f"<{tag}[ >]", html)) == html.count(f"</{tag}>")
    assert html.count("<!--[if mso | IE]>") == html.count("<![endif]-->")


def test_the_width_that_outlook_needs_stays_an_attribute() -> None:
    assert 'align="center" width="600"><tr>' in body(document(COLUMN))


def test_a_class_for_outlook_stays_for_a_style_sheet_that_names_it() -> None:
    sheet = "<mj-style>@media (a) { .paper-outlook { color: #112233 } }</mj-style>"
    assert "paper-outlook" not in body(document(COLUMN))
    assert "paper-outlook" in body(document(COLUMN, head=sheet))


def test_a_colour_is_said_once_and_another_one_is_kept() -> None:
    assert "background:" not in body(document("<mj-column><mj-text>one</mj-text></mj-column>"))
    kept = '<body><p style="background:#aabbcc;background-color:#ddeeff">x</p>'
    assert lean(kept) == kept


def test_styles_that_hold_quotes_stay_as_they_are() -> None:
    kept = "<body><p style=\"font-family:&quot;A  B&quot;, C;\">x; y, z</p>"
    assert lean(kept) == kept


def test_what_no_element_can_hold_stays_in_the_head() -> None:
    sheets = ["a:hover { color: #112233 }", "@media (b) { p { margin: 0 } }", "* { margin: 0 }"]
    html = document(COLUMN, head="".join(f"<mj-style>{each}</mj-style>" for each in [*sheets, "p { margin: 0 }"]))
    assert all(each in html for each in sheets)
    assert ">p { margin: 0 }<" not in html


def test_rows_stand_in_the_same_tables_without_the_tag_that_they_imply() -> None:
    html = "<body><table><tbody><tr><td>1</td></tr></tbody></table><p>tbody</p>"
    assert lean(html) == "<body><table><tr><td>1</td></tr></table><p>tbody</p>"


@given(st.lists(st.sampled_from([COLUMN, HALF, HALF + HALF, "<mj-column></mj-column>"]), max_size=3), st.text())
def test_what_is_lean_stays_as_it_is_and_loses_no_word(columns: list[str], word: str) -> None:
    html = document(*columns)
    assert lean(html) == html
    text = "".join(etree.fromstring(html, etree.HTMLParser()).xpath("//body//text()"))
    assert text.count("one") + text.count("two") == "".join(columns).count("</mj-text>")
    assert lean(f"<body>{word}") == f"<body>{word}" or set(word) & set("<>")
