"""`newsletter topics`: the topics that subscribers can choose, and stories, tags and topics that do not fit."""

import typer

from newsletter.cli.opened import project
from newsletter.cli.report import Json, example, result, table

group = typer.Typer(no_args_is_help=True, help="Topics: list them, and find stories, tags and topics that do not fit.")


@group.command("list", epilog=example("newsletter topics list", "newsletter topics list --json"))
def list_topics(as_json: Json = False) -> None:
    """List the topics, with the number of subscribers that chose each."""
    from newsletter.app import topics

    with project() as app:
        rows = [
            {"topic": topic.slug, "label": topic.label, "parent": topic.parent, "subscribers": count}
            for topic, count in topics.chosen(app)
        ]
        result(rows, as_json=as_json, words=lambda: table(
            ("TOPIC", "LABEL", "PARENT", "SUBSCRIBERS"), [tuple(row.values()) for row in rows],
        ))


@group.command(epilog=example("newsletter topics report", "newsletter topics report --json"))
def report(as_json: Json = False) -> None:
    """Report what does not fit: stories without a topic, topics that nobody chose, tags that no topic knows."""
    from newsletter.app import topics
    from newsletter.text import meant

    with project() as app:
        found = topics.misfits(app)
        data = {
            "stories without a topic": [f"{story.title} ({story.source})" for story in found.unmatched],
            "topics nobody reads": list(found.unread),
            "tags nobody mapped": [
                f"{tag.tag} ({tag.count}×)" + f" {meant(tag.suggestion)}".rstrip()
                for tag in found.unmapped
            ],
        }

        def words() -> None:
            for heading, lines in data.items():
                print(f"{heading}: {len(lines) or 'none'}")
                for line in lines:
                    print(f"  {line}")

        result(data, as_json=as_json, words=words)
