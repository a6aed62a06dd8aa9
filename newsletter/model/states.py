"""The states of an issue, and which may follow which. Drawn in docs/flow.md."""

from collections.abc import Mapping
from typing import Literal

IssueState = Literal["frozen", "sending", "paused", "finished", "cancelled", "missed"]
"""frozen → sending → finished; paused: nothing is claimed until a person resumes it; cancelled: nothing more is sent;
missed: the slot passed without an issue."""

Verb = Literal["freeze", "miss", "start", "finish", "reopen", "pause", "resume", "cancel"]

TRANSITIONS: Mapping[Verb, tuple[tuple[IssueState | None, IssueState], ...]] = {
    "freeze": ((None, "frozen"), ("missed", "frozen")),
    "miss": ((None, "missed"),),
    "start": (("frozen", "sending"),),
    "finish": (("sending", "finished"),),
    "reopen": (("finished", "sending"),),
    "pause": (("frozen", "paused"), ("sending", "paused")),
    "resume": (("paused", "frozen"), ("paused", "sending")),
    "cancel": (("frozen", "cancelled"), ("sending", "cancelled"), ("paused", "cancelled")),
}
"""By verb the pairs (before, after); before is None where there is no issue yet. An issue is resumed into the state in
which it was paused."""


def may(verb: Verb, state: IssueState) -> bool:
    """Whether an issue in this state can be started, finished, paused and so on."""
    return any(before == state for before, _ in TRANSITIONS[verb])
