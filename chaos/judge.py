"""Whether nothing was lost and nothing went twice: the relay's log against the program's ledger.

Where they differ, the log is right.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from chaos.relay import Arrival

Policy = Literal["resend", "hold"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a run left behind."""

    audience: frozenset[str]
    """The addresses for which the issue was to be frozen."""
    policy: Policy
    kills_wanted: int
    connections: int
    """How many the sender may have open at once."""
    arrivals: Sequence[Arrival]
    """The relay's log."""
    ambiguous: int
    """How many faults it made after which nobody can tell whether a message was taken."""
    kills: int
    """How many met a sender with connections open."""
    states: Mapping[str, str]
    """The ledger: each delivery's state, by address."""
    message_ids: Mapping[str, str]
    """What the program says that each delivery's Message-ID is, by address."""
    ever_in_doubt: frozenset[str]
    finished: bool
    """Whether the program says so of the issue, and that its states add up."""
    exits: Sequence[int]
    """Exit codes of the senders that were not killed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The evidence, weighed. Everything is given by address."""

    missing: tuple[str, ...]
    """Neither taken, nor refused, withdrawn or in doubt by name."""
    unfounded: tuple[str, ...]
    """Sent, says the ledger, and the relay never had it."""
    twice: tuple[str, ...]
    """Taken more than once."""
    doubt_allowed: int
    """How many may ever have been in doubt."""
    breaches: tuple[str, ...]
    """What the promise does not allow, a sentence each; none if it was kept."""


EXITS = (0, 5, 75)
"""Done; done, and some failed; some still wait."""


def judge(evidence: Evidence) -> Finding:
    """Weighs the evidence."""
    taken = Counter(each.recipient for each in evidence.arrivals if each.taken)
    states, doubted = evidence.states, evidence.ever_in_doubt
    missing = _those(email for email in evidence.audience if not taken[email] and states.get(email) not in _NAMED)
    unfounded = _those(email for email, state in states.items() if state == "sent" and not taken[email])
    twice = _those(email for email, times in taken.items() if times > 1)
    listed = doubted if evidence.policy == "resend" else frozenset()
    allowed = evidence.kills * evidence.connections + evidence.ambiguous
    counts: tuple[tuple[str, Sequence[str]], ...] = (
        ("missing", missing),
        ("sent by the ledger alone", unfounded),
        ("taken more than once" + (" and never in doubt" if listed else ""), _those(set(twice) - listed)),
        ("taken and not sent, and never in doubt", _those(_elsewhere(taken, states) - doubted)),
        ("in doubt and not listed", _those({each for each in states if states[each] == "in_doubt"} - doubted)),
        ("not of the audience", _those((taken.keys() | states.keys()) - evidence.audience)),
        ("not in the ledger", _those(evidence.audience - states.keys())),
        ("of another Message-ID than the ledger's", _other_ids(evidence)),
        ("of a Message-ID that somebody else has", _shared_ids(evidence.message_ids)),
    )
    breaches = [f"{len(who)} {what}: {', '.join(who[:5])}" for what, who in counts if who]
    if len(doubted) > allowed:
        breaches.append(f"{len(doubted)} were in doubt, {allowed} may have been: {evidence.kills} kills with "
                        f"{evidence.connections} connections, {evidence.ambiguous} ambiguous faults")
    return Finding(missing, unfounded, twice, allowed, (*breaches, *_about_the_run(evidence)))


_NAMED = ("refused", "withdrawn", "in_doubt")
"""States that say by name that a recipient did not get it, or may not have."""


def _those(who: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(who))


def _elsewhere(taken: Mapping[str, int], states: Mapping[str, str]) -> set[str]:
    """Whose message was taken, though the ledger does not say that it was sent."""
    return {email for email in taken if states.get(email) != "sent"}


def _other_ids(evidence: Evidence) -> tuple[str, ...]:
    """Who was sent something under another Message-ID: receivers could not tell two attempts for the same mail."""
    ids = evidence.message_ids
    return _those({each.recipient for each in evidence.arrivals if each.message_id != ids.get(each.recipient)})


def _shared_ids(message_ids: Mapping[str, str]) -> tuple[str, ...]:
    """Whose Message-ID somebody else has too, so that a receiver may throw one of them away."""
    owners = Counter(message_ids.values())
    return _those(email for email, message_id in message_ids.items() if owners[message_id] > 1)


def _about_the_run(evidence: Evidence) -> list[str]:
    """What makes the rest worth nothing, or says that the program is broken."""
    said = [f"a sender ended with exit code {code}" for code in sorted({*evidence.exits}.difference(EXITS))]
    if not evidence.finished:
        said.append("the issue is not finished")
    if evidence.kills < evidence.kills_wanted:
        said.append(f"only {evidence.kills} of {evidence.kills_wanted} kills met a working sender: this proves nothing")
    return said
