"""Time zones by their IANA names."""

import zoneinfo
from zoneinfo import ZoneInfo

from newsletter import timezones
from newsletter.errors import ConfigError
from newsletter.text import meant, quoted


def check_zone(name: str, *, place: str = "") -> None:
    """Raises ConfigError, with a near name if there is one, unless `name` is a zone of the IANA database."""
    try:
        ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        cure = meant(timezones.nearest(name)) or "Write an IANA name such as “Europe/London” or “UTC”."
        raise ConfigError(f"there is no time zone {quoted(name)}", place=place, cure=cure) from None
