"""Issues out: send one, send a test, and the run that does both by the clock until it is told to stop."""

import asyncio
import fcntl
import logging
import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from functools import partial
from itertools import islice, takewhile
from typing import Literal

from newsletter import address, config
from newsletter.alarm import Alarm
from newsletter.app import STATE, App, gathering, issuing
from newsletter.delivering import loop as deliver
from newsletter.errors import ConfigError, NewsletterError, TryLater, UsageError
from newsletter.model import Interests, Receipt, Slot, State, Subscriber
from newsletter.schedule.slots import Schedule
from newsletter.standing.answers import MAILBOX
from newsletter.store import AlreadyPrepared, Issue, Journals
from newsletter.transports.file import FileTransport
from newsletter.transports.null import NullTransport
from newsletter.transports.smtp import SmtpTransport

log = logging.getLogger("newsletter")

LOOK_BACK = timedelta(days=92)
"""How long ago a slot may be to be reported as missed."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Where an issue stands after a send."""

    issue: Issue
    outcomes: Mapping[str, int]
    """This run's, by outcome."""
    sums: Mapping[State, int]
    """All of the issue's deliveries, by state."""
    finished: bool
    """Nothing is left to do, and the sum of the states is the audience."""
    suppressed: int
    """How many subscribers are sent nothing more from now on, since their mailbox is not there."""


async def send(
    app: App, issue: Issue, *, transport: str = "", stop: asyncio.Event, progress: Callable[[Receipt], None],
) -> Sent:
    """Delivers what is due of an issue; run again, it goes on where it stopped.

    `transport` stands in for the configured one. Raises TryLater if another process is sending or the relay is out of
    reach, UsageError for an issue that is paused, cancelled or missed, Stopped if most mails are refused for what they
    are: then the issue is paused.
    """
    with sending_alone(app):
        # Who left in the preference file since the issue was frozen must not be mailed.
        await asyncio.to_thread(gathering.sync_subscribers, app)
        app.store.issues.start(issue.id, now=app.now())
        outcomes = await _delivered(app, issuing.find(app, issue.id), transport, stop, progress)
        suppressed = app.store.subscribers.suppress(
            issue.id, codes=MAILBOX, after=app.settings.delivery.suppress_after, now=app.now(),
        )
        finished = app.store.issues.finish(issue.id, now=app.now())
    return Sent(issuing.find(app, issue.id), outcomes, app.store.outbox.sums(issue.id), finished, suppressed)


async def _delivered(
    app: App, issue: Issue, transport: str, stop: asyncio.Event, progress: Callable[[Receipt], None],
) -> Mapping[str, int]:
    delivery = app.settings.delivery
    try:
        return await deliver.send_slice(deliver.Slice(
            issue.id, app.store.outbox, app.store.leases, Journals(app.root / STATE / "journal"),
            issuing.composer(app, issue), issuing.editions(app),
            _transport(app, transport or delivery.transport, issue.newsletter), window=delivery.window,
            policy=delivery.in_doubt, give_up=delivery.give_up, now=app.now, jitter=app.jitter, stop=stop,
            progress=progress,
        ))
    except deliver.Stopped as error:
        app.store.issues.pause(issue.id, error.found)
        raise


def resend(app: App, issue: Issue, which: Literal["in_doubt", "refused"]) -> int:
    """Puts deliveries back into the queue that are in doubt, or that were refused; how many that were."""
    if issue.state in ("cancelled", "missed"):
        raise UsageError(f"issue {issue.id} is {issue.state}", cure="newsletter issue prepare NEWSLETTER")
    return app.store.outbox.resend(issue.id, which, now=app.now())


async def send_test(app: App, issue: Issue, to: str) -> Receipt:
    """One mail of the issue to one address, and no trace of it: their own edition, for a stranger one of all topics."""
    parsed = address.parse(to)
    reader = app.store.subscribers.get(parsed.key) or Subscriber(
        parsed.email, parsed.key, interests=Interests(topics=("*",)),
    )
    transport = _transport(app, app.settings.delivery.transport, issue.newsletter)
    try:
        return await transport.hand_over(issuing.message_for(app, issue, reader), lambda: None)
    finally:
        await transport.close()


@contextmanager
def sending_alone(app: App) -> Iterator[None]:
    """Holds the project's sending lock, where one process alone may send.

    The kernel lets go of it when the process ends, however it ends: so whoever has it knows that no other sender lives.
    On a shared store senders work side by side, and their leases say who lives. Raises TryLater if another process has
    the lock.
    """
    if app.store.is_shared:
        yield
        return
    path = app.root / STATE / "lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            raise TryLater(f"another process is sending (process {owner})", place=str(path),
                           cure="wait until it is done, or stop it: it settles what is in flight") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        app.store.leases.end_all()
        yield


def _transport(app: App, name: str, newsletter: str) -> deliver.Transport:
    delivery = app.settings.delivery
    if name == "file":
        return FileTransport(app.root, delivery.outbox)
    if name == "null":
        return NullTransport()
    if not app.settings.relays:
        raise UsageError("there is no relay to send to", place="newsletter.toml", cure="add a [[relay]] with its host")
    relay = app.settings.relays[0]
    sender = address.parse(parseaddr(app.newsletter(newsletter).sender)[1])
    token = partial(asyncio.to_thread, config.password, relay, root=app.root) if relay.login == "xoauth2" else None
    return SmtpTransport(
        relay.host, relay.port, security=relay.security, connections=relay.connections,
        local_hostname=relay.local_hostname or sender.email.rpartition("@")[2], username=relay.username,
        password="" if token else config.password(relay, root=app.root), token=token,
        dot_timeout=delivery.dot_timeout, tls=_trust(app, relay),
    )


def _trust(app: App, relay: config.Relay) -> ssl.SSLContext | None:
    """Which certificates are good: the system's, or those of `ca_file`; `verify = false` takes any."""
    if relay.verify:
        return ssl.create_default_context(cafile=app.root / relay.ca_file) if relay.ca_file else None
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


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
                issuing.prepare_issue, self._app, name, slot=slot, on_source=lambda source: None,
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
