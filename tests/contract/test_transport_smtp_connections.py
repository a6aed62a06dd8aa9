"""The SMTP transport and its connections: opened, kept, lost, too many of them, and relays that greet in odd ways."""

import asyncio
import socket
from dataclasses import replace
from functools import partial

import pytest

from newsletter.errors import ConfigError, TryLater
from newsletter.transports.opening import RelayAddress
from newsletter.transports.smtp import SmtpTransport
from tests import relaying
from tests.relaying import PLAIN, heard, leap, letter, send, transport_to, unheard
from tests.smtpd import Manners, Relay, relay

extensions, server = relaying.extensions, relaying.server


async def test_connections_are_kept_and_never_more_than_asked_for(server: Relay) -> None:
    transport = transport_to(server, connections=3)
    messages = [letter(f"r{each}@example.org") for each in range(30)]
    receipts = await asyncio.gather(*(transport.hand_over(message, unheard) for message in messages))
    await transport.close()
    assert [receipt.outcome for receipt in receipts] == ["sent"] * 30
    assert server.connections <= 3
    assert server.commands.count("QUIT") == server.connections


async def test_the_next_message_is_announced_behind_the_one_before_where_the_relay_takes_groups(server: Relay) -> None:
    """MAIL, RCPT and DATA of each come before the one before is answered (RFC 2920); its own bytes do not."""
    transport = transport_to(server, connections=1)

    async def lane(*names: str) -> None:
        for name in names:
            assert (await transport.hand_over(letter(f"{name}@example.org"), unheard)).outcome == "sent"

    assert transport.lanes == 2
    await asyncio.gather(lane("ann", "cyd"), lane("bob"))
    await transport.close()
    assert sorted(server.recipients()) == [f"{each}@example.org" for each in ("ann", "bob", "cyd")]
    assert server.connections == 1
    assert server.ahead == (2 + 1 + 2 + 1 + 2 if "PIPELINING" in server.manners.extensions else 0)


async def test_a_message_goes_on_the_wire_when_the_one_before_is_answered(server: Relay) -> None:
    """So that a sender that is killed leaves one in doubt for each connection."""
    transport = transport_to(server, connections=1)
    wired: list[str] = []
    tasks = [asyncio.create_task(transport.hand_over(letter(f"{each}@example.org"), partial(wired.append, each)))
             for each in ("slow", "ann")]
    await asyncio.to_thread(server.wait_for, "slow@example.org")
    await asyncio.sleep(0.05)
    assert wired == ["slow"]
    server.patience.set()
    assert [(await task).outcome for task in tasks] == ["sent", "sent"]
    assert wired == ["slow", "ann"]
    await transport.close()


@pytest.mark.parametrize(("local", "outcome"), [
    ("droptaken", "in_doubt"), ("drop", "in_doubt"), ("dropbody", "in_doubt"), ("babble", "in_doubt"),
    ("busydot", "deferred"), ("permdot", "refused"), ("permerror", "refused"), ("hangdata", "deferred"),
])
async def test_whatever_becomes_of_a_message_the_one_behind_it_is_sent_once(
    server: Relay, local: str, outcome: str,
) -> None:
    transport = transport_to(server, connections=1)
    first, second = await asyncio.gather(
        *(transport.hand_over(letter(f"{each}@example.org"), unheard) for each in (local, "ann")))
    await transport.close()
    assert (first.outcome, second.outcome) == (outcome, "sent")
    assert server.recipients().count("ann@example.org") == 1


async def test_a_cancelled_message_takes_its_connection_with_it(server: Relay) -> None:
    """Else the next message would be given the answers to the cancelled one."""
    transport = transport_to(server, connections=1)
    task = asyncio.create_task(transport.hand_over(letter("silent@example.org"), unheard))
    await asyncio.to_thread(server.wait_for, "silent@example.org")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (await transport.hand_over(letter("permerror@example.org"), unheard)).outcome == "refused"
    assert (await transport.hand_over(letter("ann@example.org"), unheard)).outcome == "sent"
    assert server.connections == 2
    await transport.close()


# --- Connections that end, are slow, or are too many ---


