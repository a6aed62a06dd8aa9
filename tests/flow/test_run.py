"""`newsletter run`: every week's issue once, over clock changes, late starts and a second process beside it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from newsletter.app.sending import Run
from tests.flow.desk import Desk, read
from tests.smtpd import relay

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
