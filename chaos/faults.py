"""What the relay does wrong, and when.

What happens to a message depends on the seed, the address and how often that address was tried: not on the order in
which connections come, which differs from run to run. So a seed brings the same faults again.
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
"""What befalls one attempt. `slow` takes the message and lets us wait for the answer; the three cuts end the connection
without a word, and only after the third does the relay have the message."""

ConnectionFault = Literal[
    "turned away", "door shut", "421 after some", "closed after some", "MAIL 451", "no pipelining",
]
"""What befalls a connection. `door shut`: nobody listens any more for a moment. `MAIL 451`: each tenth MAIL."""

AMBIGUOUS: frozenset[str] = frozenset({"cut in the body", "cut before taking", "cut after taking"})
"""After these nobody on our side of the connection can tell whether the message was taken (RFC 1047)."""

EACH_TIME = 1_000_000
"""Attempts: so many that there are never more."""

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
    """When which fault is made. As it is by default, none is."""

    seed: int = 0
    attempts: Mapping[AttemptFault, float] = field(default_factory=dict)
    """The share of attempts that each fault befalls."""
    connections: Mapping[ConnectionFault, float] = field(default_factory=dict)
    """The share of connections that each fault befalls."""
    addressed: Mapping[str, tuple[AttemptFault, int]] = field(default_factory=dict)
    """The fault of every address that begins with these letters and goes on with a digit, and in how many attempts."""

    @classmethod
    def many(cls, seed: int) -> "Faults":
        """About one attempt in eight and six connections in ten. `gone…` is nobody, `later…` is let in at last."""
        return cls(seed, _ATTEMPTS, _CONNECTIONS, {"gone": ("RCPT 550", EACH_TIME), "later": ("RCPT 450", 3)})

    def of_attempt(self, address: str, attempt: int) -> AttemptFault | None:
        """What befalls the attempt of this number, from 1, to reach the address."""
        letters = re.match(r"([a-z]+)\d", address)
        fault, attempts = self.addressed.get(letters[1] if letters else "", ("slow", 0))
        return fault if attempt <= attempts else _drawn(self.attempts, f"{self.seed} {address} {attempt}")

    def of_connection(self, number: int) -> ConnectionFault | None:
        """What befalls the connection of this number, from 1."""
        return _drawn(self.connections, f"{self.seed} connection {number}")

    def patience(self, number: int) -> int:
        """After how many messages a connection that is closed after some is closed."""
        return Random(f"{self.seed} patience {number}").randint(1, 50)  # noqa: S311  # a fault, no secret


def _drawn(shares: Mapping[Name, float], what: str) -> Name | None:
    drawn = Random(what).random()  # noqa: S311  # a fault, no secret
    for name, share in shares.items():
        drawn -= share
        if drawn < 0:
            return name
    return None
