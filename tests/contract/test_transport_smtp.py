"""The SMTP transport against a real server that misbehaves: what each answer means, and how the next message fares.

One contract over both ways of talking: commands in a group (PIPELINING), and one by one. S1 to S21 are the faults that
the project expects of a relay; the files beside this one have those of connections, of what a relay offers, and of TLS
and logins. What comes of a receipt (a retry, a pause, the end of an issue) is the delivering loop's.
"""

import asyncio
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.model import Receipt
from tests import relaying
from tests.relaying import heard, leap, letter, send, transport_to, unheard
from tests.smtpd import Manners, Relay, relay

extensions, server = relaying.extensions, relaying.server


async def answer_to(server: Relay, local: str) -> Receipt:
    """What became of a message to a recipient of that fault; the next one gets through, whatever it was."""
    first, second = await send(server, f"{local}@example.org", "next@example.org")
    assert first.reply
    assert second.outcome == "sent"
    assert server.recipients().count("next@example.org") == 1
    return first


def gist(receipt: Receipt) -> tuple[str, int, str]:
    return receipt.outcome, receipt.code, receipt.enhanced


# --- What an answer means ---


@pytest.mark.parametrize("local", ["temperror", "tempdata", "tempdot"])
async def test_a_temporary_no_at_any_step_is_a_deferral(server: Relay, local: str) -> None:
    """S2: to RCPT, to DATA and to the dot it says that the message was not taken."""
    assert gist(await answer_to(server, local)) == ("deferred", 451, "4.3.0")
    assert server.recipients() == ["next@example.org"]


@pytest.mark.parametrize(("local", "code"), [("busy", 421), ("busydot", 421), ("hangup", 0), ("hangdata", 0)])
async def test_a_relay_that_closes_before_it_has_answered_for_the_message_has_not_taken_it(
    server: Relay, local: str, code: int,
) -> None:
    """S3: with 421 or without a word; the next message goes over a new connection."""
    receipt = await answer_to(server, local)
    assert (receipt.outcome, receipt.code) == ("deferred", code)
    assert (server.recipients(), server.connections) == (["next@example.org"], 2)


async def test_a_recipient_that_is_refused_is_refused_alone(server: Relay) -> None:
    """S4: one permanent no, and the connection serves the others."""
    receipts = await send(server, "ann@example.org", "permerror@example.org", "bob@example.org")
    assert [gist(receipt) for receipt in receipts] == [
        ("sent", 250, "2.0.0"), ("refused", 550, "5.1.1"), ("sent", 250, "2.0.0")]
    assert server.recipients() == ["ann@example.org", "bob@example.org"]
    assert (server.connections, server.commands.count("RSET")) == (1, 1)


@pytest.mark.parametrize(("local", "enhanced"), [("permdata", "5.3.0"), ("permdot", "5.6.0")])
async def test_a_permanent_no_to_the_message_is_a_refusal_with_the_relays_code(
    server: Relay, local: str, enhanced: str,
) -> None:
    """S5: the code says whether it is about the content."""
    assert gist(await answer_to(server, local)) == ("refused", 554, enhanced)


async def test_a_connection_lost_in_the_message_leaves_it_in_doubt(server: Relay) -> None:
    """S6: nobody can tell it from one that was lost after the dot."""
    assert gist(await answer_to(server, "dropbody")) == ("in_doubt", 0, "")


@pytest.mark.parametrize(("local", "taken"), [("drop", 0), ("droptaken", 1)])
async def test_a_connection_lost_after_the_dot_leaves_the_message_in_doubt(
    server: Relay, local: str, taken: int,
) -> None:
    """S7: whether the relay has taken it or not, and it is not sent again by the transport."""
    assert gist(await answer_to(server, local)) == ("in_doubt", 0, "")
    assert server.recipients().count(f"{local}@example.org") == taken


@pytest.mark.parametrize(("local", "size"), [("silent", 300), ("dripdot", 300), ("deaf", 8_000_000)])
async def test_no_whole_answer_to_the_dot_within_the_time_leaves_the_message_in_doubt(
    server: Relay, local: str, size: int,
) -> None:
    """S8 and S10: the time for it is its own, and a relay that reads nothing has no more of it. Some of the message has
    left, so nobody can tell."""
    transport, begun = transport_to(server, timeout=20, dot_timeout=600), asyncio.Event()
    waiting = asyncio.create_task(transport.hand_over(letter(f"{local}@example.org", size=size), begun.set))
    await begun.wait()
    leap(590)
    await asyncio.sleep(0.05)  # some letters drip
    assert not waiting.done()
    leap(20)
    assert (await waiting).outcome == "in_doubt"
    assert (await transport.hand_over(letter("ann@example.org"), unheard)).outcome == "sent"
    await transport.close()


