"""`newsletter run` and `schedule`: issues are sent at the slots of their schedules."""

import logging
import sys
from typing import Annotated

import typer

from newsletter.cli.loop import in_loop, stopped_by_signals
from newsletter.cli.opened import project
from newsletter.cli.report import Json, example, result, table

schedule = typer.Typer(no_args_is_help=True, help="The schedule: when the next issues go out.")


def register(cli: typer.Typer) -> None:
    cli.command(epilog=example("newsletter run", "newsletter run --poll 10"))(run)
    cli.add_typer(schedule, name="schedule")


def run(poll: Annotated[float, typer.Option(help="Seconds between two checks for issues that are due.")] = 30) -> None:
    """Prepare and send every newsletter by its schedule, until stopped.

    SIGTERM and Ctrl-C settle the mails in flight first.
    """
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
    count: Annotated[int, typer.Argument(help="The number of slots for each newsletter.")] = 5, as_json: Json = False,
) -> None:
    """Show the next slots of every newsletter, in its own time zone and in UTC."""
    from newsletter.app import rules

    with project() as app:
        rows = [{"newsletter": name, "local": slot.local, "zone": slot.zone, "utc": f"{slot.instant:%Y-%m-%dT%H:%MZ}"}
                for name, slot in rules.coming(app, count)]
        result(rows, as_json=as_json, words=lambda: table(
            ("NEWSLETTER", "LOCAL", "ZONE", "UTC"), [tuple(row.values()) for row in rows],
        ))
