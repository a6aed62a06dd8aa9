"""A mail's HTML fixed to light or dark."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.web.preview.schemes import opening_outside, shown_in


@pytest.mark.parametrize(("scheme", "query"), [
    ("dark", "@media (min-width:0) { a { color: red } }"), ("light", "@media (max-width:0) { a { color: red } }"),
])
def test_the_query_holds_in_one_scheme_and_fails_in_the_other(scheme: str, query: str) -> None:
    html = "<style>@media ( Prefers-Color-Scheme : DARK ) { a { color: red } }</style>"
    assert shown_in(scheme, html) == f"<style>{query}</style>"  # type: ignore[arg-type]


def test_a_query_among_others_keeps_them() -> None:
    html = "<style>@media screen and (max-width:480px) and (prefers-color-scheme:dark){p{margin:0}}</style>"
    assert "screen and (max-width:480px) and (min-width:0)" in shown_in("dark", html)


def test_pictures_for_the_dark_are_shown_in_the_dark() -> None:
    html = '<picture><source media="(prefers-color-scheme: dark)" srcset="https://example.org/d.png"></picture>'
    assert '<source media="(min-width:0)"' in shown_in("dark", html)
    assert '<source media="(max-width:0)"' in shown_in("light", html)


def test_the_declared_schemes_become_the_one() -> None:
    html = '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">'
    assert shown_in("dark", html) == html.replace("light dark", "dark")


@given(st.text(alphabet=st.characters(exclude_characters="<>")), st.sampled_from(["light", "dark"]))
def test_words_of_a_story_are_never_changed(words: str, scheme: str) -> None:
    html = f"<p>{words} (prefers-color-scheme: dark)</p>"
    assert shown_in(scheme, html) == html  # type: ignore[arg-type]


def test_links_open_outside_the_frame() -> None:
    assert opening_outside('<html><head lang="en"><title>x</title>') == (
        '<html><head lang="en"><base target="_blank"><title>x</title>'
    )
