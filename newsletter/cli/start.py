"""`newsletter init` and `demo`: a new folder that works at once, and the whole way on the sample."""

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
    """Make a new project folder, ready to run, with sample stories and subscribers. Nothing in it mails anybody."""
    from newsletter.app import sample

    files = sample.create(folder, today=sample.today())
    then = [f"cd {folder}"] if folder != Path() else []
    then += ["newsletter issue prepare weekly", "newsletter send latest", "newsletter status"]
    result({"folder": str(folder), "files": [str(each) for each in files]}, as_json=as_json,
           words=lambda: print(f"{folder}: {len(files)} files"), then=then)


def demo(
    out: Annotated[Path, typer.Option(help="The folder to work in; must be new or a demo's.")] = Path("demo"),
    as_json: Json = False,
) -> None:
    """The whole way on the sample project: stories to personal .eml files. No network, no prompt, nothing is mailed."""
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
