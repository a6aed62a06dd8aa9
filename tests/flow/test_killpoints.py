"""A send that is killed at every single step, and one whose disk fails at every single step.

strace ends the process right before the N-th call of one kind, or makes that call and all later ones fail. Then the
send is run once more, from the same folder, under both policies; and the server's log says who got how many. What the
program says of itself counts as far as it names who is in doubt.

The whole walk has some 400 points and takes ten minutes on two busy cores. The quick ring tries a few of each kind of
call, other ones each time (in CI always the same): over some runs all are tried. All at once, with figures for each:

    scripts/test --thorough tests/flow/test_killpoints.py -rP
"""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, islice
from pathlib import Path

import pytest

from bench.project import SetClock, relay_table
from newsletter.app import issues
from newsletter.errors import TryLater
from tests.flow.desk import TOPICS, Desk
from tests.smtpd import Manners, relay

AT_A_TIME = 2
FEW, EVERY = 40, 1
"""Strides: of so many calls of a kind one is met."""

POLICIES = ("resend", "hold")

READERS = frozenset(f"reader{number}@example.org" for number in range(12))

CALLS = tuple(f"?{call}" for call in (
    "sendto", "sendmsg", "sendmmsg", "sendfile", "recvfrom", "recvmsg", "write", "writev", "pwrite64", "pwritev",
    "pwritev2", "fsync", "fdatasync", "sync_file_range", "msync", "fallocate", "ftruncate", "truncate", "rename",
    "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat",
))
"""With which a send may say or hear something, or leave something behind. `read` is none: every file is read by it.
The question mark: not every kind of processor has all of them."""

START = "from newsletter.cli import main; main()"
WITHOUT_UVLOOP = "import sys; sys.modules['uvloop'] = None; "

DISK_FAULTS = [(call, error) for call in ("pwrite64", "fdatasync") for error in ("ENOSPC", "EIO")]

pytestmark = pytest.mark.timeout(1800)  # of every call

_chance = random.Random(0 if "CI" in os.environ else None)


@dataclass(frozen=True, slots=True)
class Way:
    """How the mails go to the relay."""

    connections: int
    extensions: tuple[str, ...]
    uvloop: bool


WAYS = {
    "one connection": Way(1, ("SIZE 10000000", "ENHANCEDSTATUSCODES"), uvloop=False),
    "three connections, pipelined, on uvloop": Way(
        3, ("PIPELINING", "SIZE 10000000", "ENHANCEDSTATUSCODES"), uvloop=True,
    ),
}


@dataclass(frozen=True, slots=True)
class Survey:
    """What a send does to which nothing happens."""

    calls: Mapping[str, tuple[str, ...]]
    """By name, what strace tells of those of the thread that makes the most: strace counts for each thread."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A send that did not come to its end, or did after all."""

    folder: Path
    way: Way
    code: int
    said: str
    taken: Counter[str]
    """How many mails the relay took, by reader."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an issue for twelve readers. Without strace it is skipped at home, and fails in CI."""
    if reason := _no_strace():
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    root = tmp_path_factory.mktemp("project")
    desk = _desk(root)
    desk.configure()
    (root / "topics.toml").write_text(TOPICS, "utf-8")
    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    desk.story("chatbots", "Chatbots must say that they are machines", ["ai"], date=yesterday)
    desk.story("steel", "Steel tariffs are halved", ["trade"], date=yesterday)
    for number, reader in enumerate(sorted(READERS)):
        desk.reader(reader, ("ai", "trade", "ai; trade")[number % 3])
    desk.prepare()
    return root


@pytest.fixture(scope="module")
def way(request: pytest.FixtureRequest) -> Way:
    return WAYS[request.param]


@pytest.fixture(scope="module")
def survey(project: Path, way: Way, tmp_path_factory: pytest.TempPathFactory) -> Survey:
    """Raises AssertionError unless a send under strace sends."""
    folder = tmp_path_factory.mktemp("survey")
    log = folder / "log"
    sent = broken(project, folder / "sent", way, "-o", str(log), "-e", f"trace={','.join(CALLS)}")
    assert (sent.code, sent.taken) == (0, Counter(READERS)), sent.said
    made: dict[tuple[str, str], list[str]] = {}
    for thread, call, rest in re.findall(r"^(\d+) +(\w+)(\(.*)$", log.read_text("utf-8", "replace"), re.MULTILINE):
        made.setdefault((thread, call), []).append(rest)
    most: dict[str, tuple[str, ...]] = {}
    for (_, call), lines in made.items():
        most[call] = max(most.get(call, ()), tuple(lines), key=len)
    assert most.keys() >= {"write", *(call for call, _ in DISK_FAULTS)}
    return Survey(most)


