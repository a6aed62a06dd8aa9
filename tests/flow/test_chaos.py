"""Nothing lost, nothing twice, in short: a few hundred recipients, a few kills. `scripts/chaos` is the long way."""

import asyncio
import smtplib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos import __main__ as command
from chaos import project
from chaos.faults import AttemptFault, ConnectionFault, Faults
from chaos.judge import Evidence, Policy, judge
from chaos.relay import Arrival, Log, Relay
from chaos.run import Plan, run

RECIPIENTS = 300
CARE = 0.02
"""The relay answers late: so few messages would else be gone before a kill comes."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chaos") / "project"
    project.make(folder, RECIPIENTS, now=datetime.now(UTC))
    return folder


@pytest.mark.parametrize(("policy", "faults", "kills"), [
    pytest.param("resend", Faults.many(1), 1, id="resend, faults"),
    pytest.param("hold", Faults.many(2), 1, id="hold, faults"),
    pytest.param("resend", Faults.many(3), 3, id="resend, faults, more kills", marks=pytest.mark.thorough),
    pytest.param("hold", Faults.many(4), 3, id="hold, faults, more kills", marks=pytest.mark.thorough),
    pytest.param("resend", Faults(), 3, id="resend, no faults", marks=pytest.mark.thorough),
])
def test_nothing_is_lost_and_nothing_goes_twice(
    prepared: Path, tmp_path: Path, policy: Policy, faults: Faults, kills: int,
) -> None:
    """P1: the sender is killed at random moments; the relay's own log says that the promise was kept."""
    evidence = run(Plan(1, policy, faults, RECIPIENTS, kills, care=CARE), prepared, tmp_path / "run")
    assert judge(evidence).breaches == ()
    assert evidence.kills >= kills
    assert bool(evidence.ambiguous) == bool(faults.attempts)


# --- The command ---------------------------------------------------------------------------------------------


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """The command makes no project and runs nothing: it is given a run's evidence. What was asked for is remembered."""
    asked: list[Plan] = []

    def pretend(plan: Plan, prepared: Path, folder: Path) -> Evidence:
        folder.mkdir()
        asked.append(plan)
        lost = plan.seed == 2 and plan.policy == "hold"
        return replace(HONEST, policy=plan.policy, arrivals=[] if lost else HONEST.arrivals)

    monkeypatch.setattr(command, "run", pretend)
    monkeypatch.setattr(project, "make", lambda folder, recipients, *, now: None)
    return asked


def test_every_seed_is_run_with_each_policy_with_and_without_faults(
    pretended: list[Plan], capsys: pytest.CaptureFixture[str],
) -> None:
    assert command.main(["--seeds", "1"]) == 0
    said = capsys.readouterr()
    assert [(plan.policy, bool(plan.faults.attempts)) for plan in pretended] == [
        ("resend", True), ("resend", False), ("hold", True), ("hold", False)]
    assert said.err.count("kept: seed 1") == 4
    assert len(said.out.splitlines()) == 5


