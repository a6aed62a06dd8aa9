"""The commands. Data goes to standard output, messages and progress to standard error; `errors` has the exit codes.

A command's module imports little but typer; the rest is imported inside the command, so that `--help` answers at once.
"""

import sys
from typing import Annotated

import typer

from newsletter import __version__
from newsletter.cli import issues, preview_command, run, send, start, status, stories, subscribers, templates, topics
from newsletter.errors import NewsletterError

cli = typer.Typer(
    name="newsletter", no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Personal newsletters: each subscriber gets an edition of their own topics, and never the same story twice.",
    epilog="Start with: newsletter demo (no network, nothing is mailed), or newsletter init my-newsletter.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
start.register(cli)
cli.add_typer(stories.group, name="stories")
cli.add_typer(topics.group, name="topics")
cli.add_typer(subscribers.group, name="subscribers")
cli.add_typer(issues.group, name="issue")
issues.register(cli)
send.register(cli)
status.register(cli)
run.register(cli)
preview_command.register(cli)
templates.register(cli)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"newsletter {__version__}")
        raise typer.Exit


@cli.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Options before any command."""


def main() -> None:
    """The `newsletter` command."""
    try:
        cli()
    except NewsletterError as error:
        print(f"newsletter: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
