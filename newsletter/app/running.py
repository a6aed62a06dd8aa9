"""`newsletter run`: issues are prepared and sent by the clock until told to stop."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice, takewhile

from newsletter.alarm import Alarm
from newsletter.app import App, preparing
from newsletter.app.sending import send
from newsletter.errors import ConfigError, NewsletterError, TryLater
from newsletter.model import Slot
from newsletter.schedule.slots import Schedule
from newsletter.store import AlreadyPrepared, Issue

log = logging.getLogger("newsletter")


LOOK_BACK = timedelta(days=92)
"""How long ago a slot may be to be reported as missed."""


class Run:
    """`newsletter run`: on each ring of the alarm, what is due is prepared and sent. The store decides what is due.

    Ringing twice, late, or in two processes changes nothing: (newsletter, slot) is unique in the store, and one process
    at a time may send. The other stands by, and takes over when the first is gone.
    """

    def __init__(self, app: App, *, poll_seconds: float = 30) -> None:
        self._app = app
        self._stop = asyncio.Event()
        self._rung = asyncio.Event()
        self._busy = asyncio.Lock()
        self._left: set[str] = set()
        """Issues that were begun and are not gone on with."""
        self._schedules = {
            name: Schedule.parse(each.schedule, each.timezone, place="newsletter.toml")
            for name, each in app.settings.newsletters.items() if each.schedule
        }
        self._alarm = Alarm(self._schedules, self.ring, clock=app.clock, poll_seconds=poll_seconds)

    async def until_stopped(self) -> None:
        """Works until `stop`; what is in flight then is settled before it returns."""
        for name in self._schedules:
            self._watch(name)
        self._alarm.start()
        while not self._stop.is_set():
            await self._rung.wait()
            self._rung.clear()
            await self._send_ready()
        await self._alarm.stop()
        async with self._busy:
            return

    def stop(self) -> None:
        self._stop.set()
        self._rung.set()

    async def ring(self) -> None:
        """Freezes the issues whose slots have come, and has what stands ready sent; a long send holds up nobody."""
        async with self._busy:
            for name in self._schedules:
                if not self._stop.is_set():
                    with _reported(name):
                        for slot in await asyncio.to_thread(self._open_slots, name):
                            await self._open(name, slot)
        self._rung.set()

    async def _send_ready(self) -> None:
        for name in self._schedules:
            for issue in await asyncio.to_thread(self._ready, name):
                with _reported(issue.id):
                    await self._send(issue)

    async def _send(self, issue: Issue) -> None:
        try:
            sent = await send(self._app, issue, stop=self._stop, progress=lambda receipt: None)
        except ConfigError as error:  # a wrong password that is tried every minute locks the account
            self._app.store.issues.pause(issue.id, error.found)
            raise
        states = ", ".join(f"{count} {state}" for state, count in sent.sums.items() if count)
        log.info("%s: %s", issue.id, states)

    def _watch(self, name: str) -> datetime:
        """Since when we look after the newsletter: slots before that were never ours to miss."""
        known = self._app.store.subscribers.remembered(f"watched since, {name}")
        if not known:
            known = self._app.now().isoformat()
            self._app.store.subscribers.remember(f"watched since, {name}", known)
        return datetime.fromisoformat(known)

    def _open_slots(self, name: str) -> list[Slot]:
        """The newsletter's slots that have come, not longer ago than `LOOK_BACK`, and never had an issue.

        One whose issue was cancelled is opened again by a person alone.
        """
        now = self._app.now()
        since = max(self._watch(name), now - LOOK_BACK)
        come = takewhile(lambda slot: slot.instant <= now, self._schedules[name].slots(since))
        seen = {each.slot_key.partition(" ")[0] for each in self._app.store.issues.all() if each.newsletter == name}
        return [slot for slot in come if slot.key not in seen]

    async def _open(self, name: str, slot: Slot) -> None:
        late = self._app.now() - slot.instant
        if late > self._app.settings.delivery.max_lateness:
            note = f"{late} late, more than max_lateness"
            await asyncio.to_thread(self._app.store.issues.mark_missed, name, slot, note, now=self._app.now())
            log.warning("%s: the slot %s was missed (%s); newsletter issue prepare %s --at %s", name, slot.local, note,
                        name, slot.local)
            return
        try:
            prepared = await asyncio.to_thread(
                preparing.prepare_issue, self._app, name, slot=slot, on_source=lambda source: None,
                on_subscriber=lambda count: None,
            )
        except AlreadyPrepared:  # by a process beside us, a moment ago
            return
        for problem in prepared.problems:
            log.warning("%s", problem)
        log.info("%s: frozen for %d subscribers", prepared.issue.id, prepared.audience.deliveries)

    def _ready(self, name: str) -> list[Issue]:
        """Issues of the newsletter whose slot has come, not too long ago, and that are not finished."""
        now = self._app.now()
        earliest = now - self._app.settings.delivery.max_lateness
        return [
            issue for issue in self._app.store.issues.all()
            if issue.newsletter == name and issue.slot <= now and issue.state in ("frozen", "sending")
            and (issue.slot >= earliest or (issue.state == "sending" and self._is_alive(issue, earliest)))
        ]

    def _is_alive(self, issue: Issue, earliest: datetime) -> bool:
        """Whether a send that began in time is still going on: a store that stood still for long, or that is a copy
        from some time ago, must not mail old news by itself."""
        due = self._app.store.outbox.next_due(issue.id)
        if due is not None and due >= earliest:  # all that is left has been tried, and is tried again as planned
            return True
        changed = self._app.store.outbox.last_change(issue.id)
        alive = changed is not None and changed >= earliest
        if not alive and issue.id not in self._left:
            self._left.add(issue.id)
            log.warning("%s: nothing has moved for longer than max_lateness, a person decides: newsletter send %s",
                        issue.id, issue.id)
        return alive


@contextmanager
def _reported(what: str) -> Iterator[None]:
    """What is wrong with one newsletter is logged, and stops no other; the next ring tries again."""
    try:
        yield
    except TryLater as error:
        log.info("%s: %s", what, error)
    except NewsletterError as error:
        log.error("%s: %s", what, error)


def coming(app: App, count: int) -> list[tuple[str, Slot]]:
    """The next slots of every scheduled newsletter, `count` for each, in order of time."""
    slots = [
        (name, slot) for name, each in app.settings.newsletters.items() if each.schedule
        for slot in islice(Schedule.parse(each.schedule, each.timezone).slots(app.now()), count)
    ]
    return sorted(slots, key=lambda each: each[1].instant)
