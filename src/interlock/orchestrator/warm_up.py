"""A chunk judged and decided before the first tick, so that no tick pays for loading compiled code."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interlock.guards.gate import Gate
from interlock.guards.intake import GateInput
from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk, Provenance
from interlock.hal.phase import FELT_N, Phase
from interlock.hal.scene import ObjectKind, Scene, SceneObject
from interlock.hal.state import GripperState, RobotState
from interlock.orchestrator.cell import Cell
from interlock.policy.policy import PolicyContext
from interlock.policy.tool_channels import ToolChannels

__all__ = ["warm_up"]

_PHASE = Phase(
    task_id="", skill="", name="", allowed=(), expires_ns=0, held=None, maybe_held=None, max_force_n=0.0
)


def warm_up(gate: Gate, cell: Cell, objects: tuple[SceneObject, ...]) -> None:
    """Let the gate judge made-up chunks away from home, and decide; it keeps no state, so nothing stays."""
    robot = gate.body.robot
    context = PolicyContext(robot=robot, embodiment=cell.embodiment(), seed=0, options={})
    zero = np.zeros(robot.dof)
    gripper = robot.gripper
    state = RobotState(
        stamp_ns=0,
        q=robot.home,
        v=zero,
        q_commanded=robot.home,
        v_commanded=zero,
        a_commanded=zero,
        gripper=None if gripper is None else GripperState(width_m=gripper.max_width_m, force_n=0.0),
        standstill=True,
    )
    given = GateInput(
        seq=0,
        epoch=0,
        now_ns=0,
        lateness_ns=0,
        state=state,
        scene=Scene(stamp_ns=0, objects=objects),
        chunk=_chunk(context, robot.home + 0.4),
        last_seq=-1,
        phase=_PHASE,
    )
    gate.decide(given)
    loads = [thing.name for thing in objects if thing.kind is ObjectKind.MOVABLE]
    if loads and gripper is not None:
        felt = replace(state, gripper=GripperState(width_m=gripper.max_width_m, force_n=FELT_N))
        gate.decide(replace(given, state=felt, phase=replace(_PHASE, held=loads[0])))
    for limit in (robot.limits.q_min, robot.limits.q_max):  # far enough to meet something, and to be bent
        gate.preview(replace(given, chunk=_chunk(context, limit)))


def _chunk(context: PolicyContext, goal: FloatArray) -> ActionChunk:
    """Straight from home to `goal`, shape (n,)."""
    robot, embodiment = context.robot, context.embodiment
    width = [] if robot.gripper is None else [robot.gripper.max_width_m]
    shares = np.arange(embodiment.horizon) / embodiment.horizon
    steps = robot.home + shares[:, None] * (goal - robot.home)
    anchor = None
    if embodiment.tool_reference is not None:
        steps, anchor = ToolChannels(context).of(steps, robot.home)
    return ActionChunk(
        seq=0,
        embodiment=embodiment.fingerprint,
        samples=np.array([[np.concatenate([step, width]) for step in steps]]),
        t_obs_ns=0,
        t_ready_ns=0,
        t0_ns=0,
        dt_s=1.0 / embodiment.rate_hz,
        provenance=Provenance(policy="warm_up", version="", config_sha256="", seed=0),
        anchor=anchor,
    )
