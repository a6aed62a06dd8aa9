"""A message taken apart."""

from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.web.preview.parts import Parts

WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1)


def parted(text: str, html: str = "", subject: str = "Hello") -> Parts:
    message = EmailMessage(SMTP)
    message["Subject"] = subject
    message.set_content(text, cte="quoted-printable")
    if html:
        message.add_alternative(html, subtype="html", cte="quoted-printable")
    return Parts(message.as_bytes())


@settings(max_examples=40)
@given(WORDS, WORDS)
def test_what_was_written_is_read(text: str, html: str) -> None:
    parts = parted(text, html)
    assert parts.text.removesuffix("\n") == text
    assert parts.html.removesuffix("\r\n") == html


def test_headers_are_decoded_in_the_table_and_raw_beside_it() -> None:
    parts = parted("Hello", subject="Zoë schreibt")
    assert ("Subject", "Zoë schreibt") in parts.headers
    assert parts.header("subject") == "Zoë schreibt"
    assert "=?utf-8?" in parts.raw_headers
    assert "\n\n" not in parts.raw_headers


def test_plain_text_alone_has_no_html_and_weighs_nothing() -> None:
    assert parted("Hello").html == ""
    assert parted("Hello").size == 0


@pytest.mark.parametrize(("size", "weight"), [
    (84_999, "fine"), (85_000, "large"), (102_399, "large"), (102_400, "clipped"),
])
def test_size_is_judged_by_what_gmail_shows(size: int, weight: str) -> None:
    """Bytes count, not characters: "é" is two. The line end is two as well."""
    parts = parted("Hello", "é" * (size // 2 - 1) + "x" * (size % 2))
    assert parts.size == size
    assert parts.weight == weight


def test_other_html_has_another_digest_and_a_longer_one_more_height() -> None:
    short, long = parted("One.\n", "<p>One."), parted("One.\n" * 9, "<p>One." * 9)
    assert short.digest != long.digest
    assert short.height(390) < long.height(390)
    assert long.height(768) < long.height(390)
