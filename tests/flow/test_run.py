"""`newsletter run`: every week's issue once, over clock changes, late starts and a second process beside it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from newsletter.app.running import Run
from newsletter.model import Receipt, Settled
from tests.flow.desk import Desk, read
from tests.smtpd import Manners, relay

LONDON = ZoneInfo("Europe/London")


def eight(day: date) -> datetime:
    """Eight in the morning in London."""
    return datetime(day.year, day.month, day.day, 8, tzinfo=LONDON).astimezone(UTC)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - what is waited for happens in another thread
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(desk: Desk, count: int = 1) -> AsyncIterator[list[Run]]:
    """So many runs side by side, each with a store of its own as processes have."""
    apps = [desk.app() for _ in range(count)]
    runs = [Run(app.__enter__(), poll_seconds=0.05) for app in apps]
    tasks = [asyncio.create_task(run.until_stopped()) for run in runs]
    try:
        yield runs
    finally:
        for run in runs:
            run.stop()
        await asyncio.gather(*tasks)
        for app in apps:
            app.__exit__(None, None, None)


def finished(desk: Desk) -> list[str]:
    with desk.app() as app:
        return [issue.slot_key for issue in app.store.issues.all() if issue.state == "finished"]


async def test_each_weeks_issue_goes_out_once_over_two_clock_changes_with_a_second_run_beside(desk: Desk) -> None:
    mondays = [date(2026, 3, 16) + timedelta(weeks=week) for week in range(34)]
    desk.clock.set(eight(mondays[0]) - timedelta(days=3))
    for old in (desk.root / "stories").iterdir():
        old.unlink()
    with relay() as server:
        desk.relay(server.port)
        async with running(desk, 2):
            for week, monday in enumerate(mondays):
                desk.story(f"week{week}", f"News of week {week}", ["ai"], date=f"{monday - timedelta(days=2)}")
                desk.clock.set(eight(monday) - timedelta(seconds=1))
                await asyncio.sleep(0.06)
                assert len(server.taken) == 2 * week, "nothing goes out before its time"
                desk.clock.set(eight(monday) + timedelta(seconds=1))
                await until(lambda week=week: len(finished(desk)) == week + 1)  # type: ignore[misc]
    assert finished(desk) == [f"{monday}T08:00[Europe/London]" for monday in reversed(mondays)]
    got = Counter((each.recipient, str(read(each.data)["Subject"])) for each in server.taken)
    readers = ("ann@example.org", "all@example.org")
    assert got == {(to, f"News of week {week}"): 1 for week in range(34) for to in readers}


async def test_a_clock_set_back_over_a_slot_does_not_send_its_issue_again(desk: Desk) -> None:
    """P9: a slot is known by its name, not by whether its time is to come."""
    monday = date(2026, 11, 30)
    desk.clock.set(eight(monday) - timedelta(days=1))
    with relay() as server:
        desk.relay(server.port)
        async with running(desk):
            await asyncio.sleep(0.1)  # a slot before its first look was never missed
            desk.clock.set(eight(monday) + timedelta(minutes=1))
            await until(lambda: len(finished(desk)) == 1)
            for minutes in (-59, 2):
                desk.clock.set(eight(monday) + timedelta(minutes=minutes))
                await asyncio.sleep(0.3)  # it looks six times
    assert len(finished(desk)) == 1
    assert sorted(each.recipient for each in server.taken) == [
        "all@example.org", "ann@example.org", "bob@example.org"]


async def test_a_slot_missed_by_less_than_max_lateness_is_sent_late(desk: Desk) -> None:
    with desk.app() as app:
        Run(app)._watch("weekly")
    desk.clock.set(eight(date(2026, 11, 30)) + timedelta(hours=5))
    async with running(desk):
        await until(lambda: finished(desk) == ["2026-11-30T08:00[Europe/London]"])
    assert len(desk.mails("weekly-2026-11-30")) == 3


async def test_a_slot_missed_by_more_is_reported_and_not_sent(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    with desk.app() as app:
        Run(app)._watch("weekly")
    desk.clock.set(eight(date(2026, 11, 30)) + timedelta(hours=7))
    async with running(desk):
        await until(lambda: "was missed" in caplog.text)
    assert not (desk.root / "outbox").exists()
    assert "newsletter issue prepare weekly --at 2026-11-30T08:00" in caplog.text


async def test_a_slot_before_the_first_run_was_never_missed(desk: Desk) -> None:
    async with running(desk) as (run,):
        await run.ring()
        await run.ring()
    with desk.app() as app:
        assert app.store.issues.all() == []


async def test_an_issue_that_the_editor_froze_goes_out_when_its_slot_comes(desk: Desk) -> None:
    frozen = desk.prepare()
    desk.story("late", "Too late for this issue", ["ai"], date="2026-11-28")
    async with running(desk) as (run,):
        await run.ring()
        assert finished(desk) == []
        desk.clock.set(frozen.manifest.slot.instant + timedelta(seconds=1))
        await until(lambda: finished(desk) != [])
    assert "Too late" not in str(desk.mails(frozen.issue.id)["ann@example.org"]["Subject"])


async def test_a_broken_topic_file_is_logged_and_the_issue_goes_out_once_it_is_mended(
    desk: Desk, caplog: pytest.LogCaptureFixture,
) -> None:
    topics = desk.root / "topics.toml"
    good = topics.read_text("utf-8")
    topics.write_text("[topic.ai\n", "utf-8")
    with desk.app() as app:
        Run(app)._watch("weekly")
    desk.clock.set(eight(date(2026, 11, 30)) + timedelta(minutes=1))
    async with running(desk):
        await until(lambda: "topics.toml:1" in caplog.text)
        topics.write_text(good, "utf-8")
        await until(lambda: finished(desk) != [])


async def test_a_slot_whose_issue_a_person_cancelled_is_left_to_that_person(desk: Desk) -> None:
    frozen = desk.prepare()
    with desk.app() as app:
        Run(app)._watch("weekly")
        app.store.issues.cancel(frozen.issue.id, now=app.now())
    desk.clock.set(frozen.manifest.slot.instant + timedelta(seconds=1))
    async with running(desk) as (run,):
        await run.ring()
    assert not (desk.root / "outbox").exists()


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
    desk.clock.set(desk.clock.now() + timedelta(hours=5))
    async with running(desk):
        await until(lambda: finished(desk) != [])


async def test_a_send_that_stood_still_for_longer_than_max_lateness_waits_for_a_person(
    desk: Desk, caplog: pytest.LogCaptureFixture,
) -> None:
    """P15: a machine that was away, or a store that is a copy from some time ago."""
    issue = await sent_half(desk)
    desk.clock.set(desk.clock.now() + timedelta(hours=7))
    async with running(desk) as (run,):
        await until(lambda: "a person decides" in caplog.text)
        await run.ring()
        await run.ring()
    assert caplog.text.count("a person decides") == 1
    assert f"newsletter send {issue}" in caplog.text
    assert not (desk.root / "outbox").exists()
    sent = await asyncio.to_thread(desk.send, issue)
    assert sent.finished


async def test_what_the_relay_deferred_is_tried_again_by_itself_however_old_the_issue_is(desk: Desk) -> None:
    """S2: each pause is longer than the one before, and the last ones are longer than max_lateness."""
    desk.reader("tempdot@example.org", "ai")
    with relay() as server:
        desk.relay(server.port)
        frozen = desk.prepare()
        desk.clock.set(frozen.manifest.slot.instant)
        async with running(desk):
            for tries, minutes in enumerate((15, 30, 60, 120, 240, 480, 960, 1440), 1):
                await until(lambda tries=tries: attempts(desk, frozen.issue.id) == tries)  # type: ignore[misc]
                desk.clock.set(desk.clock.now() + timedelta(minutes=1.25 * minutes))


def attempts(desk: Desk, issue: str) -> int:
    with desk.app() as app:
        delivery = app.store.outbox.delivery(issue, "tempdot@example.org")
        return delivery.attempts if delivery else 0


async def test_a_run_refused_for_its_content_is_paused_and_not_begun_again_every_minute(
    desk: Desk, caplog: pytest.LogCaptureFixture,
) -> None:
    """S5: it stops by itself, says why, and waits for a person."""
    for number in range(40):
        desk.reader(f"permdot@host{number}.example.org", "ai")
    with relay() as server:
        desk.relay(server.port)
        frozen = desk.prepare()
        desk.clock.set(frozen.manifest.slot.instant)
        async with running(desk) as (run,):
            await until(lambda: "most mails are refused for what they are" in caplog.text)
            await run.ring()
            await run.ring()
    with desk.app() as app:
        issue = app.store.issues.get(frozen.issue.id)
        assert issue is not None
        assert issue.state == "paused"
        assert "554 5.6.0 we do not like this" in issue.note
    assert caplog.text.count("most mails are refused for what they are") == 1


async def test_a_wrong_password_is_tried_once_and_then_a_person_is_needed(
    desk: Desk, caplog: pytest.LogCaptureFixture,
) -> None:
    """S13: relays lock accounts that try again and again."""
    with relay(Manners(login=("desk", "right"))) as server:
        desk.relay(server.port)
        (desk.root / "password").write_text("wrong\n", "ascii")
        (desk.root / "password").chmod(0o600)
        config = desk.root / "newsletter.toml"
        login = 'username = "desk"\npassword_file = "password"\nconnections'
        config.write_text(config.read_text("utf-8").replace("connections", login, 1), "utf-8")
        frozen = desk.prepare()
        desk.clock.set(frozen.manifest.slot.instant)
        async with running(desk) as (run,):
            await until(lambda: "refuses our login" in caplog.text)
            await run.ring()
            await run.ring()
    assert len([each for each in server.commands if each.startswith("AUTH")]) == 1
    with desk.app() as app:
        issue = app.store.issues.get(frozen.issue.id)
        assert issue is not None
        assert (issue.state, app.store.outbox.sums(issue.id)["queued"]) == ("paused", 3)
