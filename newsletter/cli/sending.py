"""`newsletter send`, `status`, `deliveries`, `run` and `schedule`: issues out, by hand or by the clock."""

import asyncio
import contextlib
import json
import logging
import signal
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar, cast, get_args

import typer

from newsletter.cli.opened import project
from newsletter.cli.report import Json, example, facts, progress, result, say, table

if TYPE_CHECKING:
    from newsletter.app import App
    from newsletter.app.sending import Sent
    from newsletter.model import Receipt

T = TypeVar("T")

Again = Literal["refused", "in_doubt"]
"""Deliveries that are over, and can be tried once more."""

schedule = typer.Typer(no_args_is_help=True, help="The schedule: when the next issues go out.")

Issue = Annotated[str, typer.Argument(metavar="ISSUE", help="An issue's id, or latest.")]


def register(cli: typer.Typer) -> None:
    cli.command(epilog=example(
        "newsletter send latest --dry-run", "newsletter send latest --to desk@example.org",
        "newsletter send weekly-2026-11-30", "newsletter send latest --missed",
    ))(send)
    cli.command(epilog=example("newsletter status", "newsletter status weekly-2026-11-30 --json"))(status)
    cli.command(epilog=example(
        "newsletter deliveries latest --state refused", "newsletter deliveries latest --json",
    ))(deliveries)
    cli.command(epilog=example("newsletter run", "newsletter run --poll 10"))(run)


def send(
    issue: Issue,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Say what would be sent, and send nothing.")] = False,
    to: Annotated[str, typer.Option(help="One test mail to this address alone; nothing is recorded.")] = "",
    missed: Annotated[bool, typer.Option("--missed", help="Also to those who were refused before.")] = False,
    resend_in_doubt: Annotated[bool, typer.Option(
        "--resend-in-doubt", help="Also to those in doubt, who may get it twice.")] = False,
    transport: Annotated[str, typer.Option(help="Instead of the one in newsletter.toml.")] = "",
    as_json: Json = False,
) -> None:
    """Deliver an issue. Run again, it goes on where it stopped, and no one gets it twice."""
    from newsletter.app import issues, sending

    wanted: dict[Again, bool] = {"refused": missed, "in_doubt": resend_in_doubt}
    again = [state for state, asked in wanted.items() if asked]
    with project() as app:
        if dry_run:
            _plan(app, issue, again, transport or app.settings.delivery.transport, as_json)
        elif to:
            receipt = asyncio.run(sending.send_test(app, issues.find(app, issue), to))
            result({"to": to, "outcome": receipt.outcome, "reply": receipt.reply}, as_json=as_json,
                   words=lambda: print(f"{to}: {receipt.outcome} {receipt.reply}"))
        else:
            for which in again:
                count = sending.resend(app, issues.find(app, issue), which)
                say(f"{count} {which.replace('_', ' ')} before, tried again now")
            _leave(_send(app, issue, transport), as_json)


def _send(app: "App", issue: str, transport: str) -> "Sent":
    from newsletter.app import issues, sending

    found = issues.find(app, issue)
    if found.slot > app.now():
        say(f"{found.id} is dated {found.slot:%A, %d %B}, and goes out now")
    total = app.store.outbox.sums(found.id).get("queued", 0)

    async def until_done(advance: Callable[[int], None]) -> "Sent":
        stop, done = asyncio.Event(), 0

        def count(receipt: "Receipt") -> None:
            nonlocal done
            done += 1
            advance(done)

        with stopped_by_signals(stop.set):
            return await sending.send(app, found, transport=transport, stop=stop, progress=count)

    with progress(f"sending {found.id}", total) as advance:
        return in_loop(until_done(advance))


def in_loop(work: Coroutine[None, None, T]) -> T:
    """Runs it on uvloop where that is installed (the extra `fast`), which costs a message half as much CPU."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work)


@contextlib.contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and the interrupt key drain: what is in flight is settled. A second one ends at once."""
    loop = asyncio.get_running_loop()

    def ask(number: signal.Signals) -> None:
        say("stopping: what is in flight is settled first (again to end at once)")
        stop()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask, number)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _leave(sent: "Sent", as_json: bool) -> None:
    """Says where the issue stands, and leaves with the code that says it: 0, 5 (some failed) or 75 (some wait)."""
    sums = {state: count for state, count in sent.sums.items() if count}
    data = {"issue": sent.issue.id, "this_run": dict(sent.outcomes), "states": sums, "audience": sent.issue.audience,
            "finished": sent.finished, "suppressed": sent.suppressed}
    waiting = sums.get("queued", 0) + sums.get("claimed", 0)
    failed = sums.get("refused", 0) + sums.get("in_doubt", 0)
    then = [f"newsletter send {sent.issue.id}"] if waiting else []
    then += [f"newsletter deliveries {sent.issue.id} --state {state}"
             for state in ("refused", "in_doubt") if state in sums]

    def words() -> None:
        end = "finished" if sent.finished else "not finished"
        states = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sums.items()) or "nothing to send"
        print(f"{sent.issue.id} {end}: {states} of {sent.issue.audience}")
        if sent.suppressed:
            print(f"{sent.suppressed} are sent nothing from now on: there is no such mailbox, issue after issue")

    result(data, as_json=as_json, words=words, then=then)
    if waiting or failed:
        raise typer.Exit(75 if waiting else 5)


