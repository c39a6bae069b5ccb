"""`make demo`: the same goal twice, first under the expert, then under a reckless policy."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from rich.console import Console

from interlock.errors import InterlockError
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.progress import Progress
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.rich_progress import RichProgress
from interlock.orchestrator.session import run
from interlock.orchestrator.summary import Outcome, RunSummary

__all__ = ["main"]

_GOAL = "put the red block in the tray"
_RECKLESS_S = 12.0


def main(arguments: list[str] | None = None) -> int:
    """Run both acts; 0 if the expert achieved the goal, nothing was touched, and the gate did its part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), help="folder for traces and reports")
    parser.add_argument("--seed", type=int, default=1, help="where things stand and how they move")
    options = parser.parse_args(arguments)
    out: Path = options.out
    shutil.rmtree(out, ignore_errors=True)
    try:
        return _acts(out, options.seed)
    except InterlockError as error:
        print(error.message, file=sys.stderr)
        return int(error.exit_code)


def _acts(out: Path, seed: int) -> int:
    cell = Cell.load("panda_tabletop")
    console = Console()
    print(f"Act one: '{_GOAL}', proposed by the expert.")
    expert = _act(cell, "scripted", seed, out / "act1_expert", RichProgress(console), None)
    if expert.outcome is Outcome.STOPPED:
        return int(expert.exit_code)
    print(f"\nAct two: the same goal, proposed by a reckless policy, for {_RECKLESS_S:g} simulated seconds.")
    reckless = _act(cell, "reckless", seed, out / "act2_reckless", RichProgress(console), _RECKLESS_S)
    return _verdict(expert, reckless)


def _act(
    cell: Cell, policy: str, seed: int, out: Path, display: Progress, limit_s: float | None
) -> RunSummary:
    out.mkdir(parents=True)
    state_dir = out / "state"
    state_dir.mkdir()
    request = RunRequest(
        goal=_GOAL,
        cell=cell,
        policy=policy,
        seed=seed,
        real_time=False,
        gui=False,
        out=out,
        state_dir=state_dir,
        max_sim_time_s=limit_s,
    )
    return run(request, display)


def _verdict(expert: RunSummary, reckless: RunSummary) -> int:
    corrections = sum(expert.interventions.values()) + sum(reckless.interventions.values())
    refusals = sum(expert.refusals.values()) + sum(reckless.refusals.values())
    contacts = expert.referee.contacts + reckless.referee.contacts
    violations = expert.referee.limit_violations + reckless.referee.limit_violations
    print("\nWhat the gate did, and what an independent referee saw:")
    for name, summary in (("expert", expert), ("reckless", reckless)):
        print(f"  {name:9} {summary.outcome}: {json.dumps({'corrected': dict(summary.interventions)})}")
        print(f"  {'':9} {json.dumps({'refused': dict(summary.refusals)})}")
        print(f"  {'':9} trace {summary.trace}\n  {'':9} report {summary.report}")
    print(f"  corrections {corrections}, refusals {refusals}, contacts while moving {contacts}, ", end="")
    print(f"limit violations {violations}")
    good = expert.outcome is Outcome.ACHIEVED and corrections and refusals and not contacts and not violations
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
