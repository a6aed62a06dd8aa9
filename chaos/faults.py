"""The relay's faults, and when each is injected.

The fault of an attempt depends on the seed, the address and the number of attempts for that address: not on the order
of connections, which differs from run to run. So a seed brings the same faults again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Literal, TypeVar

AttemptFault = Literal[
    "RCPT 450", "RCPT 550", "RCPT 421", "DATA 451", "cut in the body", "cut before taking", "cut after taking",
    "slow", "dot 451", "dot 421", "dot 554",
]
"""A fault of one attempt. `slow` accepts the message and delays the answer. The three cuts end the connection without
an answer; only in the third has the relay accepted the message."""

ConnectionFault = Literal[
    "turned away", "door shut", "421 after some", "closed after some", "MAIL 451", "no pipelining",
]
"""A fault of a connection. `door shut`: the relay does not listen for a moment. `MAIL 451`: it affects each tenth MAIL.
"""

AMBIGUOUS: frozenset[str] = frozenset({"cut in the body", "cut before taking", "cut after taking"})
"""Faults after which the sender cannot know whether the message was accepted (RFC 1047)."""

EACH_TIME = 1_000_000
"""A number of attempts that is never reached."""

_ATTEMPTS: Mapping[AttemptFault, float] = {
    "RCPT 450": 0.02, "RCPT 550": 0.01, "RCPT 421": 0.01, "DATA 451": 0.02,
    "cut in the body": 0.01, "cut before taking": 0.01, "cut after taking": 0.01,
    "slow": 0.01, "dot 451": 0.02, "dot 421": 0.01, "dot 554": 0.01,
}
_CONNECTIONS: Mapping[ConnectionFault, float] = {
    "turned away": 0.03, "door shut": 0.02, "421 after some": 0.15, "closed after some": 0.15, "MAIL 451": 0.1,
    "no pipelining": 0.15,
}

Name = TypeVar("Name", bound=str)


@dataclass(frozen=True, slots=True)
class Faults:
    """The plan of faults; by default there are none."""

    seed: int = 0
    attempts: Mapping[AttemptFault, float] = field(default_factory=dict)
    """The share of attempts that have each fault."""
    connections: Mapping[ConnectionFault, float] = field(default_factory=dict)
    """The share of connections that have each fault."""
    addressed: Mapping[str, tuple[AttemptFault, int]] = field(default_factory=dict)
    """By the letters before an address's first digit: a fault, and how many attempts for the address have it."""

    @classmethod
    def many(cls, seed: int) -> "Faults":
        """Faults in about one of eight attempts and six of ten connections. Addresses `gone…` do not exist; addresses
        `later…` are deferred three times."""
        return cls(seed, _ATTEMPTS, _CONNECTIONS, {"gone": ("RCPT 550", EACH_TIME), "later": ("RCPT 450", 3)})

    def of_attempt(self, address: str, attempt: int) -> AttemptFault | None:
        """The fault of an attempt to reach the address; None if it has none. `attempt` counts from 1."""
        letters = re.match(r"([a-z]+)\d", address)
        fault, attempts = self.addressed.get(letters[1] if letters else "", ("slow", 0))
        return fault if attempt <= attempts else _drawn(self.attempts, f"{self.seed} {address} {attempt}")

    def of_connection(self, number: int) -> ConnectionFault | None:
        """The fault of a connection; None if it has none. `number` counts from 1."""
        return _drawn(self.connections, f"{self.seed} connection {number}")

    def patience(self, number: int) -> int:
        """The number of messages after which a connection with the fault "... after some" is closed."""
        return Random(f"{self.seed} patience {number}").randint(1, 50)  # noqa: S311  # a fault, no secret


def _drawn(shares: Mapping[Name, float], what: str) -> Name | None:
    drawn = Random(what).random()  # noqa: S311  # a fault, no secret
    for name, share in shares.items():
        drawn -= share
        if drawn < 0:
            return name
    return None
