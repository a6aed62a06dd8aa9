"""`newsletter init` and `demo`: a new project with sample data, and a run from stories to mails on that sample."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from newsletter.cli.report import Json, example, result, say, table


def register(cli: typer.Typer) -> None:
    cli.command(epilog=example("newsletter demo", "newsletter demo --out /tmp/demo"))(demo)
    cli.command(epilog=example("newsletter init my-newsletter", "newsletter init"))(init)


def init(folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="A new or empty folder.")] = Path(),
         as_json: Json = False) -> None:
    """Make a new project folder with sample stories and subscribers. It works at once, and mails nobody."""
    from newsletter.app import sample

    files = sample.create(folder, today=sample.today())
    then = [f"cd {folder}"] if folder != Path() else []
    then += ["newsletter issue prepare weekly", "newsletter send latest", "newsletter status"]
    result({"folder": str(folder), "files": [str(each) for each in files]}, as_json=as_json,
           words=lambda: print(f"{folder}: {len(files)} files"), then=then)


def demo(
    out: Annotated[Path, typer.Option(help="The folder to work in: a new one, or an earlier demo's.")] = Path("demo"),
    as_json: Json = False,
) -> None:
    """Try everything on the sample project: from stories to one .eml file for each subscriber.

    No network, no questions asked, and nothing is mailed.
    """
    from newsletter.app import sample

    outcome = asyncio.run(sample.demo(out, today=sample.today()))
    rows = [{"subscriber": each.subscriber, "stories": list(each.stories), "file": each.file, "note": each.note}
            for each in outcome.mails]

    def words() -> None:
        table(("SUBSCRIBER", "STORIES", "FILE"), [
            (row["subscriber"], len(row["stories"]) or f"none: {row['note']}", row["file"]) for row in rows
        ])
        say(f"\nissue {outcome.issue}: {outcome.sent} mails in {outcome.folder}")

    first = next((each.subscriber for each in outcome.mails if each.file), "ann@example.org")
    then = [f"cd {out}", f"newsletter preview {outcome.issue} --open", f"newsletter why {first}", "newsletter status"]
    result({"issue": outcome.issue, "folder": str(outcome.folder), "mails": rows}, as_json=as_json, words=words,
           problems=outcome.problems, then=then)
