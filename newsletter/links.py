"""Links that know their reader without naming one: unforgeable tokens in place of addresses (RFC 8058, section 3.1)."""

import base64
import hmac
import re
from typing import Literal

Purpose = Literal["unsubscribe", "preferences"]
"""What a token is good for; one made for the one is refused for the other."""

_VERSION = "1"
_TOKEN = re.compile(rf"{_VERSION}[A-Za-z0-9_-]{{22}}(?P<id>[1-9a-f][0-9a-f]{{0,15}}|0)")


class Links:
    """The links of one site.

    A token is a version, 128 bits of HMAC-SHA-256 (RFC 2104) over version, purpose, newsletter and subscriber id in
    URL-safe base64, and the id in hexadecimal. The id stands last because programs that find links in plain text leave
    out a final hyphen or underline. Tokens do not expire: an old mail must still unsubscribe.
    """

    def __init__(self, base_url: str, key: bytes) -> None:
        """`base_url`: where the public pages are, absolute. `key`: 32 secret bytes (`key.load_key`)."""
        self._base = base_url.rstrip("/")
        self._key = key

    def unsubscribe(self, newsletter: str, subscriber_id: int) -> str:
        """Where the subscription ends: GET shows a button, POST acts."""
        return f"{self._base}/unsubscribe/{newsletter}/{self.token('unsubscribe', newsletter, subscriber_id)}"

    def preferences(self, newsletter: str, subscriber_id: int) -> str:
        """Where the reader chooses topics and frequency."""
        return f"{self._base}/preferences/{newsletter}/{self.token('preferences', newsletter, subscriber_id)}"

    def web(self, issue: str) -> str:
        """The issue on the web: permanent and the same for all (RFC 5064, section 2)."""
        return f"{self._base}/issues/{issue}"

    def token(self, purpose: Purpose, newsletter: str, subscriber_id: int) -> str:
        """URL-safe ASCII, 24 to 39 characters."""
        mac = self._mac(f"{_VERSION}\n{purpose}\n{newsletter}\n{subscriber_id}", 16)
        return f"{_VERSION}{base64.urlsafe_b64encode(mac)[:22].decode()}{subscriber_id:x}"

    def read(self, token: str, purpose: Purpose, newsletter: str) -> int | None:
        """The subscriber id in a token; None unless it was made here for just that purpose and newsletter."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None
        subscriber_id = int(match["id"], 16)
        made = self.token(purpose, newsletter, subscriber_id)
        return subscriber_id if hmac.compare_digest(made, token) else None

    def handle(self, address: str) -> str:
        return self._mac(f"{_VERSION}\nhandle\n{address}", 16).hex()

    def message_id_local(self, issue: str, subscriber_id: int) -> str:
        """What stands before the @ of a Message-ID: the issue, a dot and 96 keyed bits in hexadecimal.

        The same at every attempt, so that duplicates can be known as such; nobody else can tell whose message it is.
        """
        mac = self._mac(f"{_VERSION}\nmessage\n{issue}\n{subscriber_id}", 12)
        return f"{issue}.{mac.hex()}"

    def _mac(self, text: str, length: int) -> bytes:
        return hmac.digest(self._key, text.encode(), "sha256")[:length]
