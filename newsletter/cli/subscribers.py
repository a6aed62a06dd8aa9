"""`newsletter subscribers`: read the preference file, look subscribers up, export them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.opened import project
from newsletter.cli.report import Json, example, facts, result, say, table
from newsletter.model import Interests

if TYPE_CHECKING:
    from newsletter.app.subscribers import Subscribed

group = typer.Typer(no_args_is_help=True, help="Subscribers: read the preference file, list, show, export.")


@group.command(epilog=example("newsletter subscribers sync", "newsletter subscribers sync --allow-removals 200"))
def sync(
    allow_removals: Annotated[int | None, typer.Option(
        help="How many subscribers may be missing from the file that were in it before.",
    )] = None,
    as_json: Json = False,
) -> None:
    """Read the preference file into the store. Bad rows are reported with their line, and all good rows are used."""
    from newsletter.app import subscribers

    with project() as app:
        synced = subscribers.sync_subscribers(app, allow_removals=allow_removals)
        if synced is None:
            result({"unchanged": True}, as_json=as_json, words=lambda: print("the preference file has not changed"))
            return
        counts = {name: getattr(synced, name) for name in ("new", "changed", "unchanged", "removed")}
        result(
            counts, as_json=as_json, problems=synced.problems,
            words=lambda: print(", ".join(f"{count} {name}" for name, count in counts.items())),
        )


@group.command("list", epilog=example("newsletter subscribers list", "newsletter subscribers list --status paused",
                                   "newsletter subscribers list --newsletter weekly"))
def list_subscribers(
    status: Annotated[str, typer.Option(help="Only this status: active, paused, unsubscribed …")] = "",
    newsletter: Annotated[str, typer.Option(help="Only its subscribers, with status and topics there.")] = "",
    as_json: Json = False,
) -> None:
    """List subscribers with the topics that they chose."""
    from newsletter.app import subscribers

    with project() as app:
        rows = [(each.subscriber.email, each.subscriber.name, each.status, _topics(each.interests))
                for each in subscribers.list_subscribers(app, status=status, newsletter=newsletter)]
        names = ("email", "name", "status", "topics")
        result([dict(zip(names, row, strict=True)) for row in rows], as_json=as_json,
               words=lambda: table([name.upper() for name in names], rows))


@group.command(epilog=example("newsletter subscribers show ann@example.org"))
def show(
    email: Annotated[str, typer.Argument(help="The address, however it is spelt.")], as_json: Json = False,
) -> None:
    """Show one subscriber: their choices, their subscriptions, and the issues that they were sent."""
    from newsletter.app import subscribers

    with project() as app:
        known = subscribers.look_up(app, email)
        subscriber, interests = known.subscriber, known.subscriber.interests
        until = subscriber.paused_until
        had = [f"{each.issue_id}: {each.state}" for each in known.issues]
        chosen = [_subscription(each) for each in known.subscriptions]
        data = {
            "email": subscriber.email, "name": subscriber.name, "status": subscriber.status,
            "paused_until": until.isoformat() if until else "", "topics": "; ".join(interests.topics),
            "excluded": "; ".join(interests.excluded), "frequency": interests.frequency, "language": interests.language,
            "format": interests.format, "line": subscriber.line, "issues": had,
        }

        def words() -> None:
            facts(data | {"issues": ", ".join(had) or "none yet"})
            print()
            if chosen:
                table([name.upper() for name in chosen[0]], [list(each.values()) for each in chosen])
            else:
                print("subscribed to no newsletter")

        result(data | {"subscriptions": chosen}, as_json=as_json, words=words)


def _subscription(each: "Subscribed") -> dict[str, str]:
    own = each.subscription
    return {"newsletter": own.newsletter, "status": each.status, "topics": _topics(own.interests),
            "frequency": own.interests.frequency, "since": f"{own.since:%Y-%m-%d}"}


def _topics(interests: Interests) -> str:
    return "; ".join([*interests.topics, *(f"-{slug}" for slug in interests.excluded)])


@group.command(epilog=example(
    "newsletter subscribers export > people.csv", "newsletter subscribers export --format yaml",
))
def export(
    format: Annotated[str, typer.Option(help="The format: csv, jsonl, json, yaml or toml.")] = "csv",
    out: Annotated[Path | None, typer.Option(help="The file to write; standard output by default.")] = None,
) -> None:
    """Write all subscribers as a preference file."""
    from newsletter.app import subscribers

    with project() as app:
        if out is None:
            subscribers.export_subscribers(app, format, sys.stdout)
            return
        with out.open("w", encoding="utf-8", newline="") as file:
            subscribers.export_subscribers(app, format, file)
        say(f"written to {out}")
