"""A desk for flow tests: a small real project in a folder, with a clock that the test sets, and what is done at it."""

import asyncio
import email
import email.policy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage

from bench.project import Project, SetClock, relay_table
from newsletter.app import issues, preparing, reasons, sending
from newsletter.app.preparing import Prepared
from newsletter.app.sending import Sent

TOPICS = """
[topic.ai]
label = "Artificial intelligence"
aliases = ["machine-learning"]
keywords = ["chatbot", "AI"]
[topic.trade]
label = "Trade"
keywords = ["tariff"]
[topic.privacy]
label = "Privacy"
"""


@dataclass
class Desk(Project):
    clock: SetClock = field(default_factory=lambda: SetClock(datetime(2026, 11, 27, 12, tzinfo=UTC)))
    people: list[dict[str, str]] = field(default_factory=list)

    def relay(self, port: int) -> None:
        """Mails really go out, to a relay on this machine."""
        self.configure(transport="smtp", relay=relay_table(port, connections=3))

    def story(
        self, name: str, title: str, tags: Sequence[str], *, date: str = "2026-11-25", body: str = "", **front: str,
    ) -> None:
        text = body or f"What happened with {title} in a few plain words. It is told here once, and shortly."
        self.write_story(name, text, title=repr(title), date=date, tags=str(list(tags)), **front)

    def reader(self, email: str, topics: str, **columns: str) -> None:
        """Adds a subscriber, or changes the one of that address."""
        self.people = [each for each in self.people if each["email"] != email]
        self.people.append({"email": email, "topics": topics, **columns})
        columns_used = list(dict.fromkeys(key for person in self.people for key in person))
        self.write_subscribers(columns_used, ([each.get(key, "") for key in columns_used] for each in self.people))

    def prepare(self, at: str = "") -> Prepared:
        with self.app() as app:
            return preparing.prepare_issue(
                app, "weekly", at=at, on_source=lambda source: None, on_subscriber=lambda count: None,
            )

    def send(self, issue: str = "latest") -> Sent:
        with self.app() as app:
            found = issues.find(app, issue)
            return asyncio.run(sending.send(app, found, stop=asyncio.Event(), progress=lambda receipt: None))

    def why(self, email: str, issue: str = "latest") -> Mapping[str, tuple[str, str]]:
        """Reason and words for each story, by title."""
        with self.app() as app:
            answer = reasons.why(app, email, issues.find(app, issue))
            titles = {each.story.id: each.story.title for each in app.store.issues.manifest(answer.issue.id).candidates}
            return {titles[each.story]: (each.reason, each.words) for each in answer.verdicts}

    def mails(self, issue: str) -> dict[str, EmailMessage]:
        """The mails of an issue that the file transport wrote, by recipient."""
        files = sorted((self.root / "outbox" / issue).glob("*.eml"))
        mails = [read(file.read_bytes()) for file in files]
        return {mail["To"].addresses[0].addr_spec: mail for mail in mails}


def read(wire: bytes) -> EmailMessage:
    return email.message_from_bytes(wire, _class=EmailMessage, policy=email.policy.SMTP)


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    content = part.get_content()
    assert isinstance(content, str)
    return content
