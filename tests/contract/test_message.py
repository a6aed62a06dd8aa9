"""Messages as readers' programs see them: parsed back with the library's own parser, and judged by the standards."""

import email
import re
import sys
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import parseaddr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.composing.message import Composer
from newsletter.errors import DataError
from newsletter.links import Keyring, Links
from newsletter.model import (
    Block,
    BlockSet,
    Candidate,
    Edition,
    Entry,
    Interests,
    Manifest,
    Message,
    Newsletter,
    Place,
    Placeholder,
    Section,
    Slot,
    Story,
    Subscriber,
    Topic,
)
from newsletter.render.wire import quote

NOW = datetime(2026, 11, 30, 8, 0, 5, tzinfo=UTC)
BOUNDARY = "0123456789abcdef0123"
LINKS = Links("https://news.example.org", Keyring(b"k" * 32, (), b"h" * 32))
TITLES = {"a": "Chips for all", "b": "A wall of water – & more", "c": "Third"}


def block(key: str, text: str, place: Place) -> Block:
    """A block from a text in which [name] is a slot."""
    parts = re.split(r"\[(\w+)\]", text)
    segments = [Placeholder(part, place) if number % 2 else quote(part) for number, part in enumerate(parts)]
    return Block(key, tuple(piece for piece in segments if piece), len(text))


def blocks(language: str = "en") -> BlockSet:
    html = {"head": "<html><h1>[subject]</h1><p>[greeting]</p><i>[preheader]</i>", "topic:ai": "<h2>AI</h2>",
            "more": "<p>[more]</p>", "quiet": "<p>Quiet.</p>", "rest": "",
            "foot": '<a href="[unsubscribe_url]">Leave</a> <a href="[preferences_url]">Choose</a></html>'}
    text = {"head": "[subject]\n[greeting]\n", "topic:ai": "AI\n", "more": "[more]\n", "quiet": "Quiet.\n", "rest": "",
            "foot": ".\nFrom here: [unsubscribe_url]\n[preferences_url]\n"}
    for story, title in TITLES.items():
        for kind in ("lead", "story"):
            html[f"{kind}:{story}"] = f"<h3>{title}</h3>" + "<p>Lorem.</p>" * 60 + "<p>[also_in]</p>"
            text[f"{kind}:{story}"] = f"{title}[also_in]\n"
    return BlockSet(
        language, {key: block(key, value, "html") for key, value in html.items()},
        {key: block(key, value, "text") for key, value in text.items()},
    )


def manifest(title: str = "The Week", sender: str = "Desk <desk@news.example.org>", reply_to: str = "",
             titles: dict[str, str] = TITLES) -> Manifest:
    slot = Slot("2026-11-30T08:00", "Europe/London", datetime(2026, 11, 30, 8, tzinfo=UTC))
    candidates = tuple(
        Candidate(Story(id=key, title=text, date=NOW, source="stories/"), NOW, (), 1.0, "")
        for key, text in titles.items()
    )
    newsletter = Newsletter("weekly", title, sender, reply_to)
    return Manifest("weekly-2026-11-30", newsletter, slot, (Topic("ai", "AI"),), candidates, "t")


def composer(of: Manifest | None = None) -> Composer:
    return Composer(of or manifest(), {"en": blocks(), "fr": blocks("fr")}, LINKS, date=NOW, boundary=BOUNDARY)


EDITION = Edition(Interests(topics=("ai",)), frozenset(), (Section("ai", (Entry("a"), Entry("b"))),))
ANN = Subscriber("ann@example.org", "ann@example.org", "Ann", id=7)


def parsed(message: Message) -> EmailMessage:
    return email.message_from_bytes(message.wire, policy=SMTP)


def display_name(message: Message) -> str:
    """The name in To. By the older parser: the newer one of Python 3.11 parts a name between two encoded words."""
    name, _ = parseaddr(str(email.message_from_bytes(message.wire)["To"]).replace("\r\n", ""))
    return str(make_header(decode_header(name)))


