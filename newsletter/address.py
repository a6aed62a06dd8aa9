"""E-mail addresses: the only module that decides which are valid. The address that is stored is sent as RCPT TO, and a
subscriber has one key.

Syntax is checked by email-validator (RFC 5321 and 5322, 6531 for non-ASCII local parts, IDNA 2008 for domains),
strictly: local parts of at most 64 characters, addresses of at most 254 octets. Quoted local parts and domain literals
are valid by the RFCs, but almost always typing errors in a list of subscribers; they are refused with that reason.
"""

import re
import unicodedata
from dataclasses import dataclass

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from newsletter.errors import DataError
from newsletter.text import BREAKS, CONTROLS, SURROGATES, quoted


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox, and the key that is the same for all its spellings."""

    email: str
    """The form sent over SMTP: the local part as given (NFC), the domain in lower-case A-labels (RFC 5890)."""
    key: str
    """The case-folded local part, "@", and the same domain. Addresses that differ in a `+tag` or in dots have different
    keys."""


def parse(text: str) -> Address:
    """The address in a text, without the spaces around it and a dot at its end.

    Raises `DataError` for an invalid address, or one that must not be mailed.
    """
    written = text.strip(_SPACES).removesuffix(".")
    if len(written) <= _LONGEST and (plain := _PLAIN.fullmatch(written)):
        local, domain = plain.groups()
        domain = domain.lower()
        return Address(f"{local}@{domain}", f"{local.lower()}@{domain}")
    return _judged(written)


def mailbox(text: str) -> tuple[str, Address]:
    """The display name and the address in `Desk <desk@example.org>`, `"Desk, Digital" <desk@example.org>` or
    `desk@example.org` (RFC 5322, section 3.4); the name is empty if there is none.

    Raises `DataError` for a text of another form, or with more than one address.
    """
    named = _NAMED_MAILBOX.fullmatch(text.strip(_SPACES))
    if not named:
        return "", parse(text)
    return _ESCAPED.sub(r"\1", named["quoted"] or "") or named["bare"] or "", parse(named["email"])


def can_be_sent(email: str) -> bool:
    """Whether an address can be put in a MAIL or RCPT command and in a header: it contains nothing that could end them.

    This is the last check before sending an address that `parse` accepted long ago. It is weaker than `parse`: those
    from the store or an edited file and those of RFC 6531 pass, an injected second command does not.
    """
    return bool(_ON_THE_WIRE.fullmatch(email))


_ON_THE_WIRE = re.compile(rf"""[^\s{CONTROLS}{SURROGATES}()<>\[\]:;@\\,"]+@[A-Za-z0-9.-]+""")
_NAMED_MAILBOX = re.compile(
    r"""(?:"(?P<quoted>(?:\\.|[^"\\])*)"|(?P<bare>[^"()<>\[\]:;@\\,]*?))\s*<(?P<email>[^<>]*)>""",
)
_ESCAPED = re.compile(r"\\(.)")
_SPACES = " \t\N{NO-BREAK SPACE}"
_LONGEST = 254
"""Octets of an address (RFC 5321, section 4.5.3.1.3, less the angle brackets)."""

_REFUSED_DOMAINS = "|".join(re.escape(name) for name in SPECIAL_USE_DOMAIN_NAMES if name != "test")
_PLAIN = re.compile(
    r"(?=[^@]{1,64}@)([A-Za-z0-9_+'=&/-]+(?:\.[A-Za-z0-9_+'=&/-]+)*)"
    rf"@(?!.*--)(?!(?:.*\.)?(?:{_REFUSED_DOMAINS})\Z)"
    r"((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63})",
    re.ASCII | re.IGNORECASE,
)
"""Addresses that email-validator is known to accept unchanged: it takes 40 µs for each, and a long list has a
million."""

_UNCLEAN = re.compile(f"[{CONTROLS}{BREAKS}\N{REPLACEMENT CHARACTER}]")
_NAMED = re.compile(r".*<([^<>@\s]+@[^<>@\s]+)>", re.DOTALL)


def _judged(written: str) -> Address:
    """The address as checked by email-validator. `.test` is accepted, since RFC 2606 reserves it for tests; mail to it
    goes nowhere."""
    _refuse_early(written)
    try:
        valid = validate_email(written, check_deliverability=False, strict=True, test_environment=True)
    except EmailNotValidError as error:
        raise _error(written, str(error), _cure(written)) from error
    # As given: email-validator changes mailbox names of RFC 2142 to lower case, which only their host may do.
    local = unicodedata.normalize("NFC", valid.original.rpartition("@")[0])
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFD", local).casefold())
    return Address(f"{local}@{valid.ascii_domain}", f"{folded}@{valid.ascii_domain}")


def _refuse_early(written: str) -> None:
    """Refuses an empty text, one that is far too long, and characters that must never get into a header."""
    if not written:
        raise DataError("there is no address", cure="Write an address such as ann@example.org.")
    if len(written) > _LONGEST:
        raise _error(written, f"it has {len(written)} characters, but at most {_LONGEST} are allowed.")
    if unclean := _UNCLEAN.search(written):
        raise _error(written, f"it contains the character U+{ord(unclean[0]):04X}.", "Type the address again.")


def _cure(written: str) -> str:
    if named := _NAMED.fullmatch(written):
        return f"Write only the address: {named[1]}"
    if written.startswith('"'):
        return "Write the address without quotation marks, or ask the subscriber for another one."
    if written.count("@") > 1:
        return "Write only one address."
    return "Correct the address; it looks like ann@example.org."


def _error(written: str, reason: str, cure: str = "Correct the address; it looks like ann@example.org.") -> DataError:
    return DataError(f"{quoted(written, 80)} is not an address that can be mailed: {reason}", cure=cure)