def test_a_broken_promise_ends_with_1_and_says_how_to_see_it_again(
    pretended: list[Plan], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert command.main(["--seeds", "2", "--no-faults", "--recipients", "40"]) == 1
    said = capsys.readouterr().err
    assert "BROKEN: seed 2, hold, no faults" in said
    assert "1 missing: sent@x.example" in said
    again = "--seed 2 --policy hold --no-faults --recipients 40 --kills 5 --connections 10"
    assert f"repeat: scripts/chaos {again}" in said
    assert command.main(again.split()) == 1
    assert pretended[-1] == pretended[3]


# --- The judge -----------------------------------------------------------------------------------------------


def arrival(email: str, message_id: str = "", *, taken: bool = True) -> Arrival:
    return Arrival(0.0, 1, email, message_id or f"<{email}>", taken)


HONEST = Evidence(
    audience=frozenset({"sent@x.example", "gone@x.example", "left@x.example", "unsure@x.example"}), policy="resend",
    kills_wanted=1, connections=2, ambiguous=0, kills=1,
    arrivals=[arrival("sent@x.example"), arrival("unsure@x.example")],
    states={"sent@x.example": "sent", "gone@x.example": "refused", "left@x.example": "withdrawn",
            "unsure@x.example": "in_doubt"},
    message_ids={f"{name}@x.example": f"<{name}@x.example>" for name in ("sent", "gone", "left", "unsure")},
    ever_in_doubt=frozenset({"unsure@x.example"}), finished=True, exits=[75, 5],
)
SENT = arrival("sent@x.example")


@pytest.mark.parametrize(("tampered", "said"), [
    ({"arrivals": [arrival("unsure@x.example")]}, "1 missing: sent@x.example"),
    ({"arrivals": [arrival("unsure@x.example")]}, "1 sent by the ledger alone: sent@x.example"),
    ({"arrivals": [replace(SENT, taken=False)]}, "1 missing: sent@x.example"),
    ({"states": {**HONEST.states, "gone@x.example": "queued"}}, "1 missing: gone@x.example"),
    ({"arrivals": [SENT, SENT]}, "1 taken more than once and never in doubt: sent@x.example"),
    ({"arrivals": [SENT, *[arrival("unsure@x.example")] * 2], "policy": "hold"}, "1 taken more than once: unsure@x.ex"),
    ({"arrivals": [SENT, arrival("gone@x.example")]}, "1 taken and not sent, and never in doubt: gone@x.example"),
    ({"ever_in_doubt": frozenset()}, "1 in doubt and not listed: unsure@x.example"),
    ({"arrivals": [SENT, arrival("who@x.example")]}, "1 not of the audience: who@x.example"),
    ({"states": {"sent@x.example": "sent"}}, "3 not in the ledger"),
    ({"arrivals": [SENT, arrival("unsure@x.example", "<2>")]}, "1 of another Message-ID than the ledger's: unsure"),
    ({"message_ids": dict.fromkeys(HONEST.states, "<1>")}, "4 of a Message-ID that somebody else has"),
    ({"kills": 0, "kills_wanted": 0}, "1 were in doubt, 0 may have been"),
    ({"exits": [1, 5]}, "a sender ended with exit code 1"),
    ({"finished": False}, "the issue is not finished"),
    ({"kills_wanted": 2}, "only 1 of 2 kills met a working sender"),
])
def test_the_judge_sees_each_broken_promise(tampered: Mapping[str, Any], said: str) -> None:
    assert judge(HONEST).breaches == ()
    assert any(said in breach for breach in judge(replace(HONEST, **tampered)).breaches)


FATES = st.sampled_from([("sent", 1, False), ("refused", 0, False), ("withdrawn", 0, False), ("in_doubt", 0, True),
                         ("in_doubt", 1, True), ("sent", 1, True), ("sent", 2, True), ("refused", 1, True)])
"""What can honestly become of a recipient: the last state, how often the relay took it, whether it was in doubt."""


@given(st.lists(FATES, min_size=1, max_size=40), st.data())
def test_an_honest_ledger_is_not_blamed_and_one_that_lost_a_message_is(
    fates: list[tuple[str, int, bool]], data: st.DataObject,
) -> None:
    emails = [f"reader{number}@x.example" for number in range(len(fates))]
    history = dict(zip(emails, fates, strict=True))
    evidence = replace(
        HONEST, audience=frozenset(emails), connections=len(emails),
        arrivals=[arrival(email) for email, (_, taken, _) in history.items() for _ in range(taken)],
        states={email: state for email, (state, _, _) in history.items()},
        message_ids={email: f"<{email}>" for email in emails},
        ever_in_doubt=frozenset(email for email, (_, _, doubt) in history.items() if doubt))
    assert judge(evidence).breaches == ()
    sent = [email for email, (state, _, _) in history.items() if state == "sent"]
    if sent:
        lost = data.draw(st.sampled_from(sent))
        left = [each for each in evidence.arrivals if each.recipient != lost]
        assert judge(replace(evidence, arrivals=left)).missing == (lost,)


# --- The relay and its faults --------------------------------------------------------------------------------


def test_a_seed_brings_the_same_faults_again_and_another_seed_others() -> None:
    def drawn(seed: int) -> list[AttemptFault | None]:
        return [Faults.many(seed).of_attempt(f"reader{number}@x.example", 1) for number in range(200)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_every_fault_befalls_somebody() -> None:
    faults = Faults.many(1)
    befallen = {faults.of_attempt(email, 1) for email in project.addresses(5000)}
    assert befallen == {None, *get_args(AttemptFault)}
    assert {faults.of_connection(number) for number in range(1, 400)} == {None, *get_args(ConnectionFault)}


def test_some_addresses_have_a_fault_of_their_own() -> None:
    faults = Faults.many(1)
    assert {faults.of_attempt("gone7@x.example", attempt) for attempt in range(1, 20)} == {"RCPT 550"}
    assert [faults.of_attempt("later23@x.example", attempt) for attempt in (1, 2, 3)] == ["RCPT 450"] * 3


MAIL = "Message-ID: <1@x.example>\r\nSubject: Bridges\r\n\r\nOpen again.\r\n"
ANSWERS: Mapping[AttemptFault, int] = {
    "RCPT 450": 450, "RCPT 550": 550, "RCPT 421": 421, "DATA 451": 451, "slow": 250, "dot 451": 451, "dot 421": 421,
    "dot 554": 554, "cut in the body": 0, "cut before taking": 0, "cut after taking": 0,
}
"""The last answer that a client gets; 0 where the connection is cut."""


@pytest.mark.parametrize("fault", get_args(AttemptFault))
async def test_the_relay_makes_each_fault_and_logs_it(fault: AttemptFault) -> None:
    log, answer = await met(Faults(addressed={"a": (fault, 1)}), mails=1)
    assert answer == ANSWERS[fault]
    assert [(made.recipient, made.fault) for made in log.faults] == [("a1@x.example", fault)]
    assert log.taken == (fault in ("slow", "cut after taking"))
    assert [each.message_id for each in log.arrivals if each.taken] == ["<1@x.example>"] * log.taken


async def test_without_a_fault_the_relay_takes_each_mail_of_a_connection() -> None:
    log, answer = await met(Faults(), mails=3)
    assert (log.taken, answer, log.faults) == (3, 250, [])


@pytest.mark.parametrize(("fault", "answer"), [
    ("turned away", 421), ("door shut", 250), ("421 after some", 421), ("closed after some", 0), ("MAIL 451", 451),
])
async def test_the_relay_treats_a_whole_connection_badly(fault: ConnectionFault, answer: int) -> None:
    log, last = await met(Faults(connections={fault: 1.0}), mails=51)
    assert last == answer
    assert [made.fault for made in log.faults] == [fault]


@pytest.mark.parametrize(("faults", "offered"), [(Faults(), True), (Faults(connections={"no pipelining": 1.0}), False)])
async def test_most_connections_are_offered_pipelining(faults: Faults, offered: bool) -> None:
    def offers(port: int) -> bool:
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.ehlo()
            return client.has_extn("pipelining")

    async with running(faults) as relay:
        assert await asyncio.to_thread(offers, relay.port) is offered


async def test_while_the_door_is_shut_nobody_is_let_in_and_then_everybody() -> None:
    async with running(Faults()) as relay:
        relay.shut_the_door()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.to_thread(last_answer, relay.port, mails=1)
        await relay.door_open.wait()
        assert await asyncio.to_thread(last_answer, relay.port, mails=1) == 250


@asynccontextmanager
async def running(faults: Faults) -> AsyncIterator[Relay]:
    relay = Relay(faults)
    await relay.open()
    try:
        yield relay
    finally:
        await relay.close()


async def met(faults: Faults, *, mails: int) -> tuple[Log, int]:
    """What a relay logged of a client with so many mails, and the last answer that this one got."""
    async with running(faults) as relay:
        return relay.log, await asyncio.to_thread(last_answer, relay.port, mails=mails)


def last_answer(port: int, *, mails: int) -> int:
    """Sends the mails over one connection, until one is not taken. The last answer's code; 0 if there was none."""
    try:
        with closing(smtplib.SMTP("127.0.0.1", port)) as client:
            client.ehlo()
            return next((code for code in map(mailed, repeat(client, mails)) if code != 250), 250)
    except smtplib.SMTPServerDisconnected:
        return 0
    except smtplib.SMTPResponseException as error:
        return error.smtp_code


def mailed(client: smtplib.SMTP) -> int:
    """The last answer's code."""
    code, _ = client.mail("desk@x.example")
    if code == 250:
        code, _ = client.rcpt("a1@x.example")
    return client.data(MAIL)[0] if code == 250 else code
