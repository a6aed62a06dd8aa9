"""What answers mean: for the row, for the reader, for the run."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.model import Delivery, Outcome, Receipt, Settled, Subscriber
from newsletter.standing.answers import MAILBOX, WATCHED, Answers, Pauses, Policy, Refusals, about_us

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
READER = Subscriber("ann@example.org", "ann@example.org")


def row(attempts: int = 0, *, ever_in_doubt: bool = False) -> Delivery:
    return Delivery(7, "weekly-1", READER, 1, attempts=attempts, ever_in_doubt=ever_in_doubt)


def answers(policy: Policy = "resend", give_up: timedelta = timedelta(days=3), jitter: float = 0.0) -> Answers:
    return Answers(policy, give_up, Pauses(), now=lambda: NOW, jitter=lambda: jitter)


def refused(enhanced: str, code: int = 550) -> Receipt:
    return Receipt("refused", code, enhanced, "no")


@pytest.mark.parametrize("enhanced", ["5.7.1", "5.7.26", "5.6.0", "5.5.4", "5.1.7", "5.1.8", "5.3.4"])
def test_a_refusal_for_policy_content_or_sender_is_about_us_and_silences_no_reader(enhanced: str) -> None:
    assert about_us(refused(enhanced))
    assert enhanced not in MAILBOX


@pytest.mark.parametrize("enhanced", sorted(MAILBOX))
def test_a_mailbox_that_is_not_there_is_not_about_us(enhanced: str) -> None:
    assert not about_us(refused(enhanced))


@pytest.mark.parametrize(("code", "ours"), [(550, False), (551, False), (552, True), (553, False), (554, True)])
def test_without_an_enhanced_code_the_reply_code_has_to_do(code: int, ours: bool) -> None:
    assert about_us(refused("", code)) is ours


@pytest.mark.parametrize("outcome", ["sent", "deferred", "in_doubt"])
def test_only_a_refusal_is_held_against_us(outcome: Outcome) -> None:
    assert not about_us(Receipt(outcome, 451, "4.7.1", "slow down"))


@given(st.lists(st.booleans(), min_size=WATCHED, max_size=3 * WATCHED))
def test_a_run_is_stopped_as_soon_as_most_of_the_latest_answers_are_about_us(ours: list[bool]) -> None:
    refusals = Refusals()
    for seen, one in enumerate(ours, 1):
        latest = ours[max(0, seen - WATCHED):seen]
        receipt = refused("5.7.1" if one else "5.1.1")
        assert refusals.too_many(receipt) is (sum(latest) > WATCHED / 2)


@given(st.integers(0, 200), st.timedeltas(timedelta(minutes=1), timedelta(days=30)), st.floats(0, 1))
def test_pauses_grow_up_to_a_day_and_end_when_the_time_is_up(attempts: int, give_up: timedelta, jitter: float) -> None:
    settled = answers(give_up=give_up, jitter=jitter).settled(row(attempts), Receipt("deferred", 451, "4.3.0", "later"))
    assert settled.receipt is not None
    if settled.again_at is None:
        assert settled.receipt == Receipt("refused", 451, "4.3.0", f"given up after {attempts + 1} attempts: later")
        assert attempts
        return
    pause = settled.again_at - NOW
    least = min(timedelta(minutes=15) * 2 ** min(attempts, 7), timedelta(days=1))
    assert least <= pause <= least * 1.25 + timedelta(microseconds=1)
    assert settled.receipt.outcome == "deferred"


@pytest.mark.parametrize(("give_up", "attempts"), [("1 h", 4), ("1 day", 8), ("3 days", 10)])
def test_a_mail_is_tried_as_long_as_the_desk_says(give_up: str, attempts: int) -> None:
    length = {"1 h": timedelta(hours=1), "1 day": timedelta(days=1), "3 days": timedelta(days=3)}[give_up]
    tried = next(number for number in count(1)
                 if answers(give_up=length).settled(row(number - 1), Receipt("deferred", 451)).again_at is None)
    assert tried == attempts


def test_one_in_doubt_is_kept_for_a_person_where_the_desk_holds() -> None:
    doubt = Receipt("in_doubt", reply="no answer")
    assert answers("hold").settled(row(), doubt) == Settled(7, doubt)
    assert answers("hold").lost(row()).again_at is None


def test_one_in_doubt_is_sent_once_more_and_not_a_third_time() -> None:
    doubt = Receipt("in_doubt", reply="no answer")
    assert answers().settled(row(), doubt) == Settled(7, doubt, NOW + timedelta(minutes=15))
    assert answers().settled(row(1, ever_in_doubt=True), doubt) == Settled(7, doubt)
    assert answers().lost(row()).again_at == NOW
    assert answers().lost(row(1, ever_in_doubt=True)).again_at is None


@pytest.mark.parametrize("receipt", [Receipt("sent", 250), refused("5.1.1")])
def test_what_is_definite_is_settled_as_it_came(receipt: Receipt) -> None:
    assert answers().settled(row(), receipt) == Settled(7, receipt)
