"""A short name for a value's content."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta


def digest(value: object) -> str:
    """A short name for a value's content: the first 20 hexadecimal digits of the SHA-256 of its canonical JSON.

    Accepts JSON's own types, tuples, frozensets, datetimes and timedeltas; raises TypeError for any other. A digest has
    80 bits: among a million different values, the chance that any two share a name is 1 in 10^12.
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")
