"""`newsletter preview`: the preview in the editor's browser."""

from typing import Annotated

import typer

from newsletter.cli.opened import project
from newsletter.cli.report import example


def register(cli: typer.Typer) -> None:
    cli.command(epilog=example(
        "newsletter preview --open", "newsletter preview weekly-2026-11-30 --port 8000",
    ))(preview)


def preview(
    issue: Annotated[str | None, typer.Argument(help="An issue's id; by default a draft of the next issue.")] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the browser.")] = False,
    host: Annotated[str, typer.Option(help="The loopback address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on; 0 takes any free one.")] = 8025,
) -> None:
    """Show any subscriber's edition in the browser, as it will be sent. The page reloads when a file is saved."""
    from newsletter.cli.preview import serve

    with project() as app:
        serve(app, issue, host=host, port=port, open_browser=open_browser)
