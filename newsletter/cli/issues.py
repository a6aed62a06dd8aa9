"""`newsletter issue`, `render` and `why`: freeze an issue, look at it, and ask for the reasons of its editions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.opened import project
from newsletter.cli.report import IssueName, Json, example, facts, progress, result, say, table

if TYPE_CHECKING:
    from newsletter.app.preparing import Prepared

group = typer.Typer(no_args_is_help=True, help="Issues: prepare, list, show, pause, resume and cancel them.")


@group.command(epilog=example(
    "newsletter issue prepare weekly", "newsletter issue prepare weekly --at 2026-12-07T08:00",
))
def prepare(
    newsletter: Annotated[str, typer.Argument(help="A newsletter's name, as in newsletter.toml.")],
    at: Annotated[str, typer.Option(
        help="The slot, as 2026-11-30T08:00 in the newsletter's time zone; by default the next one.",
    )] = "",
    as_json: Json = False,
) -> None:
    """Prepare and freeze the next issue. Nothing is mailed.

    Stories are fetched, the preference file is read, and an edition is chosen for each subscriber.
    """
    from newsletter.app import preparing, subscribers

    with project() as app:
        name = app.newsletter(newsletter).name
        subscribers.sync_subscribers(app)
        total = subscribers.count_active(app)
        with progress("choosing editions", total) as advance:
            prepared = preparing.prepare_issue(
                app, name, at=at, on_source=lambda source: say(f"reading {source}"), on_subscriber=advance,
            )
        _show_prepared(prepared, as_json)


def _show_prepared(prepared: "Prepared", as_json: bool) -> None:
    audience, issue = prepared.audience, prepared.issue
    stories = [each for each in prepared.manifest.candidates if not each.merged_into]
    data = {
        "issue": issue.id, "slot": prepared.manifest.slot.key, "manifest": issue.manifest_hash,
        "stories": len(stories),
        "deliveries": audience.deliveries, "editions": audience.editions, "skipped": dict(audience.skipped),
        "largest_html": audience.largest,
    }

    def words() -> None:
        print(issue.id)
        say(f"{len(stories)} stories, {audience.editions} editions, {audience.deliveries} deliveries, "
            f"the HTML of the largest mail has {audience.largest / 1000:.1f} kB")
        for reason, count in audience.skipped.items():
            say(f"{count} subscribers get nothing: {reason}")

    then = [f"newsletter preview {issue.id} --open", f"newsletter send {issue.id}"]
    problems = (*prepared.problems,)
    result(data, as_json=as_json, words=words, problems=problems, then=then)


@group.command("list", epilog=example("newsletter issue list", "newsletter issue list --json"))
def list_issues(as_json: Json = False) -> None:
    """List all issues, with the number of mails sent."""
    from newsletter.app import status

    with project() as app:
        rows = [
            {"issue": each.id, "state": each.state, "slot": each.slot_key, "audience": each.audience,
             **{state: count for state, count in sums.items() if count}}
            for each, sums in status.sums(app)
        ]
        result(rows, as_json=as_json, words=lambda: table(
            ("ISSUE", "STATE", "SLOT", "AUDIENCE", "SENT"),
            [(row["issue"], row["state"], row["slot"], row["audience"], row.get("sent", 0)) for row in rows],
        ))


@group.command(epilog=example("newsletter issue show latest"))
def show(issue: IssueName, as_json: Json = False) -> None:
    """Show what was frozen: the stories in order of rank, with their topics and the reason for their rank."""
    from newsletter.app import issues

    with project() as app:
        found = issues.find(app, issue)
        manifest = issues.manifest(app, found)
        rows = [
            {"title": each.story.title, "id": each.story.id, "version": each.story.version, "rank": each.rank,
             "topics": {match.topic: f"{match.how} {match.evidence}" for match in each.matches},
             "also": list(each.also), "merged_into": each.merged_into}
            for each in manifest.candidates
        ]
        data = {"issue": found.id, "state": found.state, "slot": manifest.slot.key, "manifest": found.manifest_hash,
                "audience": found.audience, "stories": rows}

        def words() -> None:
            facts({name: value for name, value in data.items() if name != "stories"})
            print()
            table(("RANK", "TITLE", "TOPICS", "WHY HERE"), [
                (number, row["title"], ", ".join(row["topics"]) or "none",
                 "merged" if row["merged_into"] else row["rank"]) for number, row in enumerate(rows, 1)
            ])

        result(data, as_json=as_json, words=words, then=[f"newsletter why EMAIL {found.id}"])


@group.command(epilog=example("newsletter issue pause weekly-2026-11-30"))
def pause(issue: IssueName, as_json: Json = False) -> None:
    """Pause an issue, even while it is being sent. Mails in flight are settled, and no more are sent."""
    from newsletter.app import issues

    with project() as app:
        found = issues.find(app, issue)
        issues.pause(app, found)
        result({"paused": found.id}, as_json=as_json, words=lambda: print(f"{found.id} is paused"),
               then=[f"newsletter issue resume {found.id}"])


@group.command(epilog=example("newsletter issue resume weekly-2026-11-30"))
def resume(issue: IssueName, as_json: Json = False) -> None:
    """End the pause of an issue, so that sending can go on where it stopped."""
    from newsletter.app import issues

    with project() as app:
        found = issues.find(app, issue)
        issues.resume(app, found)
        result({"resumed": found.id}, as_json=as_json, words=lambda: print(f"{found.id} is no longer paused"),
               then=[f"newsletter send {found.id}"])


@group.command(epilog=example("newsletter issue cancel weekly-2026-11-30"))
def cancel(issue: IssueName, as_json: Json = False) -> None:
    """Cancel an issue, so that no more of it is sent.

    If none of it was sent, its slot is free again, and later issues can bring its stories.
    """
    from newsletter.app import issues

    with project() as app:
        found = issues.find(app, issue)
        cancelled = issues.cancel(app, found)
        message = f"{found.id} is cancelled, {cancelled.withdrawn} of {found.audience} mails were not sent; " + (
            "newsletter run does not prepare another one for its slot" if cancelled.frees_slot else
            "its stories count as had for the subscribers who got it")
        result({"cancelled": found.id, "withdrawn": cancelled.withdrawn}, as_json=as_json,
               words=lambda: print(message),
               then=[f"newsletter issue prepare {found.newsletter}"] if cancelled.frees_slot else [])


def register(cli: typer.Typer) -> None:
    cli.command(epilog=example("newsletter render latest --for ann@example.org --out ann"))(render)
    cli.command(epilog=example(
        "newsletter why ann@example.org", "newsletter why ann@example.org weekly-2026-11-30",
    ))(why)


def render(
    issue: IssueName,
    email: Annotated[str, typer.Option("--for", help="The subscriber's address.")],
    out: Annotated[Path, typer.Option(help="The folder to write to; it is made if missing.")] = Path(),
    as_json: Json = False,
) -> None:
    """Write one subscriber's mail as .eml, .html, .txt and .mjml files, exactly as it is sent."""
    from newsletter.app import issues, rendering

    with project() as app:
        found = issues.find(app, issue)
        files = rendering.write_files(app, found, issues.subscriber(app, email), out)
        names = [str(each) for each in files]
        result(names, as_json=as_json, words=lambda: print("\n".join(names)))


def why(
    email: Annotated[str, typer.Argument(help="The subscriber's address, however it is spelt.")],
    issue: IssueName = "latest",
    as_json: Json = False,
) -> None:
    """Explain for each story of an issue why a subscriber got it, or did not."""
    from newsletter.app import issues, reasons

    with project() as app:
        answer = reasons.why(app, email, issues.find(app, issue))
        rows = [{"story": each.story, "title": answer.titles[each.story], "reason": each.reason, "why": each.words}
                for each in answer.verdicts]
        data = {"subscriber": answer.subscriber.email, "issue": answer.issue.id, "outcome": answer.outcome,
                "stories": rows}

        def words() -> None:
            print(f"{answer.subscriber.email}, {answer.issue.id}: {answer.outcome}\n")
            table(("", "TITLE", "REASON", "WHY"), [
                ("✓" if row["reason"] == "in" else "–", row["title"], row["reason"], row["why"]) for row in rows
            ])

        result(data, as_json=as_json, words=words)
