"""Contexts in each action space, chunks along joint motions, and a motion as it was executed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from interlock.hal.chunk import ActionChunk, Provenance
from interlock.hal.embodiment import ChannelKind
from interlock.hal.scene import Scene
from interlock.hal.state import GripperState, RobotState
from interlock.orchestrator.action_space import channels_of
from interlock.orchestrator.cell import Cell
from interlock.policy.executed import NOTHING_EXECUTED, Executed, MotionKind
from interlock.policy.observation import Observation, TaskView
from interlock.policy.policy import PolicyContext
from interlock.policy.stream.chunk_space import space_of

SPACES = (
    "joint_position",
    "tool_pose",
    "tool_delta",
    "tool_step",
    "tool_delta in tool",
    "tool_step in world",
)
TICK_NS = 10_000_000
DT_NS = 40_000_000
TASK = TaskView(
    task_id="t1", skill="reach", arguments={}, phase="move", instruction="", target_in_world=(0.4, 0.0, 0.4)
)


@cache
def _cell(name: str) -> Cell:
    return Cell.load(name)


def context_in(
    space: str, *, cell: str = "panda_tabletop", real_time: bool = False, **stream: Any
) -> PolicyContext:
    """A context in this space ("… in tool": in the axes of the tool), with these stream options."""
    name, _, frame = space.partition(" in ")
    loaded = _cell(cell)
    channels = channels_of(loaded.file.robot, name)  # type: ignore[arg-type]
    if frame:
        channels = tuple(
            c if c.kind is ChannelKind.GRIPPER_WIDTH else replace(c, frame=frame) for c in channels
        )
    body = replace(loaded.embodiment(), channels=channels)
    return PolicyContext(
        robot=loaded.robot_spec(),
        embodiment=body,
        seed=5,
        options={"stream": stream} if stream else {},
        real_time=real_time,
    )


def swing(context: PolicyContext, times_s: np.ndarray, *, reach_rad: float = 0.3) -> np.ndarray:
    """A smooth joint motion from home, shape (m, n), [rad]: each joint a sine of its own."""
    joints = np.arange(context.robot.dof)
    angle = np.outer(times_s, 0.7 + 0.1 * joints)
    return np.asarray(context.robot.home + reach_rad * np.sin(angle + 0.4 * joints) * (-1.0) ** joints)


def chunk_along(
    context: PolicyContext, *paths: np.ndarray, t0_ns: int = 0, width_m: float = 0.05, seq: int = 0
) -> ActionChunk:
    """A chunk that is made at the first row of each path of joint positions, shape (T, n)."""
    space = space_of(context)
    anchor = space.anchor(paths[0][0])
    samples = [
        np.concatenate([space.steps(path, anchor), np.full((len(path), 1), width_m)], axis=1)
        for path in paths
    ]
    return ActionChunk(
        seq=seq,
        embodiment=context.embodiment.fingerprint,
        samples=np.array(samples),
        t_obs_ns=t0_ns,
        t_ready_ns=t0_ns,
        t0_ns=t0_ns,
        dt_s=DT_NS * 1e-9,
        provenance=Provenance(policy="test", version="1", config_sha256="", seed=0),
        anchor=anchor,
    )


def executed_along(
    q: np.ndarray,
    kinds: Sequence[MotionKind] | None = None,
    *,
    first_ns: int = 0,
    widths_m: np.ndarray | None = None,
    in_force: ActionChunk | None = None,
) -> Executed:
    """Tick by tick."""
    count = len(q)
    return Executed(
        stamps_ns=first_ns + TICK_NS * np.arange(count),
        q=q,
        widths_m=np.full(count, 0.05) if widths_m is None else widths_m,
        kinds=[MotionKind.PROPOSED] * count if kinds is None else kinds,
        in_force=in_force,
    )


def observe(
    q: np.ndarray, stamp_ns: int = 0, executed: Executed = NOTHING_EXECUTED, v: np.ndarray | None = None
) -> Observation:
    """What is seen at `q`."""
    state = RobotState(
        stamp_ns=stamp_ns,
        q=q,
        v=np.zeros_like(q) if v is None else v,
        q_commanded=q,
        v_commanded=np.zeros_like(q) if v is None else v,
        a_commanded=np.zeros_like(q),
        gripper=GripperState(width_m=0.06, force_n=0.0),
        standstill=v is None,
    )
    scene = Scene(stamp_ns=stamp_ns, objects=())
    return Observation(stamp_ns=stamp_ns, state=state, scene=scene, frames=(), task=TASK, executed=executed)
