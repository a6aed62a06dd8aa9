"""Quoted-printable that can be joined anywhere, and the closing of slots."""

import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from newsletter.model import Block, Place, Placeholder
from newsletter.render.markup import regular
from newsletter.render.placeholders import PLACEHOLDERS, escape, fill
from newsletter.render.wire import quote

pieces = st.lists(st.one_of(
    st.text(), st.text(" .=\nFé日\t", max_size=8),
    st.sampled_from(["From ", "x" * 72, "x" * 73, "x" * 75 + " ", "=" * 40]),
), max_size=8)


@given(pieces)
def test_pieces_encoded_alone_and_joined_decode_to_the_joined_text(texts: list[str]) -> None:
    texts = ["".join(char for char in text if not "\ud800" <= char <= "\udfff" and char != "\r") for text in texts]
    wire = b"".join(map(quote, texts))
    assert quopri.decodestring(wire).replace(b"\r\n", b"\n").decode() == "".join(texts)
    assert wire.endswith(b"\r\n") or not wire
    for line in wire.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"From "))
        assert not line.endswith((b" ", b"\t"))
        assert line.isascii()
        assert b"\n" not in line


def in_html(value: str, place: Place) -> str:
    """What lxml writes for the value, brought into the one form."""
    paragraph = etree.Element("p")
    if place == "html":
        paragraph.text = value
    else:
        paragraph.set("title", value)
    written = etree.tostring(paragraph, method="html", encoding="utf-8").decode()
    written = regular(written)
    return written.removeprefix("<p>").removesuffix("</p>") if place == "html" else written[10:-6]


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc", "Cn"])), st.sampled_from(["html", "attribute"]))
def test_a_value_is_escaped_as_the_compiled_html_writes_it(value: str, place: Place) -> None:
    assert escape(value, place) == in_html(value, place)


@given(st.text())
def test_no_value_can_end_the_tag_or_attribute_it_stands_in(value: str) -> None:
    assert not set("<>") & set(escape(value, "html"))
    assert not set('<>"') & set(escape(value, "url"))


PLAIN_URLS = st.from_regex(r"[a-z:/_.-]{60,150}", fullmatch=True)


@given(st.text(max_size=200) | PLAIN_URLS)
def test_the_short_way_for_plain_values_writes_what_the_long_way_does(value: str) -> None:
    block = Block("head", (Placeholder("greeting", "html"),), 0)
    wire = b"".join(fill(block, {"greeting": value}))
    assert quopri.decodestring(wire) == quopri.decodestring(quote(escape(value, "html")))


@given(PLAIN_URLS)
def test_a_long_link_is_written_to_the_byte_as_the_long_way_does(value: str) -> None:
    block = Block("foot", (Placeholder("unsubscribe_url", "html"),), 0)
    assert b"".join(fill(block, {"unsubscribe_url": value})) == quote(value)


def test_bytes_between_slots_are_shared_and_not_copied() -> None:
    before, after = quote("Hello "), quote("!\n")
    filled = fill(Block("head", (before, Placeholder("greeting", "html"), after), 7), {"greeting": "Zoë & Co"})
    assert filled[0] is before
    assert filled[2] is after
    assert quopri.decodestring(b"".join(filled)).decode() == "Hello Zoë &amp; Co!\r\n"


def test_a_value_that_is_missing_is_an_error_and_never_an_empty_place() -> None:
    with pytest.raises(KeyError, match="greeting"):
        fill(Block("head", (Placeholder("greeting", "html"),), 0), {})


def test_every_slot_says_what_it_means() -> None:
    assert all(kind.meaning for kind in PLACEHOLDERS.values())
    addresses = {name for name, kind in PLACEHOLDERS.items() if kind.holds == "url"}
    assert addresses == {"unsubscribe_url", "preferences_url"}