in_full = partial(pytest.param, marks=pytest.mark.thorough)
few_or_every = pytest.mark.parametrize("stride", [FEW, in_full(EVERY)], ids=["few", "every"])
every_way = pytest.mark.parametrize("way", WAYS, indirect=True, scope="module")
one_connection = pytest.mark.parametrize("way", ["one connection"], indirect=True, scope="module")


@every_way
@few_or_every
def test_killed_at_any_step_a_send_goes_on_and_loses_nobody_and_doubles_only_whom_it_names(
    stride: int, project: Path, way: Way, survey: Survey, tmp_path: Path,
) -> None:
    """P2: before each of its system calls."""
    def faults_of(call: str, number: int) -> tuple[bool, list[str]]:
        ended = killed(project, tmp_path / f"{call} {number}", way, call, number)
        assert ended.code in (0, -signal.SIGKILL), ended.said
        return ended.code == 0, [f"killed at {call} {number}, {fault}" for fault in faults(ended)]

    found = [fault for call in survey.calls for fault in walk(call, points(call, survey, stride), faults_of)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("way", "call", "error", "stride"), [
    ("one connection", "fdatasync", "ENOSPC", FEW), ("three connections, pipelined, on uvloop", "pwrite64", "EIO", FEW),
    *(in_full(way, call, error, EVERY) for way in WAYS for call, error in DISK_FAULTS),
], indirect=["way"], scope="module")
def test_a_disk_that_fails_stops_the_send_with_nothing_sent_unclaimed_and_then_it_goes_on(
    call: str, error: str, stride: int, project: Path, way: Way, survey: Survey, tmp_path: Path,
) -> None:
    def faults_of(call: str, number: int) -> tuple[bool, list[str]]:
        ended = broken(project, tmp_path / f"{call} {number}", way, *_inject(call, f"error={error}:when={number}+"))
        found = [*words_amiss(ended), *unclaimed(ended), *faults(ended)]
        return ended.code == 0, [f"{error} from {call} {number} on, {fault}" for fault in found]

    found = walk(call, points(call, survey, stride), faults_of)
    assert not found, "\n".join(found)


@one_connection
def test_killed_before_the_message_leaves_nobody_got_anything(
    project: Path, way: Way, survey: Survey, tmp_path: Path,
) -> None:
    ended = killed(project, tmp_path / "killed", way, "write", _first_note(survey, ">"))
    assert not ended.taken
    assert not ever_in_doubt(_again(ended, "hold")[0])
    assert not faults(ended)


@one_connection
def test_killed_before_its_answer_is_noted_that_one_mail_is_in_doubt_and_sent_twice_only_with_resend(
    project: Path, way: Way, survey: Survey, tmp_path: Path,
) -> None:
    ended = killed(project, tmp_path / "killed", way, "write", _first_note(survey, "<"))
    (reader,) = ended.taken
    held, taken = _again(ended, "hold")
    assert (ever_in_doubt(held), taken) == ({reader}, Counter(READERS))
    resent, taken = _again(ended, "resend")
    assert (ever_in_doubt(resent), taken) == ({reader}, Counter([*READERS, reader]))


@one_connection
@pytest.mark.parametrize("sign", [">", "<"])
def test_a_journal_that_cannot_be_written_stops_the_send_too(
    sign: str, project: Path, way: Way, survey: Survey, tmp_path: Path,
) -> None:
    number = _first_note(survey, sign)
    ended = broken(project, tmp_path / "broken", way, *_inject("write", f"error=ENOSPC:when={number}"))
    assert ended.code == TryLater.exit_code
    assert sum(ended.taken.values()) == (1 if sign == "<" else 0)
    assert not [*words_amiss(ended), *unclaimed(ended), *faults(ended)]


# --- The walk ---


def points(call: str, survey: Survey, stride: int) -> Iterable[int]:
    """Which calls of a kind are met; without a stride, all until the send makes no more."""
    made = len(survey.calls[call])
    return count(1) if stride == EVERY else range(_chance.randint(1, min(stride, made)), made + 1, stride)


def walk(call: str, numbers: Iterable[int], faults_of: Callable[[str, int], tuple[bool, list[str]]]) -> list[str]:
    """Tries points until the send comes to its end all the same; what was found wrong."""
    walked, found, left = 0, list[str](), iter(numbers)
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        while some := list(islice(left, AT_A_TIME)):
            tried = list(pool.map(partial(faults_of, call), some))
            found += [fault for _, each in tried for fault in each]
            walked += sum(not survived for survived, _ in tried)
            if any(survived for survived, _ in tried):
                break
    print(f"{call}: {walked} points, {len(found)} faults")
    return found


def killed(project: Path, folder: Path, way: Way, call: str, number: int) -> Broken:
    return broken(project, folder, way, *_inject(call, f"signal=SIGKILL:when={number}"))


