"""A policy of your own: it proposes chunks, the gate decides. It sees only what an Observation holds."""

import sys
import tempfile
from pathlib import Path

import numpy as np

from interlock.hal.chunk import ActionChunk, Provenance
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.progress import SilentProgress
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.session import run
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext


class Nodding:
    """Moves joint 4 up and down."""

    name = "nodding"

    def __init__(self, context: PolicyContext) -> None:
        self._body = context.embodiment

    def reset(self) -> None:
        """Start again."""
        self._seq = 0

    def propose(self, observation: Observation) -> ActionChunk:
        """Sixteen steps of a slow sine, the gripper as it is."""
        times = observation.stamp_ns * 1e-9 + np.arange(self._body.horizon) / self._body.rate_hz
        steps = np.tile(observation.state.q_commanded, (self._body.horizon, 1))
        steps[:, 3] += 0.1 * (np.sin(times) - np.sin(times[0]))
        width = 0.0 if observation.state.gripper is None else observation.state.gripper.width_m
        self._seq += 1
        return ActionChunk(
            seq=self._seq, embodiment=self._body.fingerprint,
            samples=np.hstack([steps, np.full((len(steps), 1), width)])[None],
            t_obs_ns=observation.stamp_ns, t_ready_ns=observation.stamp_ns, t0_ns=observation.stamp_ns,
            dt_s=1 / self._body.rate_hz,
            provenance=Provenance(policy=self.name, version="1", config_sha256="", seed=0),
        )  # fmt: skip


with tempfile.TemporaryDirectory() as folder:
    # What installing a package does whose pyproject.toml has [project.entry-points."interlock.policies"]:
    installed = Path(folder, "nodding-1.0.dist-info")
    installed.mkdir()
    (installed / "METADATA").write_text("Name: nodding\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[interlock.policies]\nnodding = __main__:Nodding\n")
    sys.path.append(folder)
    request = RunRequest(
        goal="move above the red block", cell=Cell.load("panda_tabletop"), policy="nodding", seed=0,
        real_time=False, gui=False, cameras=False, report=False, max_sim_time_s=2.0,
        out=Path(folder, "out"), state_dir=Path(folder, "state"),
    )  # fmt: skip
    summary = run(request, SilentProgress())
    print(f"{summary.outcome}: released {summary.released_fraction:.0%}, {summary.path_length_rad:.2f} rad")
