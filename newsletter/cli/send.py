"""`newsletter send`: sends an issue by hand."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.loop import in_loop, stopped_by_signals
from newsletter.cli.opened import project
from newsletter.cli.report import IssueName, Json, example, facts, progress, result, say

if TYPE_CHECKING:
    from newsletter.app import App
    from newsletter.app.sending import Sent
    from newsletter.app.status import Plan
    from newsletter.model import Receipt


def register(cli: typer.Typer) -> None:
    cli.command(epilog=example(
        "newsletter send latest --dry-run", "newsletter send latest --to desk@example.org",
        "newsletter send weekly-2026-11-30", "newsletter send latest --missed",
    ))(send)


def send(
    issue: IssueName,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would be sent; send nothing.")] = False,
    to: Annotated[str, typer.Option(help="Send one test mail to this address only; nothing is recorded.")] = "",
    missed: Annotated[bool, typer.Option("--missed", help="Also try mails again that were refused before.")] = False,
    resend_in_doubt: Annotated[bool, typer.Option(
        "--resend-in-doubt", help="Also try mails again that are in doubt; subscribers may get it twice.")] = False,
    transport: Annotated[str, typer.Option(help="The transport to use instead of the one in newsletter.toml.")] = "",
    as_json: Json = False,
) -> None:
    """Send an issue. If sending stopped, the same command goes on from there; nobody gets the issue twice."""
    from newsletter.app import issues, sending, status

    wanted: dict[sending.Again, bool] = {"refused": missed, "in_doubt": resend_in_doubt}
    again = [state for state, asked in wanted.items() if asked]
    with project() as app:
        if dry_run:
            _show_plan(status.plan(app, issues.find(app, issue), again, transport), as_json)
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
    from newsletter.app import issues, sending, status

    found = issues.find(app, issue)
    if found.slot > app.now():
        say(f"{found.id} is dated {found.slot:%A, %d %B}, and is sent now")
    total = status.standing(app, found).sums["queued"]

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


def _leave(sent: "Sent", as_json: bool) -> None:
    """Prints where the issue stands. The exit code is 0, 5 if some mails failed, or 75 if some still wait."""
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
            print(f"{sent.suppressed} subscribers get no more mail: their mailboxes did not exist, issue after issue")

    result(data, as_json=as_json, words=words, then=then)
    if waiting or failed:
        raise typer.Exit(75 if waiting else 5)


def _show_plan(plan: "Plan", as_json: bool) -> None:
    data = {
        "issue": plan.issue.id, "transport": plan.transport, "to send": plan.to_send, "already sent": plan.already_sent,
        "editions": plan.editions, "skipped": dict(plan.skipped),
    }
    skipped = "; ".join(f"{count}: {reason}" for reason, count in plan.skipped.items()) or "nobody"
    result(data, as_json=as_json, words=lambda: facts(data | {"skipped": skipped}),
           then=[f"newsletter send {plan.issue.id}"])