@pytest.mark.parametrize("manners", [Manners(messages_a_connection=2), Manners(hang_up_after=2)], ids=["421", "mute"])
async def test_a_relay_that_closes_after_some_messages_costs_none(
    extensions: tuple[str, ...], manners: Manners,
) -> None:
    """S3: where it was it goes on, over a new connection."""
    with relay(replace(manners, extensions=extensions)) as server:
        receipts = await send(server, *(f"r{each}@example.org" for each in range(7)))
    assert [receipt.outcome for receipt in receipts] == ["sent"] * 7
    assert server.recipients() == [f"r{each}@example.org" for each in range(7)]
    assert server.connections == 4


async def test_while_one_answer_keeps_us_waiting_the_other_lanes_go_on(server: Relay) -> None:
    """S9: and the slow one is sent once."""
    transport = transport_to(server, connections=2)
    slow = asyncio.create_task(transport.hand_over(letter("slow@example.org"), unheard))
    await asyncio.to_thread(server.wait_for, "slow@example.org")
    others = [await transport.hand_over(letter(f"r{each}@example.org"), unheard) for each in range(10)]
    assert not slow.done()
    server.patience.set()
    assert [receipt.outcome for receipt in (await slow, *others)] == ["sent"] * 11
    await transport.close()
    assert (server.recipients().count("slow@example.org"), server.connections) == (1, 2)


async def test_each_answer_has_its_own_time_whatever_the_one_before_took(server: Relay) -> None:
    """S10: a slow answer to the dot uses up no time of the next message, nor does it lend it any."""
    transport = transport_to(server, connections=1, timeout=100, dot_timeout=600)
    slow = asyncio.create_task(transport.hand_over(letter("slow@example.org"), unheard))
    await asyncio.to_thread(server.wait_for, "slow@example.org")
    leap(500)  # longer than the answers to commands may take
    server.patience.set()
    assert (await slow).outcome == "sent"
    assert (await transport.hand_over(letter("ann@example.org"), unheard)).outcome == "sent"
    drip = asyncio.create_task(transport.hand_over(letter("drip@example.org"), unheard))
    for times in (1, 2):  # a connection that was used before may be an old one, so it is tried on a new one too
        await heard(server, "RCPT TO:<drip@", times)
        leap(110)
    assert (await drip).outcome == "deferred"
    assert (await transport.hand_over(letter("bob@example.org"), unheard)).outcome == "sent"
    await transport.close()


async def test_a_relay_that_wants_fewer_connections_gets_fewer_and_every_message(extensions: tuple[str, ...]) -> None:
    """S19: one is enough, and the others are not failures."""
    with relay(Manners(extensions=extensions, connections=1)) as server:
        transport = transport_to(server, connections=4)
        receipts = [await transport.hand_over(letter("first@example.org"), unheard)]
        messages = [letter(f"r{each}@example.org") for each in range(20)]
        receipts += await asyncio.gather(*(transport.hand_over(message, unheard) for message in messages))
        await transport.close()
    assert [receipt.outcome for receipt in receipts] == ["sent"] * 21
    assert len({each.recipient for each in server.taken}) == len(server.taken) == 21


# --- Relays that cannot be used now ---


@pytest.mark.parametrize("greeting", ["421 4.3.2 come back later", "554 5.7.1 not you", "what"])
async def test_a_relay_that_turns_us_away_is_tried_later(greeting: str) -> None:
    """S1: it is about no message; backing off is the loop's."""
    with relay(Manners(greeting=greeting)) as server:
        transport = transport_to(server)
        with pytest.raises(TryLater, match=r"127\.0\.0\.1:\d+: the relay cannot be used now: .*" + greeting[:3]):
            await transport.hand_over(letter("ann@example.org"), unheard)
        assert server.taken == []


async def test_lanes_that_are_turned_away_together_ask_once(extensions: tuple[str, ...]) -> None:
    """S1: the relay that says 421 is not asked by every lane."""
    with relay(Manners(extensions=extensions, greeting="421 4.3.2 come back later")) as server:
        transport = transport_to(server, connections=8)
        lanes = (transport.hand_over(letter(f"r{each}@example.org"), unheard) for each in range(8))
        errors = await asyncio.gather(*lanes, return_exceptions=True)
        assert {type(error) for error in errors} == {TryLater}
        assert server.connections == 1


