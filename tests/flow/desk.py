"""A desk for flow tests: a small real project in a folder, with a clock that the test sets."""

import asyncio
import csv
import email
import email.policy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

from newsletter import config
from newsletter.app import App, issues, preparing, reasons, sending
from newsletter.app.preparing import Prepared
from newsletter.app.sending import Sent
from newsletter.delivering import Pace

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

CONFIG = """
[site]
base_url = "https://news.example.org"
postal_address = "Digital Desk, 1 Harbour Street, Exampleton"
[delivery]
transport = "file"
{delivery}
{relay}
[newsletter.weekly]
title = "The Week"
from = "Digital Desk <desk@news.example.org>"
sources = ["stories/"]
schedule = "every monday at 08:00"
timezone = "Europe/London"
{newsletter}
"""


class SetClock:
    """A clock that stands still until the test sets it."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def set(self, now: datetime) -> None:
        self._now = now

    def seconds_until(self, instant: datetime) -> float:
        return (instant - self._now).total_seconds()


@dataclass
class Desk:
    root: Path
    clock: SetClock = field(default_factory=lambda: SetClock(datetime(2026, 11, 27, 12, tzinfo=UTC)))
    people: list[dict[str, str]] = field(default_factory=list)
    pace: Pace = field(default_factory=Pace)

    def configure(self, *, delivery: str = "", relay: str = "", newsletter: str = "") -> None:
        text = CONFIG.format(delivery=delivery, relay=relay, newsletter=newsletter)
        (self.root / "newsletter.toml").write_text(text, "utf-8")

    def relay(self, port: int) -> None:
        """Mails really go out, to a relay on this machine."""
        self.configure(relay=f'[[relay]]\nname = "main"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
                             "connections = 3\n", delivery="")
        path = self.root / "newsletter.toml"
        path.write_text(path.read_text("utf-8").replace('transport = "file"', 'transport = "smtp"'), "utf-8")

    def story(
        self, name: str, title: str, tags: Sequence[str], *, date: str = "2026-11-25", body: str = "", **front: str,
    ) -> None:
        lines = [f"{key}: {value}" for key, value in front.items()]
        text = body or f"What happened with {title} in a few plain words. It is told here once, and shortly."
        head = "\n".join(["---", f"title: {title!r}", f"date: {date}", f"tags: {list(tags)}", *lines, "---", "", text])
        path = self.root / "stories" / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(head + "\n", "utf-8")

    def reader(self, email: str, topics: str, **columns: str) -> None:
        """Adds a subscriber, or changes the one of that address."""
        self.people = [each for each in self.people if each["email"] != email]
        self.people.append({"email": email, "topics": topics, **columns})
        columns_used = list(dict.fromkeys(key for person in self.people for key in person))
        path = self.root / "subscribers" / "subscribers.csv"
        path.parent.mkdir(exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns_used)
            writer.writeheader()
            writer.writerows(self.people)

    @contextmanager
    def app(self) -> Iterator[App]:
        app = App(config.read(self.root / "newsletter.toml"), clock=self.clock, jitter=lambda: 0.5, pace=self.pace)
        try:
            yield app
        finally:
            app.close()

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
