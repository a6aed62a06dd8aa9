"""`newsletter run`: what is due is frozen and sent, what is late is left to a person. The clock is the test's own."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from newsletter import config
from newsletter.app import issues
from newsletter.app.running import Run
from newsletter.app.sending import sending_alone
from newsletter.model import Receipt, Settled
from tests.flow.desk import Desk, read
from tests.smtpd import Manners, Relay, relay

MONDAY = datetime(2026, 11, 30, 8, tzinfo=UTC)
"""The slot that comes next at the desk."""
NEXT_MONDAY = MONDAY + timedelta(weeks=1)


@contextmanager
def watching(desk: Desk) -> Iterator[Run]:
    """A run with a store of its own, as each process has."""
    with desk.app() as app:
        yield Run(app, poll_seconds=3600)


async def look(*runs: Run) -> None:
    """Each looks once, side by side, and ends what it begins."""
    for run in runs:
        run.look()
    await asyncio.gather(*(run.idle() for run in runs))


async def watched(desk: Desk) -> None:
    """Somebody looked after the desk until now."""
    with watching(desk) as run:
        await look(run)


def edit(desk: Desk, old: str, new: str) -> None:
    file = desk.root / "newsletter.toml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def states(desk: Desk) -> dict[str, str]:
    """The state of each issue, by its slot."""
    with desk.app() as app:
        return {each.slot_key.partition("[")[0]: each.state for each in app.store.issues.all()}


@pytest.fixture(autouse=True)
def every_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "newsletter")


# --- Slots ---


async def test_an_issue_goes_out_when_its_slot_comes_and_once_with_a_second_run_beside(desk: Desk) -> None:
    with relay() as server:
        desk.relay(server.port)
        with watching(desk) as first, watching(desk) as second:
            desk.clock.set(MONDAY - timedelta(seconds=1))
            await look(first, second)
            assert server.taken == []
            desk.clock.set(MONDAY)
            await look(first, second)
            await look(first, second)
    assert states(desk) == {"2026-11-30T08:00": "finished"}
    assert sorted(server.recipients()) == ["all@example.org", "ann@example.org", "bob@example.org"]


async def test_a_run_works_from_its_start_until_it_is_stopped(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    await watched(desk)
    desk.clock.set(MONDAY)
    with watching(desk) as run:
        working = asyncio.create_task(run.until_stopped())
        await until(lambda: states(desk) == {"2026-11-30T08:00": "finished"})
        run.stop()
        await working
    assert "weekly: every monday at 08:00 (Europe/London), next on 2026-12-07 at 08:00" in caplog.messages


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        # The run writes to the store from another thread, and a store sets no event.
        while not await asyncio.to_thread(holds):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_slot_missed_by_more_than_max_lateness_is_reported_and_not_sent(
    desk: Desk, caplog: pytest.LogCaptureFixture,
) -> None:
    await watched(desk)
    desk.clock.set(MONDAY + timedelta(hours=7))
    with watching(desk) as run:
        await look(run)
        await look(run)
    assert not (desk.root / "outbox").exists()
    assert caplog.text.count("the slot 2026-11-30T08:00 was missed") == 1
    assert "newsletter issue prepare weekly --at 2026-11-30T08:00" in caplog.text


async def test_a_store_of_an_earlier_version_keeps_what_it_remembers(desk: Desk) -> None:
    """It knew since when a newsletter is watched, and not by which rule."""
    with desk.app() as app:
        app.store.subscribers.remember("watched since, weekly", desk.clock.now().isoformat())
    desk.clock.set(MONDAY + timedelta(hours=1))
    await watched(desk)
    assert states(desk) == {"2026-11-30T08:00": "finished"}


async def test_an_issue_that_the_editor_froze_goes_out_when_its_slot_comes(desk: Desk) -> None:
    frozen = desk.prepare()
    desk.story("late", "Too late for this issue", ["ai"], date="2026-11-28")
    with watching(desk) as run:
        await look(run)
        assert states(desk) == {"2026-11-30T08:00": "frozen"}
        desk.clock.set(MONDAY)
        await look(run)
    assert "Too late" not in str(desk.mails(frozen.issue.id)["ann@example.org"]["Subject"])


async def test_a_slot_whose_issue_a_person_cancelled_is_left_to_that_person(desk: Desk) -> None:
    await watched(desk)
    frozen = desk.prepare()
    with desk.app() as app:
        app.store.issues.cancel(frozen.issue.id, now=app.now())
    desk.clock.set(MONDAY)
    await watched(desk)
    assert not (desk.root / "outbox").exists()


async def test_a_broken_topic_file_is_logged_once_and_the_issue_goes_out_when_it_can_be_read(
    desk: Desk, caplog: pytest.LogCaptureFixture,
) -> None:
    topics = desk.root / "topics.toml"
    good = topics.read_text("utf-8")
    topics.write_text("[topic.ai\n", "utf-8")
    await watched(desk)
    desk.clock.set(MONDAY)
    with watching(desk) as run:
        await look(run)
        await look(run)
        assert caplog.text.count("topics.toml:1") == 1
        topics.write_text(good, "utf-8")
        await look(run)
    assert states(desk) == {"2026-11-30T08:00": "finished"}


# --- A changed newsletter.toml ---

WEDNESDAY = datetime(2026, 12, 2, 10, 20, tzinfo=UTC)


@pytest.mark.parametrize("restarted", [True, False])
async def test_an_edited_schedule_begins_with_its_next_slot(desk: Desk, restarted: bool) -> None:
    """B6: on Wednesday at 10:20, "every monday at 08:00" becomes "every wednesday at 09:00"."""
    with watching(desk) as before:
        await look(before)
        desk.clock.set(WEDNESDAY - timedelta(days=2, hours=2, minutes=20))
        await look(before)
        assert states(desk) == {"2026-11-30T08:00": "finished"}
        desk.clock.set(WEDNESDAY)
        edit(desk, "every monday at 08:00", "every wednesday at 09:00")
        with watching(desk) as after:
            run = after if restarted else before
            await look(run)
            assert states(desk) == {"2026-11-30T08:00": "finished"}
            desk.clock.set(WEDNESDAY + timedelta(weeks=1))
            await look(run)
    assert states(desk) == {"2026-11-30T08:00": "finished", "2026-12-09T09:00": "finished"}


async def test_a_run_takes_up_a_changed_newsletter_toml_and_reports_it(
    desk: Desk, caplog: pytest.LogCaptureFixture,
) -> None:
    """B6."""
    with watching(desk) as run:
        await look(run)
        edit(desk, "every monday at 08:00", "every saturday at 09:00")
        await look(run)
        await look(run)
        assert caplog.messages == [
            "newsletter.toml has changed and is in force from now on",
            "weekly: every saturday at 09:00 (Europe/London), next on 2026-11-28 at 09:00",
        ]
        desk.clock.set(datetime(2026, 11, 28, 9, tzinfo=UTC))
        await look(run)
    assert states(desk) == {"2026-11-28T09:00": "finished"}


def test_what_follows_from_newsletter_toml_is_made_anew_and_the_store_stays_open(desk: Desk) -> None:
    """B6."""
    with desk.app() as app:
        keyring, sources, store, lock = app.keyring, app.sources, app.store, app.sending_lock
        edit(desk, "https://news.example.org", "https://letters.example.org")
        app.take_up(config.read(desk.root / "newsletter.toml"))
        assert app.keyring is not keyring
        assert app.links().web("weekly-2026-11-30").startswith("https://letters.example.org")
        assert app.sources is not sources
        assert app.store is store
        assert app.sending_lock is lock


@pytest.mark.parametrize(("old", "new", "why"), [
    ("every monday at 08:00", "every mondy at 08:00", "Did you mean “monday”?"),
    ("[newsletter.weekly]", "[newsletter.weekly", "newsletter.toml:"),
    ("[delivery]", '[store]\nurl = "sqlite:///other.db"\n[delivery]', "store.url has changed"),
])
async def test_a_run_keeps_the_old_newsletter_toml_if_the_new_one_cannot_be_used_and_reports_why(
    desk: Desk, caplog: pytest.LogCaptureFixture, old: str, new: str, why: str,
) -> None:
    """B6."""
    with watching(desk) as run:
        await look(run)
        edit(desk, old, new)
        await look(run)
        desk.clock.set(MONDAY)
        await look(run)
        edit(desk, new, old)
        await look(run)
    assert caplog.text.count("newsletter.toml has changed") == 1
    assert why in caplog.text
    assert states(desk) == {"2026-11-30T08:00": "finished"}


async def test_a_run_without_a_schedule_reports_that_it_waits_for_nothing(
    desk: Desk, caplog: pytest.LogCaptureFixture,
) -> None:
    with watching(desk) as run:
        edit(desk, 'schedule = "every monday at 08:00"', "")
        await look(run)
    assert "no newsletter in newsletter.toml has a schedule" in caplog.text


# --- Issues ---


async def test_a_frozen_issue_that_is_late_is_reported_once_and_waits_for_a_person(
    desk: Desk, caplog: pytest.LogCaptureFixture,
) -> None:
    """B4."""
    issue = desk.prepare().issue
    desk.clock.set(MONDAY + timedelta(hours=7))
    with watching(desk) as run:
        await look(run)
        await look(run)
    [late] = [each for each in caplog.messages if f"{issue.id} is late" in each]
    assert f"newsletter send {issue.id} or newsletter issue cancel {issue.id}" in late
    assert not (desk.root / "outbox").exists()
    with desk.app() as app:
        assert issues.answer(app, issue) == "late"
    assert (await asyncio.to_thread(desk.send, issue.id)).finished


DAILY = """
[newsletter.daily]
title = "The Day"
from = "Digital Desk <desk@news.example.org>"
sources = ["stories/"]
schedule = "every day at 09:00"
timezone = "Europe/London"
"""


async def test_one_newsletters_long_send_does_not_hold_up_another(desk: Desk) -> None:
    """B4: a server that takes its time with one mail of the weekly."""
    desk.reader("slow@example.org", "ai")
    with relay() as server:
        desk.relay(server.port)
        edit(desk, "[newsletter.weekly]", f"{DAILY}[newsletter.weekly]")
        with watching(desk) as run:
            desk.clock.set(MONDAY - timedelta(hours=1))
            await look(run)
            desk.clock.set(MONDAY)
            run.look()
            await asyncio.to_thread(server.wait_for, "slow@example.org")
            desk.story("today", "News of this very morning", ["ai"], date="2026-11-30")
            desk.clock.set(MONDAY + timedelta(hours=1))
            run.look()
            await asyncio.to_thread(wait_for_daily, server)
            assert states(desk)["2026-11-30T08:00"] == "sending"
            server.patience.set()
            await run.idle()
    assert set(states(desk).values()) == {"finished"}


def wait_for_daily(server: Relay) -> None:
    """Returns when Ann has her mail of the daily."""
    with server.lock:
        assert server.lock.wait_for(lambda: any(
            each.recipient == "ann@example.org" and "<daily." in str(read(each.data)["List-ID"])
            for each in server.taken), timeout=60)


async def sent_half(desk: Desk) -> str:
    """An issue of which a sender that died sent one mail, at the time of its slot."""
    frozen = desk.prepare()
    desk.clock.set(frozen.manifest.slot.instant)
    with desk.app() as app:
        app.store.issues.start(frozen.issue.id, now=app.now())
        [first, *_] = app.store.outbox.take(frozen.issue.id, limit=1, settled=(), now=app.now(), token="dead")
        answer = Settled(first.id, Receipt("sent", 250))
        app.store.outbox.take(frozen.issue.id, limit=0, settled=[answer], now=app.now(), token="dead")
    return frozen.issue.id


async def test_a_send_that_was_interrupted_for_a_while_goes_on_by_itself(desk: Desk) -> None:
    await sent_half(desk)
    desk.clock.set(MONDAY + timedelta(hours=5))
    await watched(desk)
    assert states(desk) == {"2026-11-30T08:00": "finished"}


async def test_a_send_that_stood_still_for_longer_than_max_lateness_waits_for_a_person(
    desk: Desk, caplog: pytest.LogCaptureFixture,
) -> None:
    """P15: a machine that was away, or a store that is a copy from some time ago."""
    issue = await sent_half(desk)
    desk.clock.set(MONDAY + timedelta(hours=7))
    with watching(desk) as run:
        await look(run)
        await look(run)
    assert caplog.text.count(f"{issue} is late") == 1
    assert f"newsletter send {issue}" in caplog.text
    assert not (desk.root / "outbox").exists()
    sent = await asyncio.to_thread(desk.send, issue)
    assert sent.finished


async def test_what_the_relay_deferred_is_tried_again_when_it_is_due_however_old_the_issue_is(
    desk: Desk, caplog: pytest.LogCaptureFixture,
) -> None:
    """S2: each pause is longer than the one before, and the last ones are longer than max_lateness."""
    desk.reader("tempdot@example.org", "ai")
    with relay() as server:
        desk.relay(server.port)
        frozen = desk.prepare()
        desk.clock.set(MONDAY)
        with watching(desk) as run:
            for tries, minutes in enumerate((15, 30, 60, 120, 240, 480, 960, 1440), 1):
                await look(run)
                await look(run)
                assert attempts(desk, frozen.issue.id) == tries
                desk.clock.set(desk.clock.now() + timedelta(minutes=1.25 * minutes))
    assert caplog.text.count(f"{frozen.issue.id}: ") == 8, "a look that tries nothing reports nothing"


def attempts(desk: Desk, issue: str) -> int:
    with desk.app() as app:
        delivery = app.store.outbox.delivery(issue, "tempdot@example.org")
        return delivery.attempts if delivery else 0


async def test_a_run_refused_for_its_content_is_paused_and_not_begun_again_at_every_look(
    desk: Desk, caplog: pytest.LogCaptureFixture,
) -> None:
    """S5: it stops by itself, says why, and waits for a person."""
    for number in range(40):
        desk.reader(f"permdot@host{number}.example.org", "ai")
    with relay() as server:
        desk.relay(server.port)
        frozen = desk.prepare()
        desk.clock.set(MONDAY)
        with watching(desk) as run:
            await look(run)
            await look(run)
    with desk.app() as app:
        issue = app.store.issues.get(frozen.issue.id)
        assert issue is not None
        assert issue.state == "paused"
        assert "554 5.6.0 we do not like this" in issue.note
    assert caplog.text.count("most mails are refused because of their content or sender") == 1


async def test_a_wrong_password_is_tried_once_and_then_a_person_is_needed(
    desk: Desk, caplog: pytest.LogCaptureFixture,
) -> None:
    """S13: relays lock accounts that try again and again."""
    with relay(Manners(login=("desk", "right"))) as server:
        desk.relay(server.port)
        (desk.root / "password").write_text("wrong\n", "ascii")
        (desk.root / "password").chmod(0o600)
        edit(desk, "connections", 'username = "desk"\npassword_file = "password"\nconnections')
        frozen = desk.prepare()
        desk.clock.set(MONDAY)
        with watching(desk) as run:
            await look(run)
            await look(run)
    assert "refuses the login" in caplog.text
    assert len([each for each in server.commands if each.startswith("AUTH")]) == 1
    with desk.app() as app:
        issue = app.store.issues.get(frozen.issue.id)
        assert issue is not None
        assert (issue.state, app.store.outbox.sums(issue.id)["queued"]) == ("paused", 3)


async def test_a_run_stands_by_while_another_process_sends_and_reports_it_once(
    desk: Desk, caplog: pytest.LogCaptureFixture,
) -> None:
    """G10: no lines at every look."""
    desk.prepare()
    desk.clock.set(MONDAY)
    with desk.app() as other, sending_alone(other), watching(desk) as run:
        await look(run)
        await look(run)
    assert caplog.text.count("another process is sending") == 1
    assert not (desk.root / "outbox").exists()
    await watched(desk)
    assert states(desk) == {"2026-11-30T08:00": "finished"}
