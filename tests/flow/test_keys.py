"""Links and keys over a store's life: rebuilt, inherited from an older version, rotated, lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from newsletter import address
from newsletter.app import App, issues, tokens
from newsletter.app.keys import HANDLE_KEY, KEY
from newsletter.errors import ConfigError
from newsletter.links import Links
from newsletter.model import Subscriber
from tests.flow.desk import Desk

OLD_ADDRESS, NEW_ADDRESS = "ann@example.org", "ann@example.net"


def token(links: Links, subscriber: Subscriber) -> str:
    return links.unsubscribe("weekly", subscriber).rpartition("/")[2]


def read(app: App, text: str) -> str:
    """The address of the subscriber whose token this is; empty if it is refused."""
    found = tokens.subscriber(app, text, "unsubscribe", "weekly")
    return found.email if found else ""


def ann(app: App) -> Subscriber:
    return issues.subscriber(app, OLD_ADDRESS)


@contextmanager
def database(desk: Desk) -> Iterator[sa.Connection]:
    engine = sa.create_engine(f"sqlite:///{desk.root / 'newsletter.db'}")
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def make_old(desk: Desk) -> None:
    """The store as one of version 1 is after its migration: links by row, no handles, no fingerprints."""
    with desk.app() as app:
        last = max(each.id for each in app.store.subscribers.all())
    with database(desk) as connection:
        connection.execute(sa.text("UPDATE issue SET link_version = 1"))
        connection.execute(sa.text("UPDATE subscriber SET handle = NULL"))
        connection.execute(sa.text("DELETE FROM memory"))
        connection.execute(sa.text("INSERT INTO memory (name, value) VALUES (:name, :last)"),
                           {"name": tokens.ROWS_UP_TO, "last": str(last)})
    (desk.root / "handle.key").unlink()


def rebuild(desk: Desk) -> None:
    """The store is deleted and made anew from the preference file, in which Ann now comes last; the keys are kept."""
    desk.people.sort(key=lambda each: each["email"] == OLD_ADDRESS)
    desk.reader("new@example.org", "ai")
    for file in desk.root.glob("newsletter.db*"):
        file.unlink()
    desk.prepare()


def rotate(desk: Desk) -> None:
    file = desk.root / "newsletter.key"
    file.write_bytes(b"n" * 32 + file.read_bytes())


def keys(desk: Desk) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in desk.root.glob("*.key")}


# --- Whose token it is ---


def test_the_links_in_a_sent_mail_lead_to_its_reader(desk: Desk) -> None:
    prepared = desk.prepare()
    desk.send()
    mail = desk.mails(prepared.issue.id)[OLD_ADDRESS]
    link = str(mail["List-Unsubscribe"]).partition(">")[0]
    with desk.app() as app:
        assert read(app, link.rpartition("/")[2]) == OLD_ADDRESS
        assert tokens.subscriber(app, link.rpartition("/")[2], "preferences", "weekly") is None
        assert tokens.subscriber(app, link.rpartition("/")[2], "unsubscribe", "daily") is None


def test_a_rebuilt_store_refuses_a_token_by_row_and_still_knows_one_by_handle(desk: Desk) -> None:
    """A14: Ann's old unsubscribe link never becomes another subscriber's."""
    desk.prepare()
    with desk.app() as app:
        before = ann(app)
        by_row, by_handle = token(app.links(1), before), token(app.links(), before)
        message_id = app.links().message_id_local("weekly-2026-11-30", before)
    rebuild(desk)
    with desk.app() as app:
        heir = app.store.subscribers.by_id(before.id)
        assert heir is not None
        assert heir.email != OLD_ADDRESS, "her row is somebody else's now"
        assert read(app, by_row) == ""
        assert read(app, by_handle) == OLD_ADDRESS
        assert app.links().message_id_local("weekly-2026-11-30", ann(app)) == message_id
        assert app.links().message_id_local("weekly-2026-11-30", heir) != message_id


def test_old_tokens_go_on_in_the_store_that_issued_them_and_for_its_rows_alone(desk: Desk) -> None:
    desk.prepare()
    make_old(desk)
    with desk.app() as app:
        old = token(app.links(1), ann(app))
        assert read(app, old) == OLD_ADDRESS
    desk.reader("late@example.org", "ai")
    desk.send()
    rotate(desk)
    with desk.app() as app:
        assert read(app, old) == OLD_ADDRESS
        assert read(app, token(app.links(1), issues.subscriber(app, "late@example.org"))) == ""


def test_what_an_older_version_froze_is_sent_with_its_message_ids_and_tokens(desk: Desk) -> None:
    prepared = desk.prepare()
    make_old(desk)
    with desk.app() as app:
        local = app.links(1).message_id_local(prepared.issue.id, ann(app))
        old = token(app.links(1), ann(app))
    rotate(desk)
    desk.send()
    mail = desk.mails(prepared.issue.id)[OLD_ADDRESS]
    assert str(mail["Message-ID"]) == f"<{local}@news.example.org>"
    assert f"/unsubscribe/weekly/{old}>" in str(mail["List-Unsubscribe"])


def test_a_link_to_a_former_address_still_leads_to_its_subscriber(desk: Desk) -> None:
    desk.prepare()
    with desk.app() as app:
        old = token(app.links(), ann(app))
        moved = address.parse(NEW_ADDRESS)
        app.store.subscribers.readdress(OLD_ADDRESS, moved, app.keyring.handle(moved.key), now=app.now())
        assert read(app, old) == NEW_ADDRESS
        assert read(app, token(app.links(), issues.subscriber(app, NEW_ADDRESS))) == NEW_ADDRESS


def test_a_link_leads_to_the_present_owner_of_an_address_before_a_former_one(desk: Desk) -> None:
    desk.prepare()
    with desk.app() as app:
        former = ann(app).id
        moved = address.parse(NEW_ADDRESS)
        app.store.subscribers.readdress(OLD_ADDRESS, moved, app.keyring.handle(moved.key), now=app.now())
    desk.reader("other@example.org", "ai")  # the file has changed, and has the old address still: a new subscriber
    desk.send()
    with desk.app() as app:
        owner = ann(app)
        assert owner.id != former
        assert read(app, token(app.links(), owner)) == OLD_ADDRESS


def test_an_erased_subscriber_is_found_without_an_address_and_has_no_message_id(desk: Desk) -> None:
    prepared = desk.prepare()
    with desk.app() as app:
        old, number = token(app.links(), ann(app)), ann(app).id
        app.store.subscribers.erase(OLD_ADDRESS, now=app.now())
        found = tokens.subscriber(app, old, "unsubscribe", "weekly")
        assert found is not None
        assert (found.id, found.email) == (number, "")
        assert issues.message_ids(app, prepared.issue)(found) == ""


# --- Keys ---


def test_keys_are_made_on_first_use_and_the_store_remembers_their_fingerprints(desk: Desk) -> None:
    desk.prepare()
    assert {name: len(key) for name, key in keys(desk).items()} == {"newsletter.key": 32, "handle.key": 32}
    with desk.app() as app:
        known = [app.store.subscribers.remembered(name) for name in (KEY, HANDLE_KEY)]
    assert all(known)
    assert known[0] != known[1]
    assert not any(key.hex().startswith(each) for key in keys(desk).values() for each in known)


@pytest.mark.parametrize("name", ["newsletter.key", "handle.key"])
def test_a_lost_key_is_refused_with_the_cure_and_nothing_is_made_or_sent(desk: Desk, name: str) -> None:
    """A15."""
    prepared = desk.prepare()
    kept = keys(desk)
    (desk.root / name).unlink()
    with pytest.raises(ConfigError, match=rf"{name}: the key file is missing.*\n.*from a backup"):
        desk.send()
    assert name not in keys(desk)
    assert desk.mails(prepared.issue.id) == {}
    with desk.app() as app:
        assert issues.find(app, "latest").state == "frozen"
    (desk.root / name).write_bytes(kept[name])
    (desk.root / name).chmod(0o600)
    assert desk.send().finished


@pytest.mark.parametrize("name", ["newsletter.key", "handle.key"])
def test_another_projects_key_is_refused_and_nothing_is_sent(desk: Desk, name: str) -> None:
    prepared = desk.prepare()
    (desk.root / name).write_bytes(b"x" * 32)
    with pytest.raises(ConfigError, match=rf"{name}: .*does not hold the key that this store knows"):
        desk.send()
    assert desk.mails(prepared.issue.id) == {}


def test_a_key_lost_before_an_older_version_left_a_fingerprint_is_refused_too(desk: Desk) -> None:
    desk.prepare()
    make_old(desk)
    (desk.root / "newsletter.key").unlink()
    with pytest.raises(ConfigError, match=r"newsletter\.key: the key file is missing"):
        desk.send()
    assert keys(desk) == {}


def test_a_store_of_an_older_version_takes_its_key_and_gets_a_handle_key(desk: Desk) -> None:
    desk.prepare()
    make_old(desk)
    before = keys(desk)
    desk.send()
    assert keys(desk)["newsletter.key"] == before["newsletter.key"]
    assert len(keys(desk)["handle.key"]) == 32
    with desk.app() as app:
        assert app.store.subscribers.remembered(KEY)
        assert app.store.subscribers.remembered(HANDLE_KEY)


def test_a_key_goes_into_the_ring_in_front_and_the_old_one_may_leave_later(desk: Desk) -> None:
    desk.prepare()
    file = desk.root / "newsletter.key"
    first = file.read_bytes()
    with desk.app() as app:
        old = token(app.links(), ann(app))
    rotate(desk)
    with desk.app() as app:
        assert read(app, old) == OLD_ADDRESS
        assert token(app.links(), ann(app)) != old
    file.write_bytes(b"n" * 32)
    with desk.app() as app:
        assert read(app, old) == ""
    file.write_bytes(first)
    with desk.app() as app, pytest.raises(ConfigError, match="does not hold the key that this store knows"):
        read(app, old)


def test_a_handle_key_does_not_rotate(desk: Desk) -> None:
    desk.prepare()
    file = desk.root / "handle.key"
    file.write_bytes(b"n" * 32 + file.read_bytes())
    with pytest.raises(ConfigError, match="the handle key never rotates"):
        desk.send()


def test_the_sample_project_keeps_its_keys_out_of_git() -> None:
    root = Path(__file__).parents[2]
    for file in (root / ".gitignore", root / "sample" / ".gitignore"):
        assert {"newsletter.key", "handle.key"} <= set(file.read_text("utf-8").splitlines())
