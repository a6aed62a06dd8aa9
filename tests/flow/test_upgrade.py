"""A store of an older version is opened, brought up to date, and goes on: nobody gets anything twice."""

import hashlib
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.app import issues, preparing
from tests import oldstore
from tests.flow.desk import Desk


@pytest.fixture
def old(tmp_path: Path) -> Desk:
    return oldstore.project(tmp_path)


def brought(desk: Desk, email: str) -> Counter[str]:
    """How often each story was sent to a subscriber, by all issues and newsletters."""
    with desk.app() as app:
        subscriber = issues.subscriber(app, email)
        sent = [each for each in app.store.outbox.had(subscriber.id) if each.state == "sent"]
        return Counter(story for each in sent for story in app.store.issues.edition(each.edition).stories)


def test_a_half_sent_issue_goes_on_with_those_who_were_left(old: Desk) -> None:
    sent = old.send("weekly-2026-11-30")
    assert (sent.finished, sent.outcomes, sent.sums["sent"]) == (True, {"sent": 3}, 6)
    assert sorted(old.mails("weekly-2026-11-30")) == list(oldstore.LEFT)


def test_what_was_frozen_keeps_its_bytes(old: Desk) -> None:
    """Boundary, Message-ID and tokens too: whoever has had a mail, and whoever gets it later, has the same."""
    with old.app() as app:
        issue = issues.find(app, "weekly-2026-11-30")
        for email, (message_id, digest) in oldstore.MESSAGES.items():
            message = issues.message_for(app, issue, issues.subscriber(app, email))
            assert message.message_id == message_id
            assert hashlib.sha256(message.wire).hexdigest() == digest, email


def test_nobody_gets_a_story_twice_however_it_is_edited(old: Desk) -> None:
    """A12, B8: old stories get new dates and tags, and a second newsletter begins."""
    old.send("weekly-2026-11-30")
    old.clock.set(old.clock.now() + timedelta(weeks=1))
    oldstore.week(old, 5)
    old.story("ai-0", "Chatbots in week 0", ["ai", "trade"], date="2026-12-03")
    old.story("trade-3", "Tariffs in week 3", ["trade", "privacy"], date="2026-12-03")
    old.prepare()
    old.send()
    with old.app() as app:
        preparing.prepare_issue(app, "daily", on_source=lambda source: None, on_subscriber=lambda count: None)
    old.send("daily")
    for email in oldstore.PEOPLE:
        stories = brought(old, email)
        assert max(stories.values()) == 1, email
    assert brought(old, "dora@example.org").keys() == {f"stories/ai-{number}.md" for number in range(6)}


def test_everybody_has_their_subscriptions_to_the_newsletters_there_were(old: Desk) -> None:
    old.send("weekly-2026-11-30")
    with old.app() as app:
        subscriber = issues.subscriber(app, "ann@example.org")
        found = app.store.subscribers.subscriptions(subscriber.id)
    assert [(each.newsletter, each.status, each.interests.topics) for each in found] == [
        ("daily", "active", ("ai", "trade")), ("weekly", "active", ("ai", "trade"))]


def test_why_still_answers_for_an_old_issue(old: Desk) -> None:
    reasons = old.why("dora@example.org", "weekly-2026-11-30")
    assert reasons["Chatbots in week 4"][0] == "in"
    assert reasons["Chatbots in week 2"] == ("had before", "issue weekly-2026-11-16 brought it")
