"""A project folder with one frozen issue, made with the program itself; each run works on a copy of it."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from typer.testing import CliRunner

from bench.project import Project, SetClock, relay_table
from newsletter.cli import cli

ROOT = Path(__file__).parents[1]
PREFIX = "NEWSLETTER_"
"""The prefix of environment variables that replace keys of newsletter.toml."""

_NAMED = {7: "gone", 23: "later", 41: "torn"}
"""Three of fifty addresses have a name for which the relay may have a special fault; the others are called reader."""


def make(folder: Path, recipients: int, *, now: datetime) -> None:
    """Writes the project and freezes its issue for so many recipients."""
    folder.mkdir(parents=True)
    made = Project(folder, SetClock(now))
    made.configure(transport="smtp", relay=relay_table(25))
    (folder / "topics.toml").write_text('[topic.bridges]\nlabel = "Bridges"\n', "utf-8")
    made.write_story(
        "bridge", "Carts, bicycles and one patient donkey crossed it before noon.", tags="[bridges]",
        title="The bridge over the sound is open again", date=(now - timedelta(hours=1)).isoformat(),
    )
    rows = ([email, "bridges", "text"] for email in addresses(recipients))
    made.write_subscribers(["email", "topics", "format"], rows)
    newsletter(folder, "issue", "prepare", "weekly", "--at", f"{now.astimezone(UTC):%Y-%m-%dT%H:%M}+00:00")


def addresses(recipients: int) -> Iterator[str]:
    """The addresses of the issue's audience."""
    for number in range(recipients):
        yield f"{_NAMED.get(number % 50, 'reader')}{number}@mail{number % 9}.example"


def newsletter(folder: Path, *arguments: str) -> str:
    """The output of a command in this project. Raises the command's own exceptions, and SystemExit if its exit code is
    not 0."""
    foreign: dict[str, str | None] = {name: None for name in os.environ if name.startswith(PREFIX)}
    with contextlib.chdir(folder):
        done = CliRunner(env=foreign).invoke(cli, arguments, catch_exceptions=False)
    if done.exit_code:
        raise SystemExit(f"newsletter {' '.join(arguments)} ended with {done.exit_code}")
    return done.stdout


def environment(settings: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The environment for a process of the project: this one's, with only these keys of newsletter.toml replaced."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**ours, "PYTHONPATH": str(ROOT), **{PREFIX + name: value for name, value in settings}}
