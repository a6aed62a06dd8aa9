"""Tokens: they identify a subscriber in a link without revealing the address, and cannot be forged (RFC 8058, section
3.1).

There are two versions. A token of version 1 contains the number of a row in the store that issued it; in another store
the same number may belong to another subscriber. A token of version 2 contains a handle, which stands for the address
in every store that has the key. Tokens do not expire: the link in an old mail must still unsubscribe.
"""

import base64
import hmac
import re
from typing import Literal, NewType, Protocol

from newsletter.links.keyring import Keyring, mac
from newsletter.model import Subscriber

Purpose = Literal["unsubscribe", "preferences"]
"""The use of a token; one that was made for one purpose is refused for the other."""
Row = NewType("Row", int)
"""`Subscriber.id` in the store that issued the token."""
Handle = NewType("Handle", str)
"""`Keyring.handle` of the subscriber's address when the mail was sent."""

_MAC = r"[A-Za-z0-9_-]{22}"


class Tokens(Protocol):
    """Tokens and Message-IDs of one version."""

    def token(self, purpose: Purpose, newsletter: str, subscriber: Subscriber) -> str:
        """The token, in URL-safe ASCII. It ends in a letter or digit: programs that find links in plain text cut off a
        final hyphen or underscore."""

    def message_id_local(self, issue_id: str, subscriber: Subscriber) -> str:
        """The part before the @ of a Message-ID: the issue's id, a dot, and 96 bits of a MAC in hexadecimal.

        It is the same at every attempt, so that duplicates can be recognised; without the key, nobody can find out
        which subscriber it belongs to.
        """


class RowTokens:
    """Version 1: "1", 22 characters of MAC, the row's number in hexadecimal.

    These tokens are signed with the oldest key of the ring, the only key there was before version 2. So an issue that
    was frozen then keeps its tokens and its Message-IDs after a rotation.
    """

    _FORM = re.compile(rf"1{_MAC}(?P<row>[1-9a-f][0-9a-f]{{0,15}}|0)")

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def token(self, purpose: Purpose, newsletter: str, subscriber: Subscriber) -> str:
        return self._signed(self._keyring.all[-1], purpose, newsletter, subscriber.id)

    def message_id_local(self, issue_id: str, subscriber: Subscriber) -> str:
        made = mac(self._keyring.all[-1], f"1\nmessage\n{issue_id}\n", str(subscriber.id), 12)
        return f"{issue_id}.{made.hex()}"

    def read(self, token: str, purpose: Purpose, newsletter: str) -> Row | None:
        """The row in a token; None unless a key of the ring signed it for this purpose and newsletter."""
        match = self._FORM.fullmatch(token)
        if match is None:
            return None
        row = int(match["row"], 16)
        made = [self._signed(key, purpose, newsletter, row) for key in self._keyring.all]
        return Row(row) if _is_one_of(token, made) else None

    def _signed(self, key: bytes, purpose: Purpose, newsletter: str, row: int) -> str:
        made = mac(key, f"1\n{purpose}\n{newsletter}\n", str(row))
        return f"1{_base64(made)}{row:x}"


class HandleTokens:
    """Version 2: "2", 22 characters of MAC, the handle.

    Message-IDs are made with the handle key, so they stay the same if keys are rotated in the middle of an issue.
    """

    _FORM = re.compile(rf"2{_MAC}(?P<handle>[0-9a-f]{{32}})")

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def token(self, purpose: Purpose, newsletter: str, subscriber: Subscriber) -> str:
        return self._signed(self._keyring.current, purpose, newsletter, self._keyring.handle(subscriber.key))

    def message_id_local(self, issue_id: str, subscriber: Subscriber) -> str:
        handle = self._keyring.handle(subscriber.key)
        made = mac(self._keyring.handle_key, f"2\nmessage\n{issue_id}\n", handle, 12)
        return f"{issue_id}.{made.hex()}"

    def read(self, token: str, purpose: Purpose, newsletter: str) -> Handle | None:
        """The handle in a token; None unless a key of the ring signed it for this purpose and newsletter."""
        match = self._FORM.fullmatch(token)
        if match is None:
            return None
        handle = match["handle"]
        made = [self._signed(key, purpose, newsletter, handle) for key in self._keyring.all]
        return Handle(handle) if _is_one_of(token, made) else None

    def _signed(self, key: bytes, purpose: Purpose, newsletter: str, handle: str) -> str:
        made = mac(key, f"2\n{purpose}\n{newsletter}\n", handle)
        return f"2{_base64(made)}{handle}"


def named(
    keyring: Keyring, token: str, purpose: Purpose, newsletter: str, *, rows_up_to: int = 0,
) -> Row | Handle | None:
    """The row or handle in a token of either version; None if it is not valid for this purpose and newsletter.

    `rows_up_to` is the highest row for which this store issued tokens of version 1, 0 if it issued none. A token with a
    higher row comes from another store, where that row was another subscriber.
    """
    row = RowTokens(keyring).read(token, purpose, newsletter)
    if row is not None:
        return row if 0 < row <= rows_up_to else None
    return HandleTokens(keyring).read(token, purpose, newsletter)


def _is_one_of(token: str, made: list[str]) -> bool:
    """Whether the token is one of these. It takes constant time, so timing reveals nothing about a valid token."""
    matches = [hmac.compare_digest(each, token) for each in made]
    return any(matches)


def _base64(mac: bytes) -> str:
    return base64.urlsafe_b64encode(mac)[:22].decode()