def broken(project: Path, folder: Path, way: Way, *options: str) -> Broken:
    """Sends a copy of the project's issue under strace."""
    shutil.copytree(project, folder)
    python = (sys.executable, "-B", "-c", START if way.uvloop else WITHOUT_UVLOOP + START, "send", "latest")
    with _relayed(_desk(folder), way, "resend") as taken:
        ended = subprocess.run(
            ["strace", "-f", "-qq", *options, *python], cwd=folder, capture_output=True, text=True, timeout=120,
        )
    return Broken(folder, way, ended.returncode, ended.stderr, taken)


# --- The judge ---


def faults(ended: Broken) -> list[str]:
    """What is wrong once the send was run again, under either policy."""
    found = []
    for policy in POLICIES:
        desk, taken = _again(ended, policy)
        doubted, states = ever_in_doubt(desk), Counter(_states(desk).values())
        resent = policy == "resend"
        wrong = {
            "got none": READERS - taken.keys() - (frozenset() if resent else doubted),
            "got two": {reader for reader, mails in taken.items() if mails > 1} - (doubted if resent else frozenset()),
            "got more than two": {reader for reader, mails in taken.items() if mails > 2},
            "is a stranger": taken.keys() - READERS,
        }
        found += [f"{policy}: {reader} {what}" for what, readers in wrong.items() for reader in sorted(readers)]
        if len(doubted) > ended.way.connections:
            found.append(f"{policy}: {len(doubted)} in doubt over {ended.way.connections} connections")
        if states != Counter(sent=len(READERS) - states["in_doubt"], in_doubt=states["in_doubt"]) + Counter():
            found.append(f"{policy}: left as {dict(states)}")
        shutil.rmtree(desk.root)
    return found


def words_amiss(ended: Broken) -> list[str]:
    """What is wrong with what a stopped send said."""
    if ended.code == 0:
        return []
    found = [] if ended.code == TryLater.exit_code else [f"it left with {ended.code}"]
    is_clear = re.search(r"newsletter: .*\b(written|full).*\n +→ .*\b(disk|space)\b", ended.said)
    if "Traceback" in ended.said or not is_clear:
        found.append(f"it said {ended.said}")
    return found


def unclaimed(ended: Broken) -> list[str]:
    """Who got a mail that the ledger, as it was left, knows nothing of."""
    states = _states(_desk(ended.folder))
    return [f"{reader} got a mail and is {states[reader]}" for reader in sorted(ended.taken)
            if states[reader] not in ("claimed", "sent", "in_doubt")]


def ever_in_doubt(desk: Desk) -> set[str]:
    with desk.app() as app:
        rows = app.store.outbox.deliveries(issues.find(app, "latest").id, ever_in_doubt=True)
        return {row.subscriber.email for row in rows}


def _again(ended: Broken, policy: str) -> tuple[Desk, Counter[str]]:
    """Goes on with a copy of what was left; how many mails the relay has taken of both sends, by reader."""
    folder = ended.folder.with_name(f"{ended.folder.name} {policy}")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ended.folder, folder)
    desk = _desk(folder)
    with _relayed(desk, ended.way, policy) as taken:
        desk.send()
    return desk, ended.taken + taken


def _states(desk: Desk) -> dict[str, str]:
    with desk.app() as app:
        rows = app.store.outbox.deliveries(issues.find(app, "latest").id)
        return {row.subscriber.email: row.state for row in rows}


# --- The pieces ---


def _desk(folder: Path) -> Desk:
    return Desk(folder, SetClock(datetime.now(UTC)))


@contextmanager
def _relayed(desk: Desk, way: Way, policy: str) -> Iterator[Counter[str]]:
    """A relay for the desk's mails. The counter is filled at the end, when the relay has read all."""
    taken: Counter[str] = Counter()
    with relay(Manners(extensions=way.extensions)) as server:
        desk.configure(
            transport="smtp", delivery=f'in_doubt = "{policy}"\nwindow = 5',
            relay=relay_table(server.port, connections=way.connections),
        )
        yield taken
    taken.update(server.recipients())


def _inject(call: str, what: str) -> tuple[str, ...]:
    return "-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={call}:{what}"


def _first_note(survey: Survey, sign: str) -> int:
    """Which `write` tells the journal that the first mail is on the wire (>) or answered (<)."""
    return next(number for number, rest in enumerate(survey.calls["write"], 1) if f'"{sign} ' in rest)


def _no_strace() -> str:
    """Why nothing can be traced here; empty if it can."""
    if not shutil.which("strace"):
        return "no strace: apt-get install --no-install-recommends strace"
    tried = subprocess.run(["strace", "-f", "-qq", "-e", "trace=fsync", "true"], capture_output=True)
    return f"strace may not trace here: {tried.stderr.decode()}" if tried.returncode else ""