def sound(message: Message) -> None:
    """What every message must be, whatever is in it (RFC 5321, 5322, 2045)."""
    wire = message.wire
    assert wire.endswith(b"\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", wire)
    assert not re.search(rb"^(?:\.|From )", wire, re.MULTILINE)
    head, _, body = wire.partition(b"\r\n\r\n")
    assert all(len(line) <= 76 for line in body.split(b"\r\n"))
    assert not re.search(rb"[ \t]\r\n", body)
    assert not re.search(rb"=\r\n(?:\r\n--|\Z)", body)
    for line in head.split(b"\r\n"):
        assert line.strip(), "a header line of white space alone"
        assert len(line) <= (76 if b"=?utf-8?" in line else 998)


# --- Headers ---


def test_the_headers_are_those_of_a_bulk_mail_each_once() -> None:
    message = composer().compose(ANN, EDITION)
    sound(message)
    token = LINKS.unsubscribe("weekly", ANN).rpartition("/")[2]
    local = LINKS.message_id_local("weekly-2026-11-30", ANN)
    head = message.wire.partition(b"\r\n\r\n")[0].decode()
    fields = dict(line.split(": ", 1) for line in head.replace("\r\n ", " ").split("\r\n"))
    assert head.count("\r\n") == len(fields) - 1 + head.count("\r\n ")
    boundary = re.findall(r'boundary="(.*)"', fields["Content-Type"])[0]
    assert fields == {
        "From": "Desk <desk@news.example.org>",
        "To": "Ann <ann@example.org>",
        "Message-ID": f"<{local}@news.example.org>",
        "X-Delivery-ID": local,
        "List-Unsubscribe": f"<https://news.example.org/unsubscribe/weekly/{token}>, "
                            f"<mailto:desk@news.example.org?subject=unsubscribe%20weekly%20{token}>",
        "Subject": "Chips for all",
        "Date": "Mon, 30 Nov 2026 08:00:05 +0000",
        "MIME-Version": "1.0",
        "List-ID": "The Week <weekly.news.example.org>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Archived-At": "<https://news.example.org/issues/weekly-2026-11-30>",
        "Feedback-ID": fields["Feedback-ID"],
        "Precedence": "bulk",
        "Content-Language": "en",
        "Content-Type": f'multipart/alternative; boundary="{boundary}"',
    }
    assert re.fullmatch(r"weekly-2026-11-30:weekly:en:[0-9a-z]{5,15}", fields["Feedback-ID"])
    assert len(boundary) <= 70
    assert message.message_id == fields["Message-ID"]
    assert (message.sender, message.recipient) == ("desk@news.example.org", "ann@example.org")


EXPECTED = {
    "From", "To", "Message-ID", "X-Delivery-ID", "List-Unsubscribe", "Subject", "Date", "MIME-Version", "List-ID",
    "Content-Type",
    "List-Unsubscribe-Post", "Archived-At", "Feedback-ID", "Precedence", "Content-Language",
}
LINE = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), max_size=120)
NASTY = st.lists(st.sampled_from([
    "=?utf-8?q?x?=", '"', "\\", "<a@b>", ",", "a@b.c",
    "é", "日本", "👩‍💻", "=?", "?=", " ", "(x)", "x" * 80, "ß" * 30, ";",
    "Bcc: x@y.z", ":", "'", "%s", "_",
]), max_size=6).map("".join)
TEXT = (LINE | NASTY).map(lambda text: " ".join(text.split()))


@settings(max_examples=150, deadline=None)
@given(name=TEXT)
def test_any_name_comes_out_as_it_went_in_and_writes_no_header_of_its_own(name: str) -> None:
    message = composer().compose(Subscriber("ann@example.org", "", name, id=7), EDITION)
    sound(message)
    read = parsed(message)
    assert [each.addr_spec for each in read["To"].addresses] == ["ann@example.org"]
    assert display_name(message) == name
    assert sorted(read.keys()) == sorted(EXPECTED)


@settings(max_examples=100, deadline=None)
@given(subject=TEXT.filter(bool), title=TEXT, sender=TEXT)
def test_any_subject_and_title_come_out_as_they_went_in(subject: str, title: str, sender: str) -> None:
    of = manifest(title, titles={"a": subject, "b": "B"})
    message = composer(of).compose(ANN, EDITION)
    sound(message)
    read = parsed(message)
    assert read["Subject"] == (subject if len(subject) <= 85 else read["Subject"])
    assert sorted(read.keys()) == sorted(EXPECTED)
    list_id = str(read["List-ID"])
    assert list_id.endswith("<weekly.news.example.org>")