async def test_a_relay_that_drips_its_answers_holds_a_message_no_longer_than_the_time(server: Relay) -> None:
    """S10: the message had not begun, so it is definitely not sent."""
    transport = transport_to(server, timeout=200)
    waiting = asyncio.create_task(transport.hand_over(letter("drip@example.org"), unheard))
    await heard(server, "RCPT TO:<drip@")
    leap(150)
    await asyncio.sleep(0.05)  # some letters drip
    assert not waiting.done()
    leap(100)
    receipt = await waiting
    assert (receipt.outcome, receipt.code) == ("deferred", 0)
    assert (await transport.hand_over(letter("ann@example.org"), unheard)).outcome == "sent"
    await transport.close()


async def test_commands_go_in_one_group_to_a_relay_that_offers_pipelining_and_one_by_one_to_others(
    server: Relay,
) -> None:
    """S14: of MAIL, RCPT and DATA, two come before the first is answered, or none."""
    await send(server, "ann@example.org", "bob@example.org", "permerror@example.org", "cyd@example.org")
    assert server.recipients() == ["ann@example.org", "bob@example.org", "cyd@example.org"]
    assert server.ahead == (8 if "PIPELINING" in server.manners.extensions else 0)


@pytest.mark.parametrize("enhanced", ["4.7.1", "4.7.28"])
async def test_a_relay_that_wants_less_at_a_time_says_so_in_the_receipt(
    extensions: tuple[str, ...], enhanced: str,
) -> None:
    """S18: nothing is lost and the connection is kept; slowing down is the loop's."""
    with relay(Manners(extensions=extensions, mail_reply=f"451 {enhanced} slow down")) as server:
        receipts = await send(server, "ann@example.org", "bob@example.org")
    assert [gist(receipt) for receipt in receipts] == [("deferred", 451, enhanced)] * 2
    assert server.connections == 1


@pytest.mark.parametrize(("local", "expected"), [
    ("odd", ("sent", 299, "")), ("twice", ("sent", 250, "2.0.0")), ("wordless", ("sent", 250, "")),
    ("babble", ("in_doubt", 0, "")), ("outofrange", ("in_doubt", 654, "")),
])
async def test_an_odd_answer_is_read_as_what_it_must_mean(
    server: Relay, local: str, expected: tuple[str, int, str],
) -> None:
    """S20: what is no answer at all leaves the message in doubt."""
    first, second = await send(server, f"{local}@example.org", "next@example.org")
    assert gist(first) == expected
    assert second.outcome == "sent"


async def test_a_relays_words_are_stored_clean_and_short(server: Relay) -> None:
    """S20: NUL, escape sequences and 2,000 characters over several lines."""
    [receipt] = await send(server, "noisy@example.org")
    assert receipt.outcome == "sent"
    assert receipt.reply.isprintable()
    assert receipt.reply.startswith("2.0.0 queued")
    assert len(receipt.reply) == 500


# --- Nothing goes to whom it must not ---


@pytest.mark.parametrize(("reply", "outcome"), [
    ("451 4.3.0 later", "deferred"), ("550 5.7.1 not you", "refused"),
    ("354 what", "deferred"), ("199 what", "deferred"),
])
@pytest.mark.parametrize("lax", [False, True])
async def test_a_refused_sender_sends_nothing_to_anybody(
    extensions: tuple[str, ...], reply: str, outcome: str, lax: bool,
) -> None:
    """S2, S4: not even an empty message, to a relay that goes on although it has refused."""
    with relay(Manners(extensions=extensions, mail_reply=reply, lax=lax)) as server:
        receipts = await send(server, "ann@example.org", "bob@example.org")
    assert [receipt.outcome for receipt in receipts] == [outcome] * 2
    assert server.taken == []
    assert server.to_nobody == []


async def test_a_relay_that_wants_a_message_for_nobody_gets_an_empty_one_and_the_connection_is_kept(
    extensions: tuple[str, ...],
) -> None:
    """S4: 354 although every recipient was refused (RFC 2920, section 3.1)."""
    with relay(Manners(extensions=extensions, lax=True)) as server:
        first, second = await send(server, "permerror@example.org", "ann@example.org")
    assert (first.outcome, first.enhanced, second.outcome) == ("refused", "5.1.1", "sent")
    assert server.to_nobody == ([b""] if "PIPELINING" in extensions else [])
    assert server.recipients() == ["ann@example.org"]
    assert server.connections == 1


