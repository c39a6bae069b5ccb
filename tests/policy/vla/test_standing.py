"""When an arm counts as standing, from what was really executed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from interlock.hal.scene import Scene
from interlock.hal.state import RobotState
from interlock.policy.executed import Executed, MotionKind
from interlock.policy.observation import Observation, TaskView
from interlock.policy.vla.standing import Standing, standing

TICK_NS = 10_000_000
TICKS = 60
NOW_NS = 7 * TICK_NS + TICKS * TICK_NS
STOPPED = [MotionKind.STOPPING] * TICKS


def told(**changes: Any) -> Observation:
    executed = Executed(
        stamps_ns=NOW_NS - TICK_NS * np.arange(TICKS, 0, -1),
        q=np.full((TICKS, 2), 0.4),
        widths_m=np.full(TICKS, 0.03),
        kinds=[MotionKind.PROPOSED] * TICKS,
    )
    zeros = np.zeros(2)
    state = RobotState(
        stamp_ns=NOW_NS,
        q=zeros,
        v=zeros,
        q_commanded=zeros,
        v_commanded=zeros,
        a_commanded=zeros,
        gripper=None,
        standstill=True,
    )
    task = TaskView(task_id="t", skill="", arguments={}, phase="", instruction="", target_in_world=None)
    return Observation(
        stamp_ns=NOW_NS,
        state=state,
        scene=Scene(stamp_ns=NOW_NS, objects=()),
        frames=(),
        task=task,
        executed=replace(executed, **changes),
    )


def moved_at(tick: int, rad: float = 0.01) -> np.ndarray:
    q = np.full((TICKS, 2), 0.4)
    q[: tick + 1, 1] -= rad
    return q


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, Standing.MEANT),
        ({"kinds": STOPPED}, Standing.HINDERED),
        ({"kinds": [MotionKind.CHANGED] * TICKS}, Standing.HINDERED),
        ({"kinds": [*STOPPED[1:], MotionKind.PROPOSED]}, Standing.HINDERED),
        ({"kinds": [MotionKind.STOPPING, *[MotionKind.PROPOSED] * (TICKS - 1)]}, Standing.MEANT),  # before
        ({"q": moved_at(5)}, Standing.MEANT),
        ({"q": moved_at(30)}, Standing.NO),
        ({"q": moved_at(30, 1e-6)}, Standing.MEANT),
        ({"widths_m": np.linspace(0.0, 0.06, TICKS)}, Standing.NO),
        ({"widths_m": None}, Standing.MEANT),
    ],
)
def test_standing_is_half_a_second_without_motion_of_arm_and_fingers(
    changes: dict[str, Any], wanted: Standing
) -> None:
    assert standing(told(**changes)) is wanted


def test_what_moved_in_a_gap_of_the_history_has_moved() -> None:
    seen = told()
    stamps_ns = NOW_NS - np.array([700, 600, 5]) * 1_000_000
    few = Executed(stamps_ns=stamps_ns, q=np.array([[1.0], [1.2], [1.4]]), kinds=STOPPED[:3])
    assert standing(replace(seen, executed=few)) is Standing.NO


def test_who_is_told_too_little_does_not_know() -> None:
    few = Executed(stamps_ns=NOW_NS - TICK_NS * np.arange(40, 0, -1), q=np.zeros((40, 2)), kinds=STOPPED[:40])
    assert standing(replace(told(), executed=few)) is Standing.NO
    assert standing(replace(told(), executed=Executed())) is Standing.NO
