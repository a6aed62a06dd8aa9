"""The cell `paused_until`: the instant at which mail begins again."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from newsletter.model import Status
from newsletter.preferences.choices import Fault, Reading
from newsletter.text import quoted


def until(cell: str, zone: str) -> Reading[datetime | None]:
    """The instant, in UTC, of a date or a date and time by ISO 8601; None for an empty cell.

    A date means its midnight. Without an offset, the time is one in `zone`, an IANA name, or in UTC if that is empty.
    """
    word = cell.strip()
    if not word:
        return Reading(None)
    try:
        found = datetime.fromisoformat(word)
        return Reading((found if found.tzinfo else found.replace(tzinfo=_zone(zone))).astimezone(UTC))
    except (ValueError, OverflowError):
        return Reading(None, (Fault(f"{quoted(word)} is not a date, so mail stays paused", _CURE),))


def written(instant: datetime, zone: str) -> str:
    """The cell from which `until` reads this instant: only a date if that is enough."""
    try:
        day = instant.astimezone(_zone(zone)).date()
        return day.isoformat() if _midnight(day, zone) == instant else instant.astimezone(UTC).isoformat()
    except OverflowError:  # the last day of the year 9999
        return instant.astimezone(UTC).isoformat()


def combined(status: Reading[Status], pause: Reading[datetime | None]) -> tuple[Status, datetime | None]:
    """The status of a subscriber with these two cells, and the instant at which mail begins again.

    With a pause that can be read, `active` and `paused` mean the same: no mail before that instant, and mail from it
    on. A cell that cannot be read never resumes mail: neither an unknown status nor an unknown date.
    """
    if pause.value is None or status.faults:
        return ("paused" if pause.faults and status.value == "active" else status.value), None
    return ("active" if status.value == "paused" else status.value), pause.value


_CURE = "Write the day on which mail begins again, such as 2027-03-01."


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), _zone(zone))


def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name or "UTC")
