"""Replies as they arrive: in any pieces, and from servers that send anything."""

from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.transports.reply import NotSmtp, Reply, ReplyReader, cleaned, receipt_of

TEXT = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=30).map(
    lambda text: text.encode().strip().decode())
REPLIES = st.lists(st.builds(
    lambda code, lines: Reply(code, "\n".join(lines)),
    st.integers(100, 999), st.lists(TEXT, min_size=1, max_size=3),
), max_size=5)


def written(reply: Reply) -> bytes:
    *before, last = reply.text.split("\n")
    return "".join([*(f"{reply.code}-{line}\r\n" for line in before), f"{reply.code} {last}\r\n"]).encode()


@settings(max_examples=100)
@given(replies=REPLIES, size=st.integers(1, 40))
def test_replies_are_the_same_in_whatever_pieces_they_come(replies: list[Reply], size: int) -> None:
    wire = b"".join(map(written, replies))
    reader = ReplyReader()
    pieces = [wire[start:start + size] for start in range(0, len(wire), size)]
    assert [reply for piece in pieces for reply in reader.feed(piece)] == replies


@settings(max_examples=200)
@given(data=st.binary(max_size=80) | st.text("0123456789 -\r\na", max_size=40).map(str.encode))
def test_any_bytes_are_replies_or_no_smtp_and_what_is_stored_of_them_is_clean(data: bytes) -> None:
    words: list[str] = []
    try:
        words.extend(receipt_of(reply).reply for reply in ReplyReader().feed(data))
    except NotSmtp as error:
        words.append(cleaned(str(error)))
    assert all(each.isprintable() and len(each) <= 500 for each in words)


@pytest.mark.parametrize(("wire", "reply"), [
    (b"250\r\n", Reply(250, "")),
    (b"250 \n", Reply(250, "")),
    (b"250-a\r\n250-\r\n250 b\r\n", Reply(250, "a\n\nb")),
    (b"421 4.3.2 down\r\n", Reply(421, "4.3.2 down")),
])
def test_odd_replies_are_read_all_the_same(wire: bytes, reply: Reply) -> None:
    """S20."""
    assert list(ReplyReader().feed(wire)) == [reply]


def test_a_good_reply_is_given_before_nonsense_behind_it_is_found() -> None:
    replies = ReplyReader().feed(b"250 ok\r\nhello\r\n")
    assert next(replies) == Reply(250, "ok")
    with pytest.raises(NotSmtp, match="hello"):
        next(replies)


@pytest.mark.parametrize("piece", [b"250-and more\r\n", b"250-\r\n", b"2" * 100])
def test_a_reply_without_an_end_does_not_fill_the_memory(piece: bytes) -> None:
    reader = ReplyReader()
    with pytest.raises(NotSmtp, match="without an end"):
        list(chain.from_iterable(map(reader.feed, [piece] * 10_000)))