def _plan(app: "App", issue: str, again: Sequence[Again], transport: str, as_json: bool) -> None:
    from newsletter.app import issues

    found = issues.find(app, issue)
    sums = app.store.outbox.sums(found.id)
    skips = _skips(app, found.id)
    data = {
        "issue": found.id, "transport": transport, "to send": sums["queued"] + sum(sums[state] for state in again),
        "already sent": sums.get("sent", 0),
        "editions": sum(1 for _ in app.store.issues.editions(found.id)), "skipped": skips,
    }
    result(data, as_json=as_json, words=lambda: facts(
        data | {"skipped": "; ".join(f"{count}: {why}" for why, count in skips.items()) or "nobody"},
    ), then=[f"newsletter send {found.id}"])


def _skips(app: "App", issue: str) -> dict[str, int]:
    """How many get nothing, by reason."""
    return dict(Counter(skip.reason for skip in app.store.issues.skips(issue)))


def status(
    issue: Annotated[str, typer.Argument(metavar="[ISSUE]", help="An issue's id; the latest by default.")] = "latest",
    as_json: Json = False,
) -> None:
    """Who got an issue, who did not, and why. The states always add up to the audience."""
    from newsletter.app import issues

    with project() as app:
        found = issues.find(app, issue)
        sums = app.store.outbox.sums(found.id)
        skips = _skips(app, found.id)
        total = sum(sums.values())
        is_late = issues.answer(app, found) == "late"
        data: dict[str, object] = {"issue": found.id, "state": found.state, "late": is_late,
                                   "audience": found.audience, "deliveries": dict(sums),
                                   "adds_up": total == found.audience, "skipped": skips}

        def words() -> None:
            named: dict[str, object] = {state.replace("_", " "): count for state, count in sums.items()}
            facts({"issue": found.id, "state": f"{found.state}, late" if is_late else found.state,
                   "audience": found.audience, **named})
            if is_late:
                print(f"{issues.lateness(found)} newsletter run leaves it to you")
            print("the states add up" if total == found.audience else f"THE STATES DO NOT ADD UP: {total}")
            for reason, count in skips.items():
                print(f"nothing for {count}: {reason}")

        then = issues.ways_out(found) if is_late else [f"newsletter deliveries {found.id}"]
        result(data, as_json=as_json, words=words, then=then)


def deliveries(
    issue: Issue,
    state: Annotated[str, typer.Option(help="queued, claimed, sent, refused, in_doubt or withdrawn.")] = "",
    ever_in_doubt: Annotated[bool, typer.Option("--ever-in-doubt", help="Only those ever in doubt.")] = False,
    as_json: Json = False,
) -> None:
    """One delivery a line: address, state, attempts, code, answer, Message-ID. With --json one JSON object a line."""
    from newsletter.app import issues
    from newsletter.errors import UsageError
    from newsletter.model import State

    if state and state not in get_args(State):
        raise UsageError(f"{state} is no state", cure=f"name one of: {', '.join(get_args(State))}")
    with project() as app:
        found = issues.find(app, issue)
        message_id = issues.message_ids(app, found)
        rows = app.store.outbox.deliveries(found.id, state=cast(State, state) or None, ever_in_doubt=ever_in_doubt)
        for each in rows:
            receipt = each.receipt
            row = {"email": each.subscriber.email, "state": each.state, "attempts": each.attempts,
                   "code": receipt.code if receipt else 0, "reply": receipt.reply if receipt else "",
                   "message_id": message_id(each.subscriber)}
            print(json.dumps(row, ensure_ascii=False) if as_json else "\t".join(str(value) for value in row.values()))


def run(poll: Annotated[float, typer.Option(help="Seconds between looks for what is due.")] = 30) -> None:
    """Prepare and send every newsletter by its schedule, until told to stop (SIGTERM drains)."""
    from newsletter.app import running

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)

    async def until_stopped() -> None:
        with project() as app:
            work = running.Run(app, poll_seconds=poll)
            with stopped_by_signals(work.stop):
                await work.until_stopped()

    in_loop(until_stopped())


@schedule.command("next", epilog=example("newsletter schedule next", "newsletter schedule next 10"))
def next_slots(
    count: Annotated[int, typer.Argument(help="How many for each newsletter.")] = 5, as_json: Json = False,
) -> None:
    """The next slots of every newsletter, in its own zone and in UTC."""
    from newsletter.app import rules

    with project() as app:
        rows = [{"newsletter": name, "local": slot.local, "zone": slot.zone, "utc": f"{slot.instant:%Y-%m-%dT%H:%MZ}"}
                for name, slot in rules.coming(app, count)]
        result(rows, as_json=as_json, words=lambda: table(
            ("NEWSLETTER", "LOCAL", "ZONE", "UTC"), [tuple(row.values()) for row in rows],
        ))
