"""Dates as sources write them, read as instants in UTC. A date without a zone is in UTC, a day means its midnight."""

import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime

_ZONE = re.compile(r"\s+(?=(?:[+-]\d\d:?\d\d|Z)$)")


def read(value: object) -> datetime | None:
    """The instant, in UTC, of a date, a datetime, or a text by ISO 8601 or RFC 5322; None if it is not a date."""
    if isinstance(value, datetime):
        return _utc(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, str) or len(value) > 60:
        return None
    text = _ZONE.sub("", value.strip())
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return _utc(parse(text))
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _utc(moment: datetime) -> datetime | None:
    if moment.utcoffset() is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # the first hours of year 1, the last of 9999
        return None