async def test_a_relay_that_keeps_us_waiting_for_its_greeting_is_tried_later() -> None:
    """S10: it says nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        transport = SmtpTransport(RelayAddress("127.0.0.1", mute.getsockname()[1], "desk.test", "none"), timeout=0.1)
        with pytest.raises(TryLater, match=r"the relay cannot be used now: .+"):
            await transport.hand_over(letter("ann@example.org"), unheard)


async def test_a_relay_that_drips_its_greeting_is_tried_later() -> None:
    """S10: each letter is no new beginning of the time."""
    with relay(Manners(greeting="")) as server:
        transport = transport_to(server, timeout=0.2)
        with pytest.raises(TryLater, match=r"the relay cannot be used now: .+"):
            await transport.hand_over(letter("ann@example.org"), unheard)


async def test_a_relay_that_is_not_there_is_tried_later_and_used_once_it_is() -> None:
    """S1: it is about no message, and no place for a connection is used up."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    transport = SmtpTransport(RelayAddress("127.0.0.1", port, "desk.test", "none"), connections=2)
    for _ in range(3):
        with pytest.raises(TryLater):
            await transport.hand_over(letter("ann@example.org"), unheard)
    with relay(port=port) as server:
        assert (await transport.hand_over(letter("ann@example.org"), unheard)).outcome == "sent"
        await transport.close()
    assert server.recipients() == ["ann@example.org"]


# --- Relays that greet in odd ways ---


async def test_a_relay_without_esmtp_is_greeted_in_the_old_way() -> None:
    """S20: HELO where EHLO is not known."""
    with relay(Manners(esmtp=False)) as server:
        [receipt] = await send(server, "ann@example.org")
    assert receipt.outcome == "sent"
    assert server.commands[:3] == ["EHLO desk.test", "HELO desk.test", "MAIL FROM:<desk@news.example.org>"]


async def test_a_relay_that_knows_no_greeting_is_tried_later_and_its_words_are_told() -> None:
    """S20: neither EHLO nor HELO."""
    with relay(Manners(esmtp=False, helo_reply="550 5.7.1 go\x00 away")) as server:
        with pytest.raises(TryLater, match=r"cannot be used now: 550 5.7.1 go away"):
            await send(server, "ann@example.org")
        assert server.taken == []


@pytest.mark.parametrize("offer", ["X-NUL\x00\x07", "SIZE", "SIZE 0", "SIZE lots", "", " ", "\udce9", "AUTH=PLAIN"])
async def test_odd_lines_among_what_a_relay_offers_do_no_harm(extensions: tuple[str, ...], offer: str) -> None:
    """S20: control characters, empty lines, parameters that are no numbers."""
    with relay(Manners(extensions=(offer, *extensions[1:], offer))) as server:
        [receipt] = await send(server, "ann@example.org")
    assert receipt.outcome == "sent"


async def test_a_relay_may_offer_very_much(extensions: tuple[str, ...]) -> None:
    """S20: 500 lines."""
    many = tuple(f"X-OFFER-{number}" for number in range(500))
    with relay(Manners(extensions=(*many, *extensions))) as server:
        await send(server, "ann@example.org")
    assert server.taken[0].options.startswith("SIZE=")


@pytest.mark.parametrize("offers", [("X" * 9000,), ("X-OFFER",) * 9000], ids=["one line", "many lines"])
async def test_an_offer_without_an_end_is_not_read_to_the_end(offers: tuple[str, ...]) -> None:
    """S20: a relay cannot fill the memory."""
    with relay(Manners(extensions=offers)) as server, pytest.raises(TryLater, match="too long"):
        await send(server, "ann@example.org")


@pytest.mark.parametrize("settings", [
    {"local_hostname": "büro.test"}, {"local_hostname": "desk test"}, {"local_hostname": ""},
    {"local_hostname": "a\r\nMAIL FROM:<x@y>"},
])
async def test_a_name_that_cannot_go_on_the_wire_is_a_matter_of_configuration(settings: dict[str, str]) -> None:
    """S21: nothing that stands in newsletter.toml can be a command of its own."""
    with relay(Manners(extensions=PLAIN)) as server:
        with pytest.raises(ConfigError, match="host or local_hostname cannot be used"):
            await send(server, "ann@example.org", **settings)
        assert server.commands == []


async def test_a_host_that_cannot_be_a_name_is_a_matter_of_configuration() -> None:
    """S21: a label of more than 63 characters."""
    transport = SmtpTransport(RelayAddress("x" * 64 + ".example.org", 25, "desk.test", "none"), timeout=5)
    with pytest.raises(ConfigError, match="host or local_hostname cannot be used"):
        await transport.hand_over(letter("ann@example.org"), unheard)
