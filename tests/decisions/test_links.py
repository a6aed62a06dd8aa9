"""Links name their subscriber to us, nobody to others, and cannot be forged."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.links import ROUTES, Handle, HandleTokens, Keyring, Links, Purpose, Row, RowTokens, fingerprint, named
from newsletter.model import Subscriber

NEW, OLD, HANDLE = b"n" * 32, b"k" * 32, b"h" * 32
RING = Keyring(OLD, (), HANDLE)
ROTATED = Keyring(NEW, (OLD,), HANDLE)
BASE = "https://news.example.org"
LAST_ROW = 2**63 - 1
ANN = Subscriber("ann@example.org", "ann@example.org", "Ann", id=7)
BOB = Subscriber("bob@example.org", "bob@example.org", "Bob", id=8)
STRANGER = Subscriber("zoë@example.org", "zoë@example.org")

Tokens = RowTokens | HandleTokens
VERSIONS = st.sampled_from([RowTokens, HandleTokens])
NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)
SOME_NAMES = st.sampled_from(["weekly", "weekly-2", "daily"])
PURPOSES: st.SearchStrategy[Purpose] = st.sampled_from(["unsubscribe", "preferences"])
KEYS = st.text(min_size=1, max_size=30)
SUBSCRIBERS = st.builds(lambda key, id: Subscriber(key, key, id=id), KEYS, st.integers(0, LAST_ROW))


def name_of(subscriber: Subscriber, version: type[Tokens], ring: Keyring = RING) -> Row | Handle:
    """What a token of this version says of the subscriber."""
    return Row(subscriber.id) if version is RowTokens else Handle(ring.handle(subscriber.key))


# --- Tokens ---


@given(subscriber=SUBSCRIBERS, newsletter=NAMES, purpose=PURPOSES, version=VERSIONS)
def test_a_token_gives_its_subscriber_back_to_who_made_it(
    subscriber: Subscriber, newsletter: str, purpose: Purpose, version: type[Tokens],
) -> None:
    token = version(RING).token(purpose, newsletter, subscriber)
    assert version(RING).read(token, purpose, newsletter) == name_of(subscriber, version)
    assert re.fullmatch(r"[A-Za-z0-9_-]{24,55}", token)
    assert token[-1].isalnum()


@given(
    purpose=PURPOSES, other_purpose=PURPOSES, newsletter=SOME_NAMES, other_newsletter=SOME_NAMES,
    subscriber=SUBSCRIBERS, other_subscriber=SUBSCRIBERS, key=st.sampled_from([OLD, NEW]), version=VERSIONS,
    other_version=VERSIONS,
)
def test_no_token_is_accepted_for_another_purpose_newsletter_subscriber_or_key(
    purpose: Purpose, other_purpose: Purpose, newsletter: str, other_newsletter: str, subscriber: Subscriber,
    other_subscriber: Subscriber, key: bytes, version: type[Tokens], other_version: type[Tokens],
) -> None:
    token = version(RING).token(purpose, newsletter, subscriber)
    found = other_version(Keyring(key, (), HANDLE)).read(token, other_purpose, other_newsletter)
    is_same = (purpose, newsletter, OLD, version) == (other_purpose, other_newsletter, key, other_version)
    assert found == (name_of(subscriber, version) if is_same else None)
    if found is not None and name_of(other_subscriber, version) != name_of(subscriber, version):
        assert found != name_of(other_subscriber, version)


@given(subscriber=SUBSCRIBERS, version=VERSIONS, data=st.data())
def test_a_token_with_any_character_changed_cut_or_added_is_refused(
    subscriber: Subscriber, version: type[Tokens], data: st.DataObject,
) -> None:
    token = version(RING).token("unsubscribe", "weekly", subscriber)
    place = data.draw(st.integers(0, len(token)))
    length = data.draw(st.integers(0, 2))
    forged = token[:place] + data.draw(st.text(max_size=2)) + token[place + length:]
    if forged != token:
        assert named(RING, forged, "unsubscribe", "weekly", rows_up_to=LAST_ROW) is None


@given(token=st.text(), newsletter=st.text())
@example(token="1" + "A" * 22 + "f" * 16, newsletter="weekly")
@example(token="2" + "A" * 22 + "f" * 32, newsletter="\ud800\n\0")
def test_any_other_text_is_no_token_and_raises_nothing(token: str, newsletter: str) -> None:
    assert named(RING, token, "unsubscribe", newsletter, rows_up_to=LAST_ROW) is None


@given(st.binary(max_size=80))
def test_any_bytes_at_all_raise_nothing(content: bytes) -> None:
    for error in ("surrogateescape", "replace"):
        assert named(RING, content.decode("utf-8", error), "preferences", content.decode("utf-8", error)) is None


@pytest.mark.parametrize("version", [RowTokens, HandleTokens])
def test_the_tokens_of_a_former_key_are_accepted_until_it_leaves_the_ring(version: type[Tokens]) -> None:
    token = version(RING).token("unsubscribe", "weekly", ANN)
    assert version(ROTATED).read(token, "unsubscribe", "weekly") == name_of(ANN, version)
    assert version(Keyring(NEW, (), HANDLE)).read(token, "unsubscribe", "weekly") is None


def test_after_a_rotation_new_tokens_are_signed_by_the_new_key() -> None:
    token = HandleTokens(ROTATED).token("unsubscribe", "weekly", ANN)
    assert HandleTokens(RING).read(token, "unsubscribe", "weekly") is None
    assert HandleTokens(ROTATED).read(token, "unsubscribe", "weekly") == RING.handle(ANN.key)


def test_tokens_of_version_1_are_what_they_always_were_even_after_a_rotation() -> None:
    for ring in (RING, ROTATED):
        tokens = RowTokens(ring)
        assert tokens.token("unsubscribe", "weekly", ANN) == "15wNZ1VgG94nYVqab0ff1Ag7"
        far = Subscriber("far@example.org", "far@example.org", id=2**40 + 7)
        assert tokens.token("preferences", "weekly", far) == "1JkwSra7BmHwdrSNKHUB_Bw10000000007"
        assert tokens.message_id_local("weekly-2026-11-30", ANN) == "weekly-2026-11-30.11dc2f670a9c93366d355f92"


def test_a_row_is_named_only_in_a_store_that_issued_it() -> None:
    """A14. In a store rebuilt from the file, row 7 may be Bob."""
    token = RowTokens(RING).token("unsubscribe", "weekly", ANN)
    assert named(RING, token, "unsubscribe", "weekly") is None
    assert named(RING, token, "unsubscribe", "weekly", rows_up_to=6) is None
    assert named(RING, token, "unsubscribe", "weekly", rows_up_to=7) == 7


def test_a_handle_is_the_same_in_every_store_and_after_every_rotation() -> None:
    first = HandleTokens(ROTATED).token("unsubscribe", "weekly", ANN)
    moved = HandleTokens(ROTATED).token("unsubscribe", "weekly", Subscriber(ANN.email, ANN.key, id=99))
    assert first == moved
    assert RING.handle(ANN.key) == ROTATED.handle(ANN.key) != RING.handle(BOB.key)


@pytest.mark.parametrize("version", [1, 2])
def test_a_test_mail_to_a_stranger_has_links_that_lead_to_nobody(version: int) -> None:
    token = Links(BASE, RING, version=version).unsubscribe("weekly", STRANGER).rpartition("/")[2]
    found = named(RING, token, "unsubscribe", "weekly", rows_up_to=LAST_ROW)
    assert found == (None if version == 1 else RING.handle(STRANGER.key))


def test_no_two_tokens_have_their_signature_in_common() -> None:
    people = [Subscriber(f"a{number}@example.org", f"a{number}@example.org", id=number) for number in range(500)]
    for version in (RowTokens, HandleTokens):
        assert len({version(RING).token("unsubscribe", "weekly", each)[:23] for each in people}) == 500


# --- Links ---


@pytest.mark.parametrize("version", [1, 2])
def test_links_follow_the_table_of_routes_under_the_base_url(version: int) -> None:
    links = Links(f"{BASE}/", RING, version=version)
    made: dict[Purpose, str] = {"unsubscribe": links.unsubscribe("weekly", ANN),
                                "preferences": links.preferences("weekly", ANN)}
    for page, link in made.items():
        route = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", ROUTES[page])
        match = re.fullmatch(re.escape(BASE) + route, link)
        assert match is not None
        assert match["newsletter"] == "weekly"
        assert named(RING, match["token"], page, "weekly", rows_up_to=7)


def test_the_paths_of_the_pages_stay_as_they_are_in_mails_already_sent() -> None:
    links = Links(BASE, RING, version=1)
    assert links.unsubscribe("weekly", ANN) == f"{BASE}/unsubscribe/weekly/15wNZ1VgG94nYVqab0ff1Ag7"
    assert links.preferences("weekly", ANN).startswith(f"{BASE}/preferences/weekly/1")
    assert links.web("weekly-2026-11-30") == f"{BASE}/issues/weekly-2026-11-30"


@given(subscriber=SUBSCRIBERS, version=st.sampled_from([1, 2]))
def test_no_link_and_no_message_id_shows_an_address(subscriber: Subscriber, version: int) -> None:
    address = f"{subscriber.id}.someone@example.org"
    links = Links(BASE, RING, version=version)
    ann = Subscriber(address, address, id=subscriber.id)
    for shown in (links.unsubscribe("weekly", ann), links.message_id_local("weekly-2026-11-30", ann)):
        assert "@" not in shown
        assert "someone" not in shown


# --- Message-IDs ---


@given(subscriber=SUBSCRIBERS, other=SUBSCRIBERS, version=VERSIONS)
def test_a_message_id_is_the_same_at_every_attempt_and_another_for_every_subscriber(
    subscriber: Subscriber, other: Subscriber, version: type[Tokens],
) -> None:
    local = version(RING).message_id_local("weekly-2026-11-30", subscriber)
    assert local == version(ROTATED).message_id_local("weekly-2026-11-30", subscriber)
    assert re.fullmatch(r"weekly-2026-11-30\.[0-9a-f]{24}", local)
    is_same = name_of(subscriber, version) == name_of(other, version)
    assert (local == version(RING).message_id_local("weekly-2026-11-30", other)) == is_same


def test_a_message_id_cannot_be_told_from_the_token_or_from_that_of_another_issue() -> None:
    """Whoever has seen a token or another issue's Message-ID still cannot say whose this one is."""
    tokens = HandleTokens(RING)
    token = tokens.token("unsubscribe", "weekly", ANN)
    first, second = (tokens.message_id_local(issue, ANN).rpartition(".")[2] for issue in ("weekly-1", "weekly-2"))
    assert first != second
    assert not {first[start:start + 8] for start in range(17)} & {token[start:start + 8] for start in range(48)}
    assert Keyring(OLD, (), NEW).handle(ANN.key) != RING.handle(ANN.key)


# --- Keys ---


def test_a_keyring_does_not_show_its_keys() -> None:
    shown = repr(Keyring(b"secretsecretsecretsecretsecretse", (b"formerformerformerformerformerfo",), HANDLE))
    assert "secret" not in shown
    assert "former" not in shown
    assert "hhh" not in shown


@given(st.binary(min_size=32, max_size=32))
def test_a_fingerprint_is_short_and_holds_nothing_of_the_key(key: bytes) -> None:
    assert re.fullmatch("[0-9a-f]{16}", fingerprint(key))
    assert fingerprint(key) not in key.hex()
    assert fingerprint(key) != fingerprint(bytes([key[0] ^ 1]) + key[1:])