@pytest.mark.parametrize("name", ["Ann\r\nBcc: eve@example.org", "Ann\nX", "Ann\rX", "Ann\0"])
def test_a_line_break_or_nul_in_a_name_refuses_that_reader_alone(name: str) -> None:
    of = composer()
    with pytest.raises(DataError, match="line break or a NUL"):
        of.compose(Subscriber("eve@example.org", "", name, id=8), EDITION)
    sound(of.compose(ANN, EDITION))


@pytest.mark.parametrize("address", [
    "", "ann", "ann@example.org\r\nBcc: eve@example.org", "ann@example.org, eve@example.org", "<ann@example.org>",
    "ann@exämple.org", "a b@example.org", "ann@eve@example.org", "ann@example.org\0",
])
def test_what_is_no_address_is_never_put_into_a_header(address: str) -> None:
    with pytest.raises(DataError, match="cannot be put into a header"):
        composer().compose(Subscriber(address, "", "Ann", id=7), EDITION)


def test_marks_that_turn_the_direction_of_text_are_taken_from_names_and_subjects() -> None:
    of = manifest(titles={"a": "Chips\u202e for\u2066 all", "b": "B"})
    message = composer(of).compose(Subscriber("ann@example.org", "", "\u202egro.elpmaxe@nna\u200f", id=7), EDITION)
    assert parsed(message)["To"].addresses[0].display_name == "gro.elpmaxe@nna"
    assert parsed(message)["Subject"] == "Chips for all"


def test_a_line_break_in_a_title_is_refused() -> None:
    with pytest.raises(DataError, match="title contains a line break"):
        composer(manifest(title="The Week\r\nBcc: eve@example.org"))


@pytest.mark.parametrize(("sender", "field"), [
    ("desk@news.example.org", "<desk@news.example.org>"),
    ('"Week, The" <desk@news.example.org>', '"Week, The" <desk@news.example.org>'),
    ("Büro <desk@bücher.example>", "=?utf-8?b?QsO8cm8=?= <desk@xn--bcher-kva.example>"),
])
def test_the_sender_is_written_as_the_standards_want(sender: str, field: str) -> None:
    message = composer(manifest(sender=sender)).compose(ANN, EDITION)
    assert message.wire.startswith(f"From: {field}\r\n".encode())
    assert message.message_id.endswith("@" + message.sender.partition("@")[2] + ">")


def test_a_sender_that_is_no_address_is_refused() -> None:
    with pytest.raises(DataError):
        composer(manifest(sender="The Desk"))


def test_answers_go_where_the_newsletter_says_and_so_does_unsubscribing_by_mail() -> None:
    message = composer(manifest(reply_to="Letters <letters+en@news.example.org>")).compose(ANN, EDITION)
    assert parsed(message)["Reply-To"] == "Letters <letters+en@news.example.org>"
    assert b"<mailto:letters+en@news.example.org?subject=unsubscribe%20weekly%202" in message.wire


def test_a_long_title_leaves_the_list_id_as_short_as_it_must_be() -> None:
    read = parsed(composer(manifest(title="Ünïcödé " * 30)).compose(ANN, EDITION))
    assert str(read["List-ID"]) == "<weekly.news.example.org>"


def test_a_reader_whose_address_is_not_ascii_is_written_in_utf_8() -> None:
    message = composer().compose(Subscriber("zoë@example.org", "", "Zoë", id=7), EDITION)
    sound(message)
    read = email.message_from_bytes(message.wire, policy=SMTPUTF8)
    assert "zoë@example.org" in str(read["To"])


def test_list_unsubscribe_is_folded_between_its_uris_and_holds_no_encoded_word() -> None:
    head = composer().compose(ANN, EDITION).wire.partition(b"\r\n\r\n")[0]
    field = re.findall(rb"List-Unsubscribe: (.*)\r\n (.*)\r\n(?! )", head)
    assert [uri.strip(b",<>")[:6] for uri in field[0]] == [b"https:", b"mailto"]
    assert b"=?" not in head


# --- Body ---


