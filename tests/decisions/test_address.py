"""Addresses: the stored address is the one sent as RCPT TO, and a subscriber has one key."""

import unicodedata

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter import address
from newsletter.errors import DataError


@pytest.mark.parametrize(("written", "email"), [
    ("ann@example.org", "ann@example.org"),
    ("Ann.Lee+news@Mail.Example.ORG", "Ann.Lee+news@mail.example.org"),
    ("  ann@example.org\t", "ann@example.org"),
    ("ann@example.org.", "ann@example.org"),
    ("ann@bücher.example", "ann@xn--bcher-kva.example"),
    ("ann@straße.example", "ann@xn--strae-oqa.example"),
    ("ann@XN--BCHER-KVA.example", "ann@xn--bcher-kva.example"),
    ("ann@例え.テスト", "ann@xn--r8jz45g.xn--zckzah"),
    ("u\u0308ber@example.org", "über@example.org"),
    ("Info@example.org", "Info@example.org"),
    ("ann@site.test", "ann@site.test"),
    ("ann@mail.example", "ann@mail.example"),
    ("o'neil@example.net", "o'neil@example.net"),
])
def test_an_address_is_kept_as_it_goes_on_the_wire(written: str, email: str) -> None:
    assert address.parse(written).email == email


@pytest.mark.parametrize("written", [
    "", "   ", "ann", "ann@", "@example.org", "ann@@example.org", "ann@one@example.org", "ann@example",
    "ann lee@example.org", ".ann@example.org", "ann.@example.org", "an..n@example.org", "ann@-example.org",
    "ann@exa_mple.org", "ann@example..org", "ann@example.org..", "ann@ab--cd.org",
    '"ann lee"@example.org', '"ann"@example.org', "ann(work)@example.org", "ann@[192.0.2.1]", "ann@[IPv6:2001:db8::1]",
    "ann@192.0.2.1", "Ann <ann@example.org>", "ann@example.org, ben@example.org",
    "a" * 65 + "@example.org", "ann@" + "a" * 64 + ".org", "ann@" + "example." * 32 + "org",
    "ann@host.local", "ann@localhost", "ann@site.invalid", "ann@1.in-addr.arpa",
    "ann@example.org\r\nBcc: x@example.net", "ann\n@example.org", "an\0n@example.org", "an\x7fn@example.org",
    "ann\u2028@example.org", "an\u202en@example.org", "an\ufffdn@example.org", "ann@exam\u00adple\u2029.org",
    "ann＠example.org", "\ud800@example.org",
])
def test_an_invalid_address_is_refused_with_what_was_found_and_a_fix(written: str) -> None:
    with pytest.raises(DataError) as refused:
        address.parse(written)
    assert refused.value.found
    assert refused.value.cure


def test_the_fix_for_a_name_around_an_address_is_the_address_alone() -> None:
    with pytest.raises(DataError) as refused:
        address.parse("Ann Lee <ann@example.org>")
    assert refused.value.cure == "Write only the address: ann@example.org"


@pytest.mark.parametrize(("one", "other"), [
    ("Ann@Example.Org", "ann@example.org"),
    ("ann@bücher.example", "ANN@xn--bcher-kva.example"),
    ("ann@BÜCHER.example", "ann@bu\u0308cher.example"),
    ("STRASSE@example.org", "straße@example.org"),
    ("Über@example.org", "u\u0308ber@example.org."),
])
def test_spellings_of_one_mailbox_have_one_key(one: str, other: str) -> None:
    assert address.parse(one).key == address.parse(other).key


@pytest.mark.parametrize(("one", "other"), [
    ("ann+x@example.org", "ann@example.org"), ("a.nn@example.org", "ann@example.org"),
    ("ann@straße.example", "ann@strasse.example"),
])
def test_tags_dots_and_sharp_s_make_different_keys(one: str, other: str) -> None:
    assert address.parse(one).key != address.parse(other).key


