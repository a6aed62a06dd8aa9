"""The times at which a source is due."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.model import Source

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.mark.parametrize(("ago", "due"), [
    (timedelta(), False), (timedelta(minutes=59, seconds=59), False), (timedelta(hours=1), True), (timedelta(2), True),
])
def test_a_source_is_due_when_its_interval_has_passed(ago: timedelta, due: bool) -> None:
    assert Source("a", interval=timedelta(hours=1)).is_due(NOW - ago, NOW) == due


def test_a_source_that_was_never_read_is_due() -> None:
    assert Source("a", interval=timedelta(days=9)).is_due(None, NOW)


@given(st.timedeltas())
def test_a_source_without_an_interval_is_always_due(ago: timedelta) -> None:
    try:
        last = NOW - ago
    except OverflowError:
        return
    assert Source("a").is_due(last, NOW)


@given(st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=3650)))
def test_a_last_reading_in_the_future_does_not_silence_a_source(ahead: timedelta) -> None:
    assert Source("a", interval=timedelta(days=3650)).is_due(NOW + ahead, NOW)
