"""The site's keys: a ring that signs tokens, and a key under which addresses become handles."""

import hashlib
import hmac
from dataclasses import dataclass, field
from functools import lru_cache

_BYTES = 16
"""Of a handle and of a token's MAC: 128 bits (RFC 2104, section 5)."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """All keys have 32 bytes. Whoever has them can unsubscribe anyone."""

    current: bytes = field(repr=False)
    """Signs new tokens."""
    former: tuple[bytes, ...] = field(repr=False)
    """Keys whose tokens are still accepted, the newest first."""
    handle_key: bytes = field(repr=False)
    """Never rotates: a handle is in every old token and in every suppression."""

    @property
    def all(self) -> tuple[bytes, ...]:
        """Every key that signs or signed tokens, the newest first."""
        return (self.current, *self.former)

    def handle(self, address: str) -> str:
        """The handle of an address in its folded form (`Subscriber.key`): 32 hexadecimal digits that stand for it."""
        return _handle(self.handle_key, address)


@lru_cache(256)  # one mail needs its subscriber's handle three times
def _handle(key: bytes, address: str) -> str:
    return mac(key, "2\nhandle\n", address).hex()


def fingerprint(key: bytes) -> str:
    """Names a key without giving it away: 16 hexadecimal digits of a hash."""
    return hashlib.sha256(b"fingerprint of a key\n" + key).hexdigest()[:16]


def mac(key: bytes, shared: str, own: str, length: int = _BYTES) -> bytes:
    """HMAC-SHA-256 (RFC 2104) over two texts, one after the other, cut to so many bytes.

    Many MACs share their first text: the state after it is kept, and each goes on with a copy.
    """
    state = _begun(key, shared).copy()
    state.update(own.encode("utf-8", "surrogatepass"))
    return state.digest()[:length]


@lru_cache(64)
def _begun(key: bytes, shared: str) -> hmac.HMAC:
    return hmac.new(key, shared.encode("utf-8", "surrogatepass"), "sha256")
