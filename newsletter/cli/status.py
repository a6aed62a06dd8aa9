"""`newsletter status` and `deliveries`: which subscribers got an issue, and which did not."""

import json
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from newsletter.cli.opened import project
from newsletter.cli.report import IssueName, Json, example, facts, result

if TYPE_CHECKING:
    from newsletter.app.status import Standing


def register(cli: typer.Typer) -> None:
    cli.command(epilog=example("newsletter status", "newsletter status weekly-2026-11-30 --json"))(status)
    cli.command(epilog=example(
        "newsletter deliveries latest --state refused", "newsletter deliveries latest --json",
    ))(deliveries)


def status(
    issue: Annotated[str, typer.Argument(metavar="[ISSUE]", help="An issue's id; the latest by default.")] = "latest",
    as_json: Json = False,
) -> None:
    """Show how many subscribers got an issue, and why others did not. The states always add up to the audience."""
    from newsletter.app import issues
    from newsletter.app import status as verbs

    with project() as app:
        now = verbs.standing(app, issues.find(app, issue))
        found = now.issue
        data: dict[str, object] = {"issue": found.id, "state": found.state, "late": now.is_late,
                                   "audience": found.audience, "deliveries": dict(now.sums),
                                   "adds_up": now.adds_up, "skipped": dict(now.skipped)}
        then = issues.ways_out(found) if now.is_late else [f"newsletter deliveries {found.id}"]
        late = f"{issues.lateness(found)} newsletter run waits for your decision." if now.is_late else ""
        result(data, as_json=as_json, words=lambda: _print_standing(now, late), then=then)


def _print_standing(now: "Standing", late: str) -> None:
    found = now.issue
    named: dict[str, object] = {state.replace("_", " "): count for state, count in now.sums.items()}
    facts({"issue": found.id, "state": f"{found.state}, late" if now.is_late else found.state,
           "audience": found.audience, **named})
    if late:
        print(late)
    print("the states add up" if now.adds_up else f"THE STATES DO NOT ADD UP: {sum(now.sums.values())}")
    for reason, count in now.skipped.items():
        print(f"{count} subscribers get nothing: {reason}")


def deliveries(
    issue: IssueName,
    state: Annotated[str, typer.Option(help="Only queued, claimed, sent, refused, in_doubt or withdrawn.")] = "",
    ever_in_doubt: Annotated[bool, typer.Option("--ever-in-doubt", help="Only those that were ever in doubt.")] = False,
    as_json: Json = False,
) -> None:
    """List deliveries, one a line: address, state, attempts, reply code, reply, Message-ID.

    With --json each line is a JSON object.
    """
    from newsletter.app import issues
    from newsletter.app import status as verbs
    from newsletter.errors import UsageError
    from newsletter.model import State
    from newsletter.text import quoted

    if state and state not in get_args(State):
        raise UsageError(f"unknown state {quoted(state)}", cure=f"Name one of: {', '.join(get_args(State))}.")
    with project() as app:
        found = issues.find(app, issue)
        rows = verbs.deliveries(app, found, state=cast(State, state) or None, ever_in_doubt=ever_in_doubt)
        for each, message_id in rows:
            receipt = each.receipt
            row = {"email": each.subscriber.email, "state": each.state, "attempts": each.attempts,
                   "code": receipt.code if receipt else 0, "reply": receipt.reply if receipt else "",
                   "message_id": message_id}
            print(json.dumps(row, ensure_ascii=False) if as_json else "\t".join(str(value) for value in row.values()))
