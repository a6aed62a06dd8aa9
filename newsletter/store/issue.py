"""An issue as the store gives it: its row, the subscribers left out of it, and the refusal of a second one."""

from dataclasses import dataclass
from datetime import datetime

from newsletter.errors import UsageError
from newsletter.model import IssueState, Subscriber, may


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue's row."""

    number: int
    id: str
    newsletter: str
    """The newsletter's name."""
    slot_key: str
    """`Slot.key`. If the issue was cancelled before anything was sent, a suffix is added, which frees the slot."""
    slot: datetime
    """The slot's instant."""
    state: IssueState
    manifest_hash: str
    """The name of its content, also used in the boundaries of its mails; empty for a missed issue. An issue that an
    older version froze keeps the hash it had."""
    audience: int
    """How many deliveries were frozen."""
    prepared_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    """When it finished or was cancelled."""
    note: str
    """Why it was missed or paused."""
    text_hash: str
    """Hash of the manifest's text as it was stored; empty for a missed issue."""
    link_version: int
    """How the links in its mails identify the subscriber: 1 by the row's number, 2 by the handle."""


@dataclass(frozen=True, slots=True)
class Skip:
    """A subscriber left out of an issue."""

    subscriber: Subscriber
    edition: int | None
    """Number of the edition that was not sent; None if none was chosen."""
    reason: str
    """Why nothing is sent, as a sentence."""
    passed: bool
    """Whether the edition's stories count as had all the same."""


class AlreadyPrepared(UsageError):
    """The slot or the id belongs to an issue that was prepared before, which is in `issue`."""

    def __init__(self, issue: Issue) -> None:
        super().__init__(
            f"{issue.newsletter} is already prepared for {issue.slot_key}: {issue.id}, {issue.state}",
            cure=f"Send it: newsletter send {issue.id}; or cancel it to prepare it anew: "
                 f"newsletter issue cancel {issue.id}"
            if may("cancel", issue.state) else f"newsletter issue show {issue.id}")
        self.issue = issue
