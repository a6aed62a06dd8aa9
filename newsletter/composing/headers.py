"""Header fields: folded and encoded; a value that would break out of its field is refused.

No text that a person wrote enters a header unchecked: a line break or a NUL is refused, everything beyond plain ASCII
is encoded. Structure: RFC 5322; encoded words: RFC 2047; list identifiers: RFC 2919.
"""

import binascii
import re
import textwrap
from email.header import Header

from newsletter import address
from newsletter.errors import DataError
from newsletter.text import BIDI, BREAKS, CONTROLS_WITHOUT_WIDTH, SURROGATES

_LINE = 76
"""The most characters of a header line that can be folded: RFC 2047, section 2, permits 76 with encoded words, RFC 5322
recommends 78."""
_LONGEST_LIST_ID = 255
"""The most characters of the List-ID field (RFC 2919, section 3)."""

_URI = re.compile(r"https?://[!-;=?-~]+")
_REFUSED = re.compile("[\r\n\0]")
_HIDDEN = re.compile(f"[{CONTROLS_WITHOUT_WIDTH}{BIDI}{SURROGATES}]")
_SPACE = re.compile(f"[ \t\x1f{BREAKS}]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_SHOWN = re.compile(r"[ -~]*")


def mailbox(written: str, what: str) -> tuple[str, str]:
    """The display name and the address in `Desk <desk@example.org>` or `desk@example.org`.

    Raises DataError, which names the field `what`, if there is no address, or a line break.
    """
    name, found = address.mailbox(clean(written, what))
    return clean(name, what), found.email


def check_address(email: str) -> None:
    """Raises DataError if the address cannot stand between angle brackets."""
    if not address.can_be_sent(email):
        raise DataError(f"the address {email!r} cannot be put into a header", cure="Correct the address.")


def check_uri(uri: str) -> None:
    """Raises DataError if the web address cannot stand between angle brackets (RFC 2369, section 2)."""
    if not _URI.fullmatch(uri):
        raise DataError(f"the link {uri!r} cannot be put into a header", cure="Correct base_url in newsletter.toml.")


def clean(text: str, what: str) -> str:
    """The text on one line, without control characters and without those that change the direction of writing.

    Raises DataError, which names the field `what`, for a line break or a NUL: it may be an attempt to add a header.
    """
    if text.isalnum():
        return text
    if _REFUSED.search(text):
        raise DataError(f"{what} contains a line break or a NUL: {text[:80]!r}", cure="Write it on one line.")
    return _SPACE.sub(" ", _HIDDEN.sub("", text)).strip(" ")


def phrase_field(field: str, phrase: str, spec: str) -> str:
    """A field of the form `phrase <spec>`, with CRLF: a mailbox (RFC 5322, section 3.4) or a list id."""
    encoded = _phrase(phrase, _LINE - len(field) - 2) or _encoded(field, phrase)
    fold = "\r\n" if len(field) + len(encoded) + len(spec) + 5 > _LINE or "\r\n" in encoded else ""
    return f"{field}: {encoded}{fold} <{spec}>\r\n" if phrase else f"{field}: <{spec}>\r\n"


def list_id_field(title: str, identifier: str) -> str:
    """List-ID with the title, or without it if the field would be too long (RFC 2919, section 3)."""
    field = phrase_field("List-ID", title, identifier)
    return field if len(field) <= _LONGEST_LIST_ID else phrase_field("List-ID", "", identifier)


def _phrase(phrase: str, room: int) -> str:
    """The phrase as atoms or a quoted string, whichever is allowed; empty if neither is, or if it needs folding."""
    if "=?" in phrase or not _SHOWN.fullmatch(phrase):
        return ""
    written = phrase if _ATOMS.fullmatch(phrase) else '"' + re.sub(r'(["\\])', r"\\\1", phrase) + '"'
    return written if len(written) <= room else ""


def text_field(field: str, text: str) -> str:
    """A field of unstructured text, with CRLF (RFC 5322, section 3.6.5)."""
    if "=?" not in text and _SHOWN.fullmatch(text):
        lines = textwrap.wrap(
            text, _LINE, initial_indent=f"{field}: ", subsequent_indent=" ", break_long_words=False,
            break_on_hyphens=False,
        )
        if max(map(len, lines), default=0) <= _LINE:
            return "\r\n".join(lines or [f"{field}: "]) + "\r\n"
    return f"{field}: {_encoded(field, text)}\r\n"


def _encoded(field: str, text: str) -> str:
    """The text as encoded words, each line of at most 76 characters (RFC 2047, section 2)."""
    data = text.encode()
    if len(data) <= 36:  # one encoded word, as for nearly every name: email.header would take 20 times as long
        return f"=?utf-8?b?{binascii.b2a_base64(data, newline=False).decode()}?="
    return Header(text, "utf-8", maxlinelen=_LINE, header_name=field).encode(linesep="\r\n")
