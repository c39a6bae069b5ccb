"""A policy of your own: it proposes chunks, the gate decides. It sees only what an Observation holds."""

import numpy as np

from interlock.hal.chunk import ActionChunk, Provenance
from interlock.orchestrator.bench_run import bench_run
from interlock.orchestrator.cell import Cell
from interlock.policy import registry
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext


class Nodding:
    """Moves one joint up and down. Register it in your package's pyproject.toml:

    [project.entry-points."interlock.policies"]
    nodding = "my_package.nodding:Nodding"
    """

    name = "nodding"

    def __init__(self, context: PolicyContext) -> None:
        self._body = context.embodiment
        self._seq = 0

    def reset(self) -> None:
        """Start again."""
        self._seq = 0

    def propose(self, observation: Observation) -> ActionChunk:
        """Sixteen steps of a slow sine on joint 4, the gripper as it is."""
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


print("registered here:", ", ".join(name for name, *_ in registry.available()))
seen = bench_run(Cell.load("panda_tabletop"), "nodding", ticks=200, make_policy=Nodding)
released = sum(report.command is not None for report in seen.reports)
print(f"{released} of {len(seen.reports)} ticks released")
