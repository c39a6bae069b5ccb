"""A constraint of your own: CVXPY rows steer the projector, an exact check convinces the verifier."""

import tempfile
from pathlib import Path

import cvxpy as cp
import numpy as np

from interlock.guards.body import BodyModel
from interlock.guards.curve import travel_bounds
from interlock.guards.gate import Gate
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.progress import SilentProgress
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.session import run


class SlowWrist:
    """The last joint stays below a speed [rad/s]: a camera hangs there, and blurs."""

    name = "slow_wrist"
    unit = "rad/s"

    def __init__(self, limit_rad_s: float) -> None:
        self._limit = limit_rad_s

    def program(self, velocity: cp.Variable) -> list[cp.Constraint]:
        """What the projector is told; the stop's own bulge needs the last few per cent."""
        return [cp.abs(velocity[-1]) <= 0.97 * self._limit]

    def slack(self, nodes: np.ndarray, period_s: float) -> tuple[float, str]:
        """What the verifier asks, between the nodes (m, 3, n) too: negative refuses."""
        speed = np.empty((nodes.shape[0] - 1, nodes.shape[2]))
        travel_bounds(nodes, period_s, speed, np.empty((nodes.shape[0], nodes.shape[2])))
        return self._limit - float(speed[:, -1].max()), "speed of the wrist"


def gate_with_slow_wrist(cell: Cell) -> Gate:
    """The cell's gate with one constraint more; a cell file names yours under guards.plugins instead."""
    body = BodyModel.build(cell.robot_spec())
    return Gate(body, cell.embodiment(), cell.gate_config(), [SlowWrist(0.2)])


with tempfile.TemporaryDirectory() as folder:
    request = RunRequest(
        goal="move above the red block", cell=Cell.load("panda_tabletop"), policy="random", seed=3,
        real_time=False, gui=False, cameras=False, report=False, max_sim_time_s=3.0,
        out=Path(folder, "out"), state_dir=Path(folder, "state"),
    )  # fmt: skip
    summary = run(request, SilentProgress(), gate_with_slow_wrist)
    print(
        f"released {summary.released_fraction:.0%} of the ticks, corrected by {dict(summary.interventions)}"
    )
