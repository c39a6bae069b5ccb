"""One run of a varied cell, of which nothing is kept but its summary."""

from __future__ import annotations

import tempfile
from pathlib import Path

from interlock.guards.gate import Gate
from interlock.orchestrator import session
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.progress import SilentProgress
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.summary import RunSummary
from interlock.orchestrator.variation import Variation
from interlock.policy.policy import PolicyFactory

__all__ = ["play_varied"]


def play_varied(
    cell: Cell,
    variation: Variation,
    gate: Gate,
    *,
    goal: str,
    policy: str,
    interrupts: Interrupts | None = None,
    make_policy: PolicyFactory | None = None,
    puppet: bool = False,
    max_sim_time_s: float | None = None,
) -> RunSummary:
    """Play it, under the seed of the variation, in lockstep, without trace, report and pictures for people.

    Args:
        cell: what is varied.
        variation: how.
        gate: of the cell; a gate knows neither blocks nor cameras, so that it serves every variation.
        goal: the goal in words.
        policy: name of the policy.
        interrupts: whoever may want it to end; without one, nothing but its own end does.
        make_policy: see `session.run`.
        puppet: see `session.run`.
        max_sim_time_s: end the run after this long, [s]; None leaves it to the cell.

    Raises:
        InterlockError: as `session.run` does.
    """
    with tempfile.TemporaryDirectory(prefix="interlock-run-") as folder:
        out, state_dir = Path(folder) / "out", Path(folder) / "state"
        out.mkdir()
        state_dir.mkdir()
        request = RunRequest(
            goal=goal,
            cell=variation.apply(cell),
            policy=policy,
            seed=variation.seed,
            real_time=False,
            gui=False,
            out=out,
            state_dir=state_dir,
            cameras=False,
            report=False,
            record=False,
            look=variation.look,
            wording=variation.wording,
            max_sim_time_s=max_sim_time_s,
        )
        return session.run(
            request,
            SilentProgress(),
            lambda _: gate,
            interrupts=Interrupts() if interrupts is None else interrupts,
            make_policy=make_policy,
            puppet=puppet,
        )