NEAR_ADDRESSES = st.text(st.sampled_from("aB1.-_+@'x\"( é\u0308"), max_size=24) | st.builds(
    "{}@{}.{}".format, st.text(st.sampled_from("aZ9.-_+'!#/=?&é"), min_size=1, max_size=70),
    st.text(st.sampled_from("aZ9.-xnü"), min_size=1, max_size=70),
    st.sampled_from(["org", "ORG", "test", "local", "arpa", "o1", "1", "o", "example", "xn--p1ai", "рф"]),
) | st.emails()


@settings(max_examples=600)
@given(NEAR_ADDRESSES)
@example("a@b--c.org")
@example("a@xn--a.org")
@example("a" * 64 + "@" + "b" * 63 + ".org")
@example("a@" + ".".join(["b" * 60] * 4) + ".co.org")
def test_addresses_are_accepted_and_refused_as_by_email_validator(written: str) -> None:
    clean = written.strip(" \t\u00a0").removesuffix(".")
    try:
        valid = validate_email(clean, check_deliverability=False, strict=True, test_environment=True)
        local = unicodedata.normalize("NFC", clean.rpartition("@")[0])
        expected = f"{local}@{valid.ascii_domain}"
    except EmailNotValidError:
        expected = ""
    try:
        assert address.parse(written).email == expected
    except DataError:
        assert not expected


@given(st.text(st.characters(), max_size=60))
def test_any_text_gives_an_address_or_a_data_error(written: str) -> None:
    try:
        found = address.parse(written)
    except DataError:
        return
    assert not any(unicodedata.category(character).startswith("C") for character in found.email)
    assert found.email.rpartition("@")[2].isascii()


@given(st.emails())
def test_parsing_an_address_again_changes_nothing_and_case_does_not_change_the_key(written: str) -> None:
    try:
        found = address.parse(written)
    except DataError:
        return
    assert address.parse(found.email) == found
    assert address.parse(written.swapcase()).key == found.key
    assert address.parse(found.key).key == found.key


# --- Mailboxes, and the last look -----------------------------------------------------------------------------


@pytest.mark.parametrize(("written", "name", "email"), [
    ("desk@example.org", "", "desk@example.org"),
    ("Digital Desk <desk@example.org>", "Digital Desk", "desk@example.org"),
    ('"Desk, Digital" <Desk@Example.org>', "Desk, Digital", "Desk@example.org"),
    (r'"The \"Desk\"" <desk@example.org>', 'The "Desk"', "desk@example.org"),
    ("Nachrichten für Ärzte <desk@bücher.example>", "Nachrichten für Ärzte", "desk@xn--bcher-kva.example"),
    ("<desk@example.org>", "", "desk@example.org"),
])
def test_a_mailbox_is_an_address_with_a_name_or_without(written: str, name: str, email: str) -> None:
    found, mailbox = address.mailbox(written)
    assert (found, mailbox.email) == (name, email)


@pytest.mark.parametrize("written", [
    "", "Desk", "Desk <desk>", "Desk <desk@@example.org>", "Desk, Digital <desk@example.org>",
    "a@example.org, b@example.org", "Desk <a@example.org>, Desk <b@example.org>", "a@example.org <b@example.org>",
    'Desk "Digital <desk@example.org>', "Desk <desk@example.org> x", "Desk <<desk@example.org>>",
])
def test_no_mailbox_or_more_than_one_is_refused(written: str) -> None:
    with pytest.raises(DataError):
        address.mailbox(written)


@given(st.emails())
def test_every_valid_address_can_be_sent(written: str) -> None:
    try:
        found = address.parse(written)
    except DataError:
        return
    assert address.can_be_sent(found.email)


@pytest.mark.parametrize("email", [
    "", "ann", "ann@example.org\r\nRCPT TO:<x@example.net>", "ann@example.org>", "ann lee@example.org",
    "ann@example.org, x@example.net", "ann@exa mple.org", "\ud800@example.org", "ann@example.org\u2028", "a\x85@b.org",
    "<ann@example.org>", "ann@bücher.example",
])
def test_an_address_that_could_end_a_command_or_a_header_cannot_be_sent(email: str) -> None:
    assert not address.can_be_sent(email)
