"""`make demo`: the same goal twice, first under the policy that ships, then under a reckless one."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console

from interlock.errors import InterlockError, StorageError
from interlock.hal.latch import StopLatch
from interlock.hal.lease import Lease
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.rich_progress import RichProgress
from interlock.orchestrator.run_command import chosen_cell
from interlock.orchestrator.run_folder import RunFolder
from interlock.orchestrator.session import run
from interlock.orchestrator.summary import Outcome, RunSummary

__all__ = ["main"]

_GOAL = "put the red block in the tray"
_RECKLESS_S = 12.0
_OURS = ("trace.mcap", "report.html")


def main(arguments: list[str] | None = None) -> int:
    """Run both acts.

    0 if the policy that ships achieved the goal, nothing was touched, and the gate did its part; 4 if it was
    stopped.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), help="folder for traces and reports")
    parser.add_argument("--seed", type=int, default=1, help="where things stand and how they move")
    options = parser.parse_args(arguments)
    try:
        with Interrupts(last=True) as interrupts:
            return _acts(options.out, options.seed, interrupts)
    except InterlockError as error:
        print(error.message, file=sys.stderr)
        return int(error.exit_code)


def _acts(out: Path, seed: int, interrupts: Interrupts) -> int:
    plain = Cell.load("panda_tabletop")
    cell, policy = chosen_cell(plain, None, None)
    console = Console()
    print(f"Act one: '{_GOAL}', proposed by the policy that ships ({policy}).")
    first = run(
        _request(cell, seed, out, "act1_shipped", policy, None), RichProgress(console), interrupts=interrupts
    )
    if first.outcome is Outcome.STOPPED:
        return int(first.exit_code)
    print(f"\nAct two: the same goal, proposed by a reckless policy, for {_RECKLESS_S:g} simulated seconds.")
    reckless = run(
        _request(plain, seed, out, "act2_reckless", "reckless", _RECKLESS_S),
        RichProgress(console),
        interrupts=interrupts,
    )
    return _verdict(first, reckless)


def _request(cell: Cell, seed: int, out: Path, act: str, policy: str, limit_s: float | None) -> RunRequest:
    """An act in a folder of its own, from which the trace and the report of an earlier demo go; no more.

    Both acts have one robot. Its latch stays from demo to demo: only `interlock reset` clears it.
    """
    state_dir, folder = out / "state", out / act
    StopLatch(state_dir).require_clear()
    _clear(folder, Lease(state_dir, cell.robot_spec().name))
    return RunRequest(
        goal=_GOAL,
        cell=cell,
        policy=policy,
        seed=seed,
        real_time=False,
        gui=False,
        out=RunFolder.claim(folder, "demo").path,
        state_dir=state_dir,
        max_sim_time_s=limit_s,
    )


def _clear(folder: Path, lease: Lease) -> None:
    lease.lock()  # a demo that still runs is writing them
    try:
        for name in _OURS:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"what an earlier demo left cannot be removed ({error.strerror})",
            field="out",
            value=str(folder),
            mend="Name another folder with --out DIR.",
        ) from error
    finally:
        lease.release()


def _verdict(first: RunSummary, reckless: RunSummary) -> int:
    corrections = sum(first.interventions.values()) + sum(reckless.interventions.values())
    refusals = sum(first.refusals.values()) + sum(reckless.refusals.values())
    contacts = first.referee.contacts + reckless.referee.contacts
    violations = first.referee.limit_violations + reckless.referee.limit_violations
    print("\nWhat the gate did, and what an independent referee saw:")
    for name, summary in (("shipped", first), ("reckless", reckless)):
        print(f"  {name:9} {summary.outcome}: {json.dumps({'corrected': dict(summary.interventions)})}")
        print(f"  {'':9} {json.dumps({'refused': dict(summary.refusals)})}")
        print(f"  {'':9} trace {summary.trace}\n  {'':9} report {summary.report}")
    print(f"  corrections {corrections}, refusals {refusals}, contacts while moving {contacts}, ", end="")
    print(f"limit violations {violations}")
    if reckless.outcome is Outcome.STOPPED:
        return int(reckless.exit_code)
    good = first.outcome is Outcome.ACHIEVED and corrections and refusals and not contacts and not violations
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
