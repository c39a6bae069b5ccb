"""What one run is asked to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interlock.hal.look import Look
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.swap_rules import SwapRules
from interlock.policy.wording import Wording

__all__ = ["RunRequest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """Everything the session is told; all of it was checked, but for the goal.

    Attributes:
        goal: the goal in words, as it was typed.
        cell: the work cell.
        policy: name of the policy.
        seed: the run's seed, 0 or above.
        real_time: pace the simulation by the machine's clock instead of lockstep.
        gui: open the simulator's window.
        out: folder for trace and report; it is there and can be written.
        state_dir: folder of the robot's lock and latch; it is there and can be written.
        cameras: whether the cell's cameras take pictures.
        max_sim_time_s: end the run after this long, [s]; None leaves it to the cell.
        telemetry: where spans go: "none", "console" or "otlp".
        report: whether to write the HTML report at the end.
        record: whether to keep a trace; without one there is no report either.
        look: how the cell looks in its cameras; None: plainly.
        wording: how each step is said to the policy.
        swap_to: a checkpoint that shadows from the first question on and takes over if it may; or None.
        swap_rules: the terms of that, and of swaps asked for meanwhile.
    """

    goal: str
    cell: Cell
    policy: str
    seed: int
    real_time: bool
    gui: bool
    out: Path
    state_dir: Path
    cameras: bool = True
    max_sim_time_s: float | None = None
    telemetry: str = "none"
    report: bool = True
    record: bool = True
    look: Look | None = None
    wording: Wording = field(default_factory=Wording)
    swap_to: Path | None = None
    swap_rules: SwapRules = field(default_factory=SwapRules)

    @property
    def policy_options(self) -> Mapping[str, Any]:
        """What the cell tells this policy."""
        return self.cell.options_of(self.policy)
