"""One run: an issue is sent by a process that is killed at random moments and started again until it is done."""

import asyncio
import contextlib
import json
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from chaos import project
from chaos.faults import AMBIGUOUS, Faults
from chaos.judge import Evidence, Policy
from chaos.relay import CARE, Log, Relay

LONGEST = 300.0
"""Seconds after which a run counts as one that does not end."""
STARTING = 1.5
"""A sender that is killed while it starts is killed within so many seconds."""
BREATH = 0.1
"""Seconds between two senders if some rows still wait."""
WAITING = 75
"""The exit code of a sender that is to be started again."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The parameters of a run. Runs with equal plans are the same, as far as two concurrent processes can be."""

    seed: int
    policy: Policy
    faults: Faults
    recipients: int
    kills: int = 5
    """How many kills have to meet a sender with open connections. Further ones meet a sender that is starting."""
    connections: int = 10
    care: float = CARE
    """Seconds until the relay answers a message."""
    sender: tuple[str, ...] = ("chaos.sender",)
    """The module that sends, and its first arguments."""


def run(plan: Plan, prepared: Path, folder: Path) -> Evidence:
    """Sends the issue of a prepared project in `folder`, a copy of it, and writes the relay's log there too."""
    shutil.copytree(prepared, folder)
    chaos = _Chaos(plan, folder)
    with contextlib.suppress(TimeoutError):
        asyncio.run(chaos.until_done())
    _write(chaos.relay.log, folder / "relay.jsonl")
    return _evidence(plan, chaos, folder)


@dataclass(frozen=True, slots=True)
class _Moment:
    """The moment of a kill."""

    taken: int
    """How many messages the relay must have accepted in all."""
    more: int
    """How many messages it must have accepted since this sender started."""
    pause: float
    """Seconds to wait after that."""


class _Chaos:
    """A relay, and one sender after another."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan, self._folder = plan, folder
        self.relay = Relay(plan.faults, care=plan.care)
        self.kills = 0
        """How many kills met a sender with open connections."""
        self.exits: list[int] = []
        """Exit codes of the senders that were not killed."""

    async def until_done(self) -> None:
        """Kills and restarts senders until the issue is sent. Raises TimeoutError if that takes too long."""
        await self.relay.open()
        try:
            async with asyncio.timeout(LONGEST):
                for moment in _moments(self._plan):
                    await self._kill_at(moment)
                while not self._over():
                    async with self._sender() as sender:
                        self.exits.append(await sender.wait())
                    await asyncio.sleep(BREATH)
        finally:
            await self.relay.close()

    def _over(self) -> bool:
        return bool(self.exits) and self.exits[-1] != WAITING

    async def _kill_at(self, moment: _Moment) -> None:
        """Lets a sender run until that moment, and kills it. If the kill must meet a working sender and did not, it is
        repeated with the next sender."""
        while not self._over():
            async with self._sender() as sender:
                if await self._ends_before(sender, moment):
                    self.exits.append(await sender.wait())
                    continue
                at_work = bool(self.relay.sessions)
            self.kills += at_work
            if at_work or not moment.more:
                return

    async def _ends_before(self, sender: asyncio.subprocess.Process, moment: _Moment) -> bool:
        """Waits for the moment. Returns whether the sender was done by then."""
        ended = asyncio.ensure_future(sender.wait())
        come = asyncio.ensure_future(self._comes(moment))
        await asyncio.wait((ended, come), return_when=asyncio.FIRST_COMPLETED)
        come.cancel()
        return ended.done()

    async def _comes(self, moment: _Moment) -> None:
        await self.relay.has_taken(max(moment.taken, self.relay.log.taken + moment.more))
        await asyncio.sleep(moment.pause)

    @asynccontextmanager
    async def _sender(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """A sender that has just been started; one that is still alive afterwards is killed with SIGKILL."""
        settings = [("DELIVERY__IN_DOUBT", self._plan.policy), ("RELAY__MAIN__PORT", str(self.relay.port)),
                    ("RELAY__MAIN__CONNECTIONS", str(self._plan.connections))]
        with (self._folder / "sender.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", *self._plan.sender, "send", "latest", cwd=self._folder,
                env=project.environment(settings), stdout=log, stderr=log,
            )
        try:
            yield process
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await process.wait()


def _moments(plan: Plan) -> Iterator[_Moment]:
    """The moments of kills, spread over the send; before about every third, one that meets a sender as it starts."""
    random = Random(f"{plan.seed} kills")  # noqa: S311  # moments, no secrets
    for taken in sorted(random.sample(range(1, plan.recipients * 3 // 5), plan.kills)):
        if random.random() < 1 / 3:
            yield _Moment(taken=0, more=0, pause=STARTING * random.random())
        yield _Moment(taken, more=random.randint(1, 20), pause=0.01 * random.random())


def _write(log: Log, path: Path) -> None:
    """Writes the log as JSON Lines, to find the cause of a breach."""
    lines = sorted([*map(asdict, log.arrivals), *map(asdict, log.faults)], key=lambda line: float(line["at"]))
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")


def _evidence(plan: Plan, chaos: _Chaos, folder: Path) -> Evidence:
    status: dict[str, Any] = json.loads(project.newsletter(folder, "status", "latest", "--json"))["data"]
    ledger, log = _deliveries(folder), chaos.relay.log
    return Evidence(
        audience=frozenset(project.addresses(plan.recipients)), policy=plan.policy, kills_wanted=plan.kills,
        connections=plan.connections, arrivals=log.arrivals,
        ambiguous=sum(each.fault in AMBIGUOUS for each in log.faults), kills=chaos.kills,
        states={row["email"]: row["state"] for row in ledger},
        message_ids={row["email"]: row["message_id"] for row in ledger},
        ever_in_doubt=frozenset(row["email"] for row in _deliveries(folder, "--ever-in-doubt")),
        finished=status["state"] == "finished" and status["adds_up"] is True, exits=chaos.exits,
    )


def _deliveries(folder: Path, *options: str) -> list[dict[str, str]]:
    """The rows of the ledger, or of the part that the options select."""
    lines = project.newsletter(folder, "deliveries", "latest", "--json", *options).splitlines()
    return [json.loads(line) for line in lines]
