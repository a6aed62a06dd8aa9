"""AUTH as a server does it (RFC 4954): the mechanisms of `tests.smtpd`."""

import base64
import hmac
from collections.abc import Callable

Ask = Callable[[bytes], bytes]
"""Sends a challenge and gives the answer, both without their base64."""

_CHALLENGE = b"<1.2@relay.test>"


def proves(mechanism: str, initial: str, login: tuple[str, str], ask: Ask) -> bool:
    """Whether the client shows that it knows user and password; `initial` is what stood on the AUTH line."""
    given = base64.b64decode(initial)
    user, password = (each.encode() for each in login)
    match mechanism:
        case "PLAIN":
            return given == b"\0" + user + b"\0" + password
        case "LOGIN":
            return (given, ask(b"Password:")) == (user, password)
        case "CRAM-MD5":
            digest = hmac.new(password, _CHALLENGE, "md5").hexdigest().encode()
            return ask(_CHALLENGE) == user + b" " + digest
        case "XOAUTH2":
            if given == b"user=" + user + b"\x01auth=Bearer " + password + b"\x01\x01":
                return True
            assert ask(b'{"status": "401"}') == b""  # the client has nothing to add, and then hears of the refusal
    return False
