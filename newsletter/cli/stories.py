"""`newsletter stories`: fetch, add, list and release stories."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from newsletter.cli.opened import project
from newsletter.cli.report import Json, example, result, say, table

if TYPE_CHECKING:
    from newsletter.prepare import Fetched

LARGEST = 10_000_000
"""The most bytes of a text or feed added by hand; the same limit holds for a fetched one."""

group = typer.Typer(no_args_is_help=True, help="Stories: fetch them from the sources, list them, add some by hand.")


@group.command(epilog=example("newsletter stories fetch", "newsletter stories fetch weekly --json"))
def fetch(newsletter: Annotated[list[str] | None, typer.Argument(help="Newsletters; all by default.")] = None,
          as_json: Json = False) -> None:
    """Read every source now, whatever its interval, and keep new and changed stories.

    A source that cannot be read is reported, and the others are read all the same.
    """
    from newsletter.app import stories

    with project() as app:
        fetched = stories.fetch(app, newsletter or (), progress=lambda name: say(f"reading {name}"))
        _show(fetched, as_json, "newsletter stories list")


@group.command(epilog=example(
    "newsletter stories add week.txt", "newsletter stories add - < week.txt",
    "newsletter stories add https://example.org/feed.xml",
))
def add(
    what: Annotated[str, typer.Argument(metavar="FILE|URL|-", help="Text, Markdown or a feed; - is standard input.")],
    as_json: Json = False,
) -> None:
    """Add stories by hand: a pasted text (a title line, then paragraphs), a Markdown file or a feed."""
    from newsletter.app import stories
    from newsletter.errors import UsageError

    with project() as app:
        if what.startswith(("http://", "https://")):
            fetched = stories.add_from_url(app, what)
        elif what == "-":
            fetched = stories.add_stories(app, _all_of(sys.stdin.buffer, "standard input"), name="standard input")
        else:
            try:
                with Path(what).open("rb") as file:
                    data = _all_of(file, what)
            except OSError as error:
                raise UsageError(f"{what} cannot be read: {error.strerror}",
                                 cure="Name a file, a URL, or - for standard input.") from None
            fetched = stories.add_stories(app, data, name=what)
        _show(fetched, as_json, "newsletter stories list")
        if fetched.problems and not fetched.new + fetched.changed + fetched.unchanged:
            raise typer.Exit(3)


@group.command("list", epilog=example(
    "newsletter stories list", "newsletter stories list --held", "newsletter stories list --limit 5",
))
def list_stories(
    limit: Annotated[int, typer.Option(help="How many stories to list at most, the newest first.")] = 50,
    held: Annotated[bool, typer.Option("--held", help="Only stories that are held for the editor.")] = False,
    as_json: Json = False,
) -> None:
    """List stories with their topics, and the reason for each topic."""
    from newsletter.app import stories

    with project() as app:
        rows = [
            {"date": f"{story.date:%Y-%m-%d}", "title": story.title, "source": story.source, "id": story.id,
             "topics": [f"{match.topic} ({match.how} {match.evidence})" for match in matches]}
            for story, matches in stories.listed(app, limit, held=held)
        ]
        result(rows, as_json=as_json, words=lambda: table(
            ("DATE", "TITLE", "TOPICS"),
            [(row["date"], row["title"], "; ".join(row["topics"]) or "none") for row in rows],
        ))


@group.command(epilog=example("newsletter stories release https://example.org/feed.xml"))
def release(source: Annotated[str, typer.Argument(help="The address or name of a source that has held stories.")],
            as_json: Json = False) -> None:
    """Release a source's stories that were held because many old ones came at once, so that issues can bring them."""
    from newsletter.app import stories

    with project() as app:
        count = stories.release(app, source)
        result({"released": count}, as_json=as_json, words=lambda: print(f"{count} stories released"))


def _all_of(file: BinaryIO, name: str) -> bytes:
    """The bytes of a text or feed. Raises DataError beyond `LARGEST`, so that endless input is not waited for."""
    from newsletter.errors import DataError

    data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise DataError(f"more than {LARGEST:,} bytes", place=name, cure="Give it in smaller pieces.")
    return data


def _show(fetched: "Fetched", as_json: bool, then: str) -> None:
    counts = {"new": fetched.new, "changed": fetched.changed, "unchanged": fetched.unchanged, "held": fetched.held}
    words = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "no story"
    result(counts, as_json=as_json, words=lambda: print(words), problems=fetched.problems, then=[then])
