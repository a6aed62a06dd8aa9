"""No mail lost, none sent twice: sends issues through a relay with faults, and kills the sender again and again.

Prints a line for each run, and a table of the worst results at the end. The exit code is 1 if a promise was broken; the
lines show in which runs. The same seed brings the same faults and moments again. The folders of broken runs are kept.
"""

import shutil
import sys
import tempfile
from argparse import ArgumentParser, BooleanOptionalAction, RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import get_args

from bench.report import Row, progress, show
from chaos import project
from chaos.faults import Faults
from chaos.judge import Evidence, Finding, Policy, judge
from chaos.run import Plan, run


def main(arguments_given: Sequence[str] | None = None) -> int:
    """Runs the plans that the options choose, and returns the exit code: 1 if a promise was broken."""
    parser = ArgumentParser("chaos", description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20, help="number of seeds, from 1 on (20)")
    parser.add_argument("--seed", type=int, help="a single seed instead")
    parser.add_argument("--policy", choices=get_args(Policy), help="policy for mail in doubt (both)")
    parser.add_argument("--faults", action=BooleanOptionalAction, help="whether the relay has faults (both)")
    parser.add_argument("--recipients", type=int, default=5000, help="recipients of the issue (5000)")
    parser.add_argument("--kills", type=int, default=5, help="kills of a sender with open connections (5)")
    parser.add_argument("--connections", type=int, default=10, help="connections of the sender (10)")
    parser.add_argument("--json", action="store_true", help="the table as JSON, one object a row")
    chosen = parser.parse_args(arguments_given)
    seeds = range(1, chosen.seeds + 1) if chosen.seed is None else [chosen.seed]
    plans = [
        Plan(seed, policy, faults, chosen.recipients, chosen.kills, chosen.connections)
        for seed in seeds for policy in ([chosen.policy] if chosen.policy else get_args(Policy))
        for faults in _faults(seed, chosen.faults)
    ]
    home = Path(tempfile.mkdtemp(prefix="chaos-"))
    progress(f"{len(plans)} runs of {chosen.recipients:,} recipients")
    project.make(home / "project", chosen.recipients, now=datetime.now(UTC))
    runs = list(_runs(plans, home))
    show(_worst(runs), as_json=chosen.json)
    bad = [each for each in runs if each.finding.breaches]
    if not bad:
        shutil.rmtree(home)
    return 1 if bad else 0


def _faults(seed: int, wanted: bool | None) -> list[Faults]:
    every = {True: Faults.many(seed), False: Faults()}
    return list(every.values()) if wanted is None else [every[wanted]]


@dataclass(frozen=True, slots=True)
class _Run:
    """A completed run."""

    plan: Plan
    evidence: Evidence
    finding: Finding
    seconds: float


def _runs(plans: Sequence[Plan], home: Path) -> Iterator[_Run]:
    for number, plan in enumerate(plans):
        folder, begun = home / f"run-{number + 1}", monotonic()
        evidence = run(plan, home / "project", folder)
        done = _Run(plan, evidence, judge(evidence), monotonic() - begun)
        progress(_line(done))
        for breach in done.finding.breaches:
            progress(f"    {breach}")
        if done.finding.breaches:
            progress(f"    repeat: scripts/chaos {_options(plan)}\n    folder: {folder}")
        else:
            shutil.rmtree(folder)
        yield done


def _line(done: _Run) -> str:
    evidence, finding = done.evidence, done.finding
    return (f"{'BROKEN' if finding.breaches else 'kept'}: seed {done.plan.seed}, {_case(done.plan)}: "
            f"{evidence.kills} kills, {evidence.ambiguous} ambiguous faults, {len(finding.missing)} missing, "
            f"{len(finding.twice)} taken more than once, {len(evidence.ever_in_doubt)} ever in doubt of "
            f"{finding.doubt_allowed} allowed, {done.seconds:.0f} s")


def _case(plan: Plan) -> str:
    return f"{plan.policy}, {'faults' if plan.faults.attempts else 'no faults'}"


def _options(plan: Plan) -> str:
    faults = "--faults" if plan.faults.attempts else "--no-faults"
    return (f"--seed {plan.seed} --policy {plan.policy} {faults} --recipients {plan.recipients} --kills {plan.kills} "
            f"--connections {plan.connections}")


def _worst(runs: Sequence[_Run]) -> list[Row]:
    """A row for each case, with the worst figures of its runs."""
    cases = dict.fromkeys(_case(each.plan) for each in runs)
    return [_row(case, [each for each in runs if _case(each.plan) == case]) for case in cases]


def _row(case: str, runs: Sequence[_Run]) -> Row:
    return {
        "case": case, "runs": len(runs), "broken": sum(bool(each.finding.breaches) for each in runs),
        "kills": min(each.evidence.kills for each in runs),
        "ambiguous faults": max(each.evidence.ambiguous for each in runs),
        "missing": max(len(each.finding.missing) for each in runs),
        "taken twice": max(len(each.finding.twice) for each in runs),
        "ever in doubt": max(len(each.evidence.ever_in_doubt) for each in runs),
        "of those allowed": f"{max(map(_doubt, runs)):.0%}",
        "seconds": round(max(each.seconds for each in runs)),
    }


def _doubt(done: _Run) -> float:
    """The deliveries that were ever in doubt, as a share of those allowed to be."""
    return len(done.evidence.ever_in_doubt) / max(1, done.finding.doubt_allowed)


if __name__ == "__main__":
    sys.exit(main())
