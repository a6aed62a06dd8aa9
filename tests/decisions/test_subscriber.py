"""The status that a subscription has: its own, its subscriber's, and a pause; silence of any is silence."""

from datetime import UTC, datetime, timedelta

import pytest

from newsletter.model import Newsletter, Status, Subscriber, status_at, subscriptions

UNTIL = datetime(2027, 3, 1, tzinfo=UTC)
BEFORE = UNTIL - timedelta(microseconds=1)


def subscriber(status: Status = "active", until: datetime | None = None) -> Subscriber:
    return Subscriber("ann@example.org", "ann@example.org", status=status, paused_until=until)


@pytest.mark.parametrize(("status", "own", "until", "found"), [
    ("active", "active", None, "active"),
    ("active", "unsubscribed", None, "unsubscribed"),
    ("bounced", "active", None, "bounced"),
    ("bounced", "unsubscribed", UNTIL, "bounced"),
    ("active", "active", UNTIL, "paused"),
    ("active", "unsubscribed", UNTIL, "unsubscribed"),
])
def test_only_two_active_statuses_and_no_pause_are_active(
    status: Status, own: Status, until: datetime | None, found: Status,
) -> None:
    assert status_at(BEFORE, subscriber(status, until), own) == found


@pytest.mark.parametrize("own", ["active", "unsubscribed"])
def test_a_pause_ends_at_its_instant(own: Status) -> None:
    assert status_at(UNTIL, subscriber(until=UNTIL), own) == own


def test_who_declines_every_newsletter_is_subscribed_to_none_even_to_those_for_everybody() -> None:
    declining = Subscriber("ann@example.org", "ann@example.org", declined=("*",))
    newsletters = [(Newsletter(name, name, "desk@example.org", everybody=True), BEFORE) for name in ("weekly", "daily")]
    assert subscriptions(declining, newsletters, first_read=UNTIL) == ()
