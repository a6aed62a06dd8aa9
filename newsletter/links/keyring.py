"""The site's keys: a ring that signs tokens, and a key under which addresses become handles."""

import hashlib
import hmac
from dataclasses import dataclass, field
from functools import lru_cache

_BYTES = 16
"""Length of a handle and of a token's MAC: 128 bits (RFC 2104, section 5)."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of a project, 32 bytes each. Whoever has them can unsubscribe anyone."""

    current: bytes = field(repr=False)
    """The key that signs new tokens."""
    former: tuple[bytes, ...] = field(repr=False)
    """Keys whose tokens are still accepted, the newest first."""
    handle_key: bytes = field(repr=False)
    """The key for handles. It is never rotated: handles are in every old token and in every suppression."""

    @property
    def all(self) -> tuple[bytes, ...]:
        """Every key that signs tokens or has signed them, the newest first."""
        return (self.current, *self.former)

    def handle(self, address: str) -> str:
        """The handle of an address, which is given in its folded form (`Subscriber.key`): 32 hexadecimal digits."""
        return _handle(self.handle_key, address)


@lru_cache(256)  # one mail needs its subscriber's handle three times
def _handle(key: bytes, address: str) -> str:
    return mac(key, "2\nhandle\n", address).hex()


def fingerprint(key: bytes) -> str:
    """A name for a key that does not reveal it: 16 hexadecimal digits of a hash."""
    return hashlib.sha256(b"fingerprint of a key\n" + key).hexdigest()[:16]


def mac(key: bytes, shared: str, own: str, length: int = _BYTES) -> bytes:
    """HMAC-SHA-256 (RFC 2104) over two texts, one after the other, cut to `length` bytes.

    Many MACs share their first text: the state after it is cached, and each MAC continues with a copy.
    """
    state = _begun(key, shared).copy()
    state.update(own.encode("utf-8", "surrogatepass"))
    return state.digest()[:length]


@lru_cache(64)
def _begun(key: bytes, shared: str) -> hmac.HMAC:
    return hmac.new(key, shared.encode("utf-8", "surrogatepass"), "sha256")
