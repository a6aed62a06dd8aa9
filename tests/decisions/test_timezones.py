"""Time zones: names in any case, and the name that an unknown word may mean."""

import pytest

from newsletter import timezones


@pytest.mark.parametrize(("word", "name"), [
    ("Europe/London", "Europe/London"), ("america/new york", "America/New_York"), ("utc", "UTC"), ("London", ""),
    ("localtime", ""), ("", ""),
])
def test_a_zone_is_an_iana_name_in_any_case(word: str, name: str) -> None:
    assert timezones.zone(word) == name


@pytest.mark.parametrize(("word", "name"), [
    ("Europe/Lodnon", "Europe/London"), ("london", "Europe/London"), ("New York", "America/New_York"),
    ("Londn", "Europe/London"), ("the moon", ""), ("Europe", ""), ("../../etc/passwd", ""),
])
def test_the_nearest_zone_is_that_of_a_city_or_the_most_similar_name(word: str, name: str) -> None:
    assert timezones.nearest(word) == name


@pytest.mark.parametrize("word", ["GMT+1", "GMT-1", "UTC+1", "gmt +01:00", "Etc/GMT+15", "+1"])
def test_no_zone_is_proposed_for_an_offset(word: str) -> None:
    """A9: IANA's "Etc/GMT+1" is an hour behind Greenwich, but "GMT+1" usually means an hour ahead."""
    assert timezones.nearest(word) == ""
