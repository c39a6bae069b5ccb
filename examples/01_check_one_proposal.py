"""The gate as a library: one proposal, one verdict. No simulator, no torch."""

import numpy as np

from interlock.guards.body import BodyModel
from interlock.guards.gate import Gate
from interlock.guards.intake import GateInput
from interlock.hal.chunk import ActionChunk, Provenance
from interlock.hal.phase import Phase
from interlock.hal.scene import Scene
from interlock.hal.state import GripperState, RobotState
from interlock.orchestrator.cell import Cell

cell = Cell.load("panda_tabletop")
robot, body = cell.robot_spec(), cell.embodiment()
gate = Gate(BodyModel.build(robot), body, cell.gate_config())
rest = np.zeros(robot.dof)
state = RobotState(
    stamp_ns=0, q=robot.home, v=rest, q_commanded=robot.home, v_commanded=rest, a_commanded=rest,
    gripper=GripperState(width_m=0.07, force_n=0.0), standstill=True,
)  # fmt: skip
free = Phase(
    task_id="",
    skill="reach",
    name="move",
    allowed=(),
    expires_ns=0,
    held=None,
    maybe_held=None,
    max_force_n=20,
)


def judge(step_rad: float) -> None:
    """Ask for the same step of every joint in each of the chunk's steps."""
    ramp = np.arange(body.horizon)[:, None] * step_rad
    steps = np.hstack([robot.home + ramp, np.full((body.horizon, 1), 0.07)])
    chunk = ActionChunk(
        seq=0, embodiment=body.fingerprint, samples=steps[None], t_obs_ns=0, t_ready_ns=0, t0_ns=0,
        dt_s=1 / body.rate_hz, provenance=Provenance(policy="me", version="1", config_sha256="", seed=0),
    )  # fmt: skip
    scene = Scene(stamp_ns=0, objects=cell.scene_objects(seed=0))
    verdict = gate.decide(
        GateInput(
            seq=0, epoch=1, now_ns=0, lateness_ns=0, state=state, scene=scene, chunk=chunk, last_seq=-1,
            phase=free,
        )
    ).verdict  # fmt: skip
    print(f"{step_rad!r:>8} rad a step: {verdict.decision} ({verdict.rung}) {verdict.guard} {verdict.reason}")


judge(0.0002)  # gentle: released as it is
judge(0.1)  # faster than the arm: corrected
judge(float("nan"))  # refused