@pytest.mark.parametrize("recipient", [
    "", "no-at", "a@x, b@x", "a@x>\r\nRCPT TO:<evil@x", "a b@example.org", "a@x\x00", "a@b@c", "\ud800@example.org",
])
async def test_what_is_no_address_is_refused_before_the_relay_hears_of_it(server: Relay, recipient: str) -> None:
    [receipt] = await send(server, recipient)
    assert receipt.outcome == "refused"
    assert server.commands == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(recipient=st.text(max_size=20) | st.tuples(*[st.text(min_size=1, max_size=6)] * 2).map("@".join))
async def test_any_text_for_an_address_is_answered_and_makes_no_command_of_its_own(
    server: Relay, recipient: str,
) -> None:
    """S21: on the envelope."""
    before = len(server.commands)
    await send(server, recipient)
    verbs = [command.partition(" ")[0] for command in server.commands[before:]]
    assert verbs in ([], ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"], ["EHLO", "QUIT"])


# --- What goes on the wire ---


@pytest.mark.parametrize(("local", "times"), [
    ("ann", 1), ("tempdot", 1), ("dropbody", 1), ("droptaken", 1),
    ("permerror", 0), ("temperror", 0), ("hangup", 0), ("hangdata", 0), ("permdata", 0), ("no one", 0),
])
async def test_it_is_said_that_a_message_goes_on_the_wire_if_it_does_and_only_then(
    server: Relay, local: str, times: int,
) -> None:
    said: list[list[str]] = []
    transport = transport_to(server)
    await transport.hand_over(letter(f"{local}@example.org"), lambda: said.append(list(server.commands)))
    await transport.close()
    assert [commands[-1] for commands in said] == ["DATA"] * times


async def test_a_message_that_needed_a_second_connection_goes_on_the_wire_once(extensions: tuple[str, ...]) -> None:
    """S3: the first is gone before the message, and nothing was said of it."""
    said: list[list[str]] = []
    with relay(Manners(extensions=extensions, hang_up_after=1)) as server:
        transport = transport_to(server)
        for name in ("ann", "bob"):
            await transport.hand_over(letter(f"{name}@example.org"), lambda: said.append(server.recipients()[-1:]))
        await transport.close()
    assert (server.connections, said) == (2, [[], ["ann@example.org"]])


async def test_where_it_cannot_be_noted_that_a_message_goes_on_the_wire_it_does_not(server: Relay) -> None:
    """The relay has said 354 and waits: the connection is cut, and the next message has a new one."""
    def full() -> None:
        raise OSError("no space left")

    transport = transport_to(server, connections=1)
    with pytest.raises(OSError, match="no space left"):
        await transport.hand_over(letter("ann@example.org"), full)
    assert (await transport.hand_over(letter("bob@example.org"), unheard)).outcome == "sent"
    await transport.close()
    assert (server.recipients(), server.connections) == (["bob@example.org"], 2)


FAULTS = (
    "temperror", "permerror", "busy", "hangup", "tempdata", "permdata", "hangdata", "tempdot", "permdot", "busydot",
    "dropbody", "drop", "droptaken", "babble", "odd", "twice", "noisy",
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(locals_=st.lists(st.sampled_from(FAULTS) | st.just("ann"), max_size=12), connections=st.integers(1, 3))
async def test_whatever_goes_wrong_a_receipt_is_never_a_lie(
    extensions: tuple[str, ...], locals_: list[str], connections: int,
) -> None:
    """S2 to S7: what is sent was taken once, what is deferred or refused was never taken, and what did not go on the
    wire is neither sent nor in doubt: the server's own list is the judge."""
    people = [f"{local}@n{number}.example.org" for number, local in enumerate(locals_)]
    wired: list[str] = []
    with relay(Manners(extensions=extensions)) as server:
        transport = transport_to(server, connections=connections)
        receipts = await asyncio.gather(
            *(transport.hand_over(letter(each), partial(wired.append, each)) for each in people))
        await transport.close()
    for person, receipt in zip(people, receipts, strict=True):
        times = server.recipients().count(person)
        assert times <= 1 if receipt.outcome == "in_doubt" else times == (receipt.outcome == "sent"), person
        assert wired.count(person) <= 1
        assert person in wired or receipt.outcome in ("deferred", "refused")


async def test_faults_mean_the_same_in_groups_and_one_by_one(server: Relay) -> None:
    """S14: those of which a relay leaves no doubt, one after the other on one transport."""
    people = ["temperror", "permerror", "busy", "hangup", "tempdata", "permdata", "hangdata", "tempdot", "permdot"]
    receipts = await send(server, *(f"{each}@example.org" for each in people))
    assert [receipt.outcome for receipt in receipts] == [
        "deferred", "refused", "deferred", "deferred", "deferred", "refused", "deferred", "deferred", "refused"]
    assert server.taken == []
