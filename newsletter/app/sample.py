"""The sample project: `newsletter init` copies it, and `newsletter demo` runs it from end to end."""

import asyncio
import re
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources
from pathlib import Path

from newsletter import config
from newsletter.app import App, preparing, sending
from newsletter.errors import UsageError
from newsletter.model import Problem

NEWEST = date(2026, 11, 22)
"""The date of the newest sample story as shipped; a copy's dates are shifted so that it is yesterday's."""

_DAY = re.compile(r"(?m)^(date: *[\"']?)(\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True, slots=True)
class Mail:
    """One sample subscriber's mail."""

    subscriber: str
    stories: tuple[str, ...]
    """Titles in reading order."""
    file: str
    """The .eml, relative to the project; empty if there is none."""
    note: str
    """The reason why there is no mail; empty if there is one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a demo."""

    issue: str
    folder: Path
    sent: int
    mails: tuple[Mail, ...]
    problems: tuple[Problem, ...]


def today() -> date:
    """Today's date in UTC."""
    from newsletter.alarm import SystemClock

    return SystemClock().now().date()


def create(folder: Path, *, today: date) -> list[Path]:
    """Copies the sample project to a new or empty folder; its newest story is dated the day before `today`.

    Returns the files, relative to the folder. Raises UsageError if the folder is not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty", cure="newsletter init ANOTHER-FOLDER")
    shift = today - timedelta(days=1) - NEWEST
    source = _shipped()
    files = sorted(path for path in source.rglob("*") if path.is_file())
    for path in files:
        copy = folder / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(_moved(path.read_bytes(), shift) if path.suffix == ".md" else path.read_bytes())
    return [path.relative_to(source) for path in files]


async def demo(folder: Path, *, today: date) -> Outcome:
    """Makes a sample project in `folder`, freezes an issue, and writes each subscriber's mail as an .eml file."""
    if (folder / "newsletter.toml").exists() and (folder / "DEMO").exists():
        return await _again(folder)
    create(folder, today=today)
    (folder / "DEMO").write_text("Made by newsletter demo. The folder can be deleted.\n", "utf-8")
    return await _again(folder)


async def _again(folder: Path) -> Outcome:
    app = App(config.read(config.find(folder)))
    try:
        name = next(iter(app.settings.newsletters))
        issue = app.store.issues.latest(name)
        problems: tuple[Problem, ...] = ()
        if issue is None:
            prepared = preparing.prepare_issue(app, name, on_source=lambda each: None, on_subscriber=lambda count: None)
            issue, problems = prepared.issue, prepared.problems
        sent = await sending.send(app, issue, stop=asyncio.Event(), progress=lambda receipt: None)
        return Outcome(issue.id, app.root / app.settings.delivery.outbox / issue.id, sent.sums.get("sent", 0),
                       _mails(app, issue.id), problems)
    finally:
        app.close()


def _mails(app: App, issue_id: str) -> tuple[Mail, ...]:
    titles = {each.story.id: each.story.title for each in app.store.issues.manifest(issue_id).candidates}
    mails = []
    for subscriber in app.store.subscribers.all():
        delivery = app.store.outbox.delivery(issue_id, subscriber.key)
        skip = app.store.issues.skip_of(issue_id, subscriber.id)
        stories = app.store.issues.edition(delivery.edition).stories if delivery else ()
        file = delivery.receipt.reply if delivery and delivery.receipt else ""
        note = skip.reason if skip else "" if delivery else subscriber.status
        mails.append(Mail(subscriber.email, tuple(titles[each] for each in stories), file, note))
    return tuple(mails)


def _shipped() -> Path:
    packaged = Path(str(resources.files("newsletter") / "_shipped" / "sample"))
    return packaged if packaged.exists() else Path(__file__).parents[2] / "sample"


def _moved(text: bytes, shift: timedelta) -> bytes:
    def later(found: re.Match[str]) -> str:
        return found[1] + (date.fromisoformat(found[2]) + shift).isoformat()

    return _DAY.sub(later, text.decode("utf-8")).encode("utf-8")
