"""The numbers of a run add up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from interlock.guards.verdict import Decision, Rung, Verdict
from interlock.hal.mode import Mode
from interlock.hal.scene import Scene
from interlock.hal.state import RobotState
from interlock.orchestrator.messages import SentCommand, TickReport
from interlock.orchestrator.tally import Tally

ZERO = np.zeros(3)


def report(
    decision: Decision,
    guard: str = "",
    *,
    reason: str = "",
    step: Any = None,
    margins: dict[str, float] | None = None,
) -> TickReport:
    start, end = np.zeros((3, 3)), np.zeros((3, 3))
    if step is not None:
        end[0] = step
    sent = SentCommand(
        seq=0,
        epoch=1,
        stamp_ns=0,
        period_s=0.01,
        start=start,
        end=end,
        tail=np.zeros((0, 3, 3)),
        gripper=None,
        certificate="",
    )
    return TickReport(
        tick=0,
        stamp_ns=0,
        mode=Mode.AUTO,
        state=RobotState(
            stamp_ns=0,
            q=ZERO,
            v=ZERO,
            q_commanded=ZERO,
            v_commanded=ZERO,
            a_commanded=ZERO,
            gripper=None,
            standstill=True,
        ),
        verdict=Verdict(
            decision=decision,
            rung=Rung.BRAKING if decision is Decision.REFUSE else Rung.PROJECTED,
            guard=guard,
            reason=reason,
            refusals=(),
            before=None,
            after=end,
        ),
        certificate=None,
        command=None if decision is Decision.REFUSE else sent,
        margins_m=margins or {},
        tool_in_world=(0.0, 0.0, 0.0),
        tool_speed_m_s=0.0,
        scene=Scene(stamp_ns=0, objects=()),
        given=None,
        preview=None,
        phase="",
        chunk_seq=0,
        latch=(),
        part_us={},
    )


def test_a_run_without_ticks_released_nothing() -> None:
    tally = Tally()
    assert (tally.ticks, tally.released_fraction, tally.min_margin_m) == (0, 0.0, None)


def test_ticks_are_released_changed_or_refused_by_guard() -> None:
    tally = Tally()
    for row in (
        report(Decision.ALLOW),
        report(Decision.MODIFY, "jerk", reason="first"),
        report(Decision.MODIFY, "jerk", reason="second"),
        report(Decision.REFUSE, "environment", reason="pillar"),
    ):
        tally.add(row)
    assert (tally.ticks, tally.released, tally.released_fraction) == (4, 3, 0.75)
    assert dict(tally.interventions) == {"jerk": 2}
    assert dict(tally.refusals) == {"environment": 1}
    assert tally.first_reasons == {"jerk": "first", "environment": "pillar"}


def test_the_path_is_the_sum_over_all_joints_of_what_was_sent() -> None:
    tally = Tally()
    for step in ([0.1, -0.2, 0.0], [0.0, 0.0, 0.3]):
        tally.add(report(Decision.ALLOW, step=step))
    tally.add(report(Decision.REFUSE, "freshness", step=[9.0, 9.0, 9.0]))
    assert tally.path_length_rad == pytest.approx(0.6)


def test_the_smallest_margin_is_that_of_released_motion_alone() -> None:
    tally = Tally()
    tally.add(report(Decision.REFUSE, "environment", margins={"environment": -1.0}))
    assert tally.min_margin_m is None
    tally.add(report(Decision.ALLOW, margins={"environment": 0.02, "self_collision": 0.01}))
    tally.add(report(Decision.ALLOW, margins={"environment": 0.03}))
    assert tally.min_margin_m == 0.01
