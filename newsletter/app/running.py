"""`newsletter run`: issues are prepared and sent at their slots, until it is stopped.

`schedule.due` decides, and this module acts on its answers. Issues are frozen one after the other, and each newsletter
sends in a task of its own, so that no newsletter's long send holds up another's.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial

from newsletter import config
from newsletter.alarm import Alarm
from newsletter.app import App, issues, preparing, rules
from newsletter.app.sending import send
from newsletter.errors import ConfigError, NewsletterError, TryLater
from newsletter.model import Slot
from newsletter.schedule import due
from newsletter.schedule.slots import Schedule
from newsletter.store import AlreadyPrepared, Issue

log = logging.getLogger("newsletter")

_FREEZING = "freezing issues"
"""The name of the task that freezes; a newsletter's name has no blanks."""


class Run:
    """`newsletter run`: looks at the clock and the store when the alarm rings and every `poll_seconds`.

    Looking twice, late, or in two processes changes nothing: (newsletter, slot) is unique in the store, and only one
    process at a time may send. Another process waits, and takes over when the first has ended.

    Raises ConfigError for a schedule that cannot be read.
    """

    def __init__(self, app: App, *, poll_seconds: float = 30) -> None:
        self._app = app
        self._poll = poll_seconds
        self._stop = asyncio.Event()
        self._rung = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """The running tasks: by newsletter the one that sends, and the one that freezes."""
        self._reports: dict[str, str] = {}
        """The last message logged about each subject, so that it is not logged again at every look."""
        self._schedules: Mapping[str, Schedule] = rules.schedules(app.settings)
        self._rules: dict[str, due.Rules] = {}
        self._alarm = Alarm(self._rung.set, clock=app.clock)

    async def until_stopped(self) -> None:
        """Works until `stop`; settles the mails in flight before it returns."""
        self._alarm.start()
        self._follow(self._schedules)
        while not self._stop.is_set():
            self.look()
            self._rung.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._rung.wait(), self._poll)
        await self._alarm.stop()
        await self.idle()

    def stop(self) -> None:
        self._stop.set()
        self._rung.set()

    def look(self) -> None:
        """Reads newsletter.toml again if it changed, and begins to freeze and send all that is due."""
        if _FREEZING not in self._tasks:
            self._reread()
        self._begin(_FREEZING, self._freeze_due)
        for name in self._schedules:
            self._begin(name, partial(self._send_due, name))

    async def idle(self) -> None:
        """Waits for all running tasks to end."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values())

    def _begin(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        async def begun() -> None:
            try:
                with self._reported(name):
                    await work()
            finally:
                del self._tasks[name]

        if name not in self._tasks:
            self._tasks[name] = asyncio.create_task(begun())

    # --- newsletter.toml ---

    def _reread(self) -> None:
        try:
            settings = config.read(self._app.root / config.FILE)
            if settings == self._app.settings:
                self._reports.pop(config.FILE, None)
                return
            schedules = rules.schedules(settings)
            self._app.take_up(settings)
        except ConfigError as error:
            self._report(config.FILE, logging.ERROR, f"newsletter.toml has changed and cannot be used; the previous "
                                                     f"version stays in force. {error}")
            return
        log.info("newsletter.toml has changed and is in force from now on")
        self._follow(schedules)

    def _follow(self, schedules: Mapping[str, Schedule]) -> None:
        self._schedules = schedules
        self._alarm.follow(schedules)
        for name, schedule in schedules.items():
            coming = next(schedule.slots(self._app.now()), None)
            log.info("%s: %s (%s), next on %s", name, schedule.text, schedule.zone,
                     coming.local.replace("T", " at ") if coming else "no day to come")
        if not schedules:
            log.warning("no newsletter in newsletter.toml has a schedule: there is nothing to wait for")

    # --- Slots ---

    async def _freeze_due(self) -> None:
        await asyncio.to_thread(self._remember_rules)
        for name in self._schedules:
            with self._reported(name):
                for slot, answer in await asyncio.to_thread(self._slots, name):
                    if answer == "missed":
                        await asyncio.to_thread(self._miss, name, slot)
                    elif answer == "due" and not self._stop.is_set():
                        await self._freeze(name, slot)
                        self._begin(name, partial(self._send_due, name))

    def _remember_rules(self) -> None:
        known = self._rules or rules.known(self._app)
        held = {name: due.rules(known.get(name, ()), self._schedules.get(name), self._app.now())
                for name in {**known, **dict(self._schedules)}}
        if held != self._rules:
            rules.keep(self._app, held)
            self._rules = held

    def _slots(self, name: str) -> list[tuple[Slot, due.SlotAnswer]]:
        now, held = self._app.now(), self._rules.get(name, ())
        seen = [
            due.Seen(each.slot_key, each.slot, each.prepared_at if each.state == "missed" else None)
            for each in self._app.store.issues.all() if each.newsletter == name
        ]
        limit = self._app.settings.delivery.max_lateness
        return [(slot, due.slot_answer(slot, held, seen, now=now, max_lateness=limit))
                for slot in due.slots_come(held, now)]

    def _miss(self, name: str, slot: Slot) -> None:
        now = self._app.now()
        note = f"{now - slot.instant} late, more than max_lateness"
        if self._app.store.issues.mark_missed(name, slot, note, now=now):
            log.warning("%s: the slot %s was missed (%s); newsletter issue prepare %s --at %s", name, slot.local, note,
                        name, slot.local)

    async def _freeze(self, name: str, slot: Slot) -> None:
        try:
            prepared = await asyncio.to_thread(
                preparing.prepare_issue, self._app, name, slot=slot, on_source=lambda source: None,
                on_subscriber=lambda count: None,
            )
        except AlreadyPrepared:  # by another process, a moment ago
            return
        for problem in prepared.problems:
            log.warning("%s", problem)
        log.info("%s: frozen for %d subscribers", prepared.issue.id, prepared.audience.deliveries)

    # --- Issues ---

    async def _send_due(self, name: str) -> None:
        for issue in await asyncio.to_thread(self._unfinished, name):
            with self._reported(issue.id):
                answer = await asyncio.to_thread(issues.answer, self._app, issue)
                if answer == "late":
                    self._report(issue.id, logging.WARNING, f"{issues.lateness(issue)} Decide: "
                                                            f"{' or '.join(issues.ways_out(issue))}")
                elif answer == "due" and not self._stop.is_set():
                    await self._send(issue)

    def _unfinished(self, name: str) -> list[Issue]:
        """The newsletter's issues that may be sent by themselves, the earliest slot first."""
        found = [each for each in self._app.store.issues.all()
                 if each.newsletter == name and each.state in ("frozen", "sending")]
        return sorted(found, key=lambda issue: issue.slot)

    async def _send(self, issue: Issue) -> None:
        try:
            sent = await send(self._app, issue, stop=self._stop, progress=lambda receipt: None)
        except ConfigError as error:  # a wrong password that is tried every minute locks the account
            self._app.store.issues.pause(issue.id, error.found)
            raise
        self._reports.pop(issue.id, None)
        states = ", ".join(f"{count} {state}" for state, count in sent.sums.items() if count)
        log.info("%s: %s", issue.id, states)

    # --- Reports ---

    @contextlib.contextmanager
    def _reported(self, subject: str) -> Iterator[None]:
        """Logs an error of one newsletter, so that it stops no other; the next look tries again."""
        try:
            yield
        except TryLater as error:
            self._report(subject, logging.INFO, f"{subject}: {error}")
        except NewsletterError as error:
            self._report(subject, logging.ERROR, f"{subject}: {error}")
        except Exception:
            log.exception("%s: this is a bug", subject)

    def _report(self, subject: str, level: int, message: str) -> None:
        if self._reports.get(subject) != message:
            self._reports[subject] = message
            log.log(level, "%s", message)
