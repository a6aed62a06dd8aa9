"""Time zones by their IANA names."""

import difflib
import zoneinfo
from zoneinfo import ZoneInfo

from newsletter.errors import ConfigError


def check_zone(name: str, *, place: str = "") -> None:
    """Raises ConfigError, with a near name if there is one, unless `name` is a zone of the IANA database."""
    try:
        ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = _near_zone(name)
        cure = f"Did you mean “{near}”?" if near else "Write an IANA name such as “Europe/London” or “UTC”."
        raise ConfigError(f"there is no time zone “{name}”", place=place, cure=cure) from None


def _near_zone(name: str) -> str:
    zones = sorted(zoneinfo.available_timezones())
    by_name = {zone.casefold(): zone for zone in zones}
    by_city = {zone.rpartition("/")[2].casefold(): zone for zone in zones}
    wanted = name.strip().casefold().replace(" ", "_")
    for names in (by_name, by_city):
        if near := difflib.get_close_matches(wanted, names, n=1, cutoff=0.75):
            return names[near[0]]
    return ""