def test_text_comes_first_and_html_last_and_both_are_what_the_blocks_say() -> None:
    message = composer().compose(ANN, EDITION)
    read = parsed(message)
    assert read.get_content_type() == "multipart/alternative"
    text, html = read.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert {part["Content-Transfer-Encoding"] for part in (text, html)} == {"quoted-printable"}
    assert {part.get_content_charset() for part in (text, html)} == {"utf-8"}
    unsubscribe, preferences = LINKS.unsubscribe("weekly", ANN), LINKS.preferences("weekly", ANN)
    assert text.get_content().splitlines() == [
        "Chips for all", "Hello Ann,", "AI", "Chips for all", "A wall of water – & more", ".",
        f"From here: {unsubscribe}", preferences,
    ]
    content = html.get_content()
    assert content.startswith("<html><h1>Chips for all</h1><p>Hello Ann,</p>")
    assert content.endswith(
        f'<a href="{unsubscribe}">Leave</a> <a href="{preferences}">Choose</a></html>\r\n'
    )
    assert content.count("<h3>") == 2


def test_a_name_is_text_in_the_body_and_never_markup() -> None:
    message = composer().compose(Subscriber("x@example.org", "", "<b>{{ x }}</b> & co", id=7), EDITION)
    text, html = parsed(message).iter_parts()
    assert "Hello <b>{{ x }}</b> & co," in text.get_content()
    assert "Hello &lt;b&gt;{{ x }}&lt;/b&gt; &amp; co," in html.get_content()


def test_who_wants_plain_text_gets_plain_text_alone() -> None:
    edition = Edition(Interests(topics=("ai",), format="text"), frozenset(), EDITION.sections)
    message = composer().compose(ANN, edition)
    sound(message)
    read = parsed(message)
    assert read.get_content_type() == "text/plain"
    assert read.get_content().splitlines()[:2] == ["Chips for all", "Hello Ann,"]


@pytest.mark.parametrize(("wanted", "spoken"), [("fr", "fr"), ("fr-CA", "fr"), ("de", "en"), ("", "en")])
def test_a_reader_gets_their_language_if_there_is_one_and_the_newsletters_if_not(wanted: str, spoken: str) -> None:
    edition = Edition(Interests(topics=("ai",), language=wanted), frozenset(), EDITION.sections)
    assert parsed(composer().compose(ANN, edition))["Content-Language"] == spoken


def test_a_quiet_edition_is_titled_by_the_newsletter() -> None:
    edition = Edition(Interests(topics=("ai",)), frozenset(), (), quiet=True)
    read = parsed(composer().compose(ANN, edition))
    assert read["Subject"] == "The Week"
    assert "Quiet." in next(iter(read.iter_parts())).get_content()


# --- Sharing ---


def test_the_same_reader_gets_the_same_bytes_at_every_attempt_and_from_every_process() -> None:
    assert composer().compose(ANN, EDITION).wire == composer().compose(ANN, EDITION).wire


def test_readers_of_an_edition_share_the_bytes_of_its_blocks() -> None:
    of = composer()
    first, second = (of.compose(Subscriber(f"r{each}@example.org", "", "", id=each), EDITION) for each in (1, 2))
    shared = {id(part) for part in first.parts} & {id(part) for part in second.parts}
    size = sum(len(part) for part in first.parts if id(part) in shared)
    assert size > 0.75 * len(first.wire)


def test_two_editions_share_the_bytes_of_a_story_they_both_have() -> None:
    of = composer()
    other = Edition(Interests(topics=("ai",)), frozenset({"a"}), (Section("ai", (Entry("c"), Entry("b"))),))
    first, second = of.compose(ANN, EDITION), of.compose(ANN, other)
    large = {id(part) for part in second.parts if len(part) > 512}
    assert any(id(part) in large for part in first.parts)


def test_editions_without_number_do_not_pile_up_and_come_out_right_when_they_return() -> None:
    of = composer()
    editions = [Edition(Interests(topics=("ai",)), frozenset({str(each)}), EDITION.sections) for each in range(600)]
    known = sys.getrefcount(editions[0])  # here alone
    wires = {of.compose(ANN, edition).wire for edition in [*editions, editions[0], EDITION]}
    assert len(wires) == 1
    held = [number for number in range(600) if sys.getrefcount(editions[number]) > known]
    assert 0 < len(held) <= 256
