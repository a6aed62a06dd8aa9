"""The judgement whether a mail was lost or sent twice: it compares the relay's log with the program's ledger.

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
    """The records of one run."""

    audience: frozenset[str]
    """The addresses for which the issue was to be frozen."""
    policy: Policy
    kills_wanted: int
    connections: int
    """How many connections the sender may have open at once."""
    arrivals: Sequence[Arrival]
    """The relay's log."""
    ambiguous: int
    """How many faults the relay injected after which the sender cannot know whether a message was accepted."""
    kills: int
    """How many kills met a sender with open connections."""
    states: Mapping[str, str]
    """The ledger: each delivery's state, by address."""
    message_ids: Mapping[str, str]
    """The Message-ID that the program reports for each delivery, by address."""
    ever_in_doubt: frozenset[str]
    finished: bool
    """Whether the program reports that the issue is finished and that its states add up."""
    exits: Sequence[int]
    """Exit codes of the senders that were not killed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result for one run. Recipients are given by address."""

    missing: tuple[str, ...]
    """Recipients whose mail was not accepted, and whom the ledger does not list as refused, withdrawn or in doubt."""
    unfounded: tuple[str, ...]
    """Recipients whose mail is sent according to the ledger, but which the relay never accepted."""
    twice: tuple[str, ...]
    """Recipients whose mail was accepted more than once."""
    doubt_allowed: int
    """How many deliveries may ever have been in doubt."""
    breaches: tuple[str, ...]
    """The breaches of the promise, a sentence each; empty if it was kept."""


EXITS = (0, 5, 75)
"""Exit codes of a sender that is not killed: done; done, and some failed; some still wait."""


def judge(evidence: Evidence) -> Finding:
    """Compares log and ledger."""
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
    breaches = [f"{len(emails)} {what}: {', '.join(emails[:5])}" for what, emails in counts if emails]
    if len(doubted) > allowed:
        breaches.append(f"{len(doubted)} were in doubt, {allowed} may have been: {evidence.kills} kills with "
                        f"{evidence.connections} connections, {evidence.ambiguous} ambiguous faults")
    return Finding(missing, unfounded, twice, allowed, (*breaches, *_about_the_run(evidence)))


_NAMED = ("refused", "withdrawn", "in_doubt")
"""States of recipients who did not get the mail, or may not have."""


def _those(emails: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(emails))


def _elsewhere(taken: Mapping[str, int], states: Mapping[str, str]) -> set[str]:
    """Recipients whose message was accepted although it is not sent according to the ledger."""
    return {email for email in taken if states.get(email) != "sent"}


def _other_ids(evidence: Evidence) -> tuple[str, ...]:
    """Recipients who were sent another Message-ID than the ledger's: receivers could not recognise duplicates."""
    ids = evidence.message_ids
    return _those({each.recipient for each in evidence.arrivals if each.message_id != ids.get(each.recipient)})


def _shared_ids(message_ids: Mapping[str, str]) -> tuple[str, ...]:
    """Recipients who share a Message-ID, so that a receiver may discard one of the mails."""
    owners = Counter(message_ids.values())
    return _those(email for email, message_id in message_ids.items() if owners[message_id] > 1)


def _about_the_run(evidence: Evidence) -> list[str]:
    """Breaches of the run as a whole: the program failed, or the run proves nothing."""
    found = [f"a sender ended with exit code {code}" for code in sorted({*evidence.exits}.difference(EXITS))]
    if not evidence.finished:
        found.append("the issue is not finished")
    if evidence.kills < evidence.kills_wanted:
        found.append(f"only {evidence.kills} of {evidence.kills_wanted} kills met a working sender: the run proves "
                     "nothing")
    return found
