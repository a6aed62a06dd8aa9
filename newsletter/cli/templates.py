"""`newsletter new` and `check`: a template of the project's own, and the checks of issues and templates."""

from typing import Annotated

import typer

from newsletter.cli.opened import project
from newsletter.cli.report import Json, example, result, table

new = typer.Typer(no_args_is_help=True, help="Make something new: a template of your own.")


def register(cli: typer.Typer) -> None:
    cli.add_typer(new, name="new")
    cli.command(epilog=example(
        "newsletter check latest", "newsletter check", "newsletter check --template mine --template weekly",
    ))(check)


@new.command(epilog=example("newsletter new template mine", "newsletter new template short --from briefing"))
def template(
    name: Annotated[str, typer.Argument(help="The new template's name: small letters, digits, - and _.")],
    source: Annotated[str, typer.Option("--from", help="The template to copy.")] = "weekly",
    as_json: Json = False,
) -> None:
    """Copy a template to the project's templates/ folder, where you can change it (docs/templates.md)."""
    from newsletter.app import templating

    with project() as app:
        files = [each.as_posix() for each in templating.copy(app.root, name, source)]
        result(
            {"template": name, "files": files}, as_json=as_json, words=lambda: print("\n".join(files)),
            then=[f'template = "{name}" (in newsletter.toml, below [newsletter.…])', "newsletter preview --open",
                  f"newsletter check --template {name}"],
        )


def check(
    issue: Annotated[str, typer.Argument(metavar="[ISSUE]", help="An issue's id, or latest; else templates.")] = "",
    templates: Annotated[list[str] | None, typer.Option(
        "--template", help="A template to check; by default those of all newsletters.")] = None,
    as_json: Json = False,
) -> None:
    """Check every edition of an issue (links, pictures, size, plain text, words), or check templates.

    A template is compiled with sample stories of every kind, in every language that is offered. The exit code is 4 if
    a rule is broken.
    """
    from dataclasses import asdict

    from newsletter.app import checking, issues
    from newsletter.errors import UsageError

    with project() as app:
        if issue and templates:
            raise UsageError("an issue and --template cannot be checked at once", cure="Check one after the other.")
        found = issues.find(app, issue) if issue else None
        checks = checking.of_issue(app, found) if found else checking.of_templates(app, templates or ())
        rows = [{"rule": each.rule.id, "level": each.rule.level, "template": each.template, "holds": each.holds,
                 "why": each.rule.why, "looked_at": each.looked_at,
                 "problems": [asdict(problem) for problem in each.problems]} for each in checks]
        result(
            rows, as_json=as_json, problems=[problem for each in checks for problem in each.problems],
            words=lambda: table(("RULE", "LEVEL", "RESULT", "LOOKED AT"), [
                (f"{each.template}: {each.rule.id}" if each.template else each.rule.id, each.rule.level,
                 "holds" if each.holds else f"{len(each.problems)} wrong", each.looked_at) for each in checks
            ]),
        )
        if not all(each.holds for each in checks):
            raise typer.Exit(4)
