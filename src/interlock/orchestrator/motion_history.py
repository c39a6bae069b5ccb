"""Remembers the last ticks, so that a policy can be told what was really executed."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np

from interlock.guards.verdict import Decision
from interlock.hal.arrays import FloatArray
from interlock.orchestrator.messages import TickReport
from interlock.policy.executed import NOTHING_EXECUTED, Executed, MotionKind

__all__ = ["MotionHistory"]

_KINDS = {
    Decision.ALLOW: MotionKind.PROPOSED,
    Decision.MODIFY: MotionKind.CHANGED,
    Decision.REFUSE: MotionKind.STOPPING,
}


class MotionHistory:
    """The ticks of the last `window_s` [s]: a tick costs an append, the copy is made on ask."""

    def __init__(self, window_s: float = 1.0) -> None:
        self._window_ns = round(window_s * 1e9)
        self._ticks: deque[tuple[TickReport, float | None]] = deque()

    def add(self, report: TickReport) -> None:
        """Take in one tick."""
        self._ticks.append((report, self._width(report)))
        while self._ticks[0][0].stamp_ns < report.stamp_ns - self._window_ns:
            self._ticks.popleft()

    def executed(self) -> Executed:
        """All of it, in arrays of its own."""
        if not self._ticks:
            return NOTHING_EXECUTED
        widths = [width for _, width in self._ticks if width is not None]
        last = self._ticks[-1][0]
        follows = last.command is not None and last.given is not None and last.given.chunk is not None
        chunk = last.given.chunk if follows and last.given is not None else None
        return Executed(
            stamps_ns=np.array([report.stamp_ns for report, _ in self._ticks]),
            q=np.array([report.state.q_commanded for report, _ in self._ticks]),
            widths_m=np.array(widths) if len(widths) == len(self._ticks) else None,
            kinds=[_KINDS[report.verdict.decision] for report, _ in self._ticks],
            in_force=None if chunk is None else replace(chunk),
        )

    def here(self, now_ns: int) -> FloatArray | None:
        """Joint positions commanded at `now_ns`, the end of the last tick, shape (n,), [rad]; None before it.

        Of a tick whose stop is playing only the start was reported: from there on by its acceleration, which
        a jerk of 1000 rad/s^3 leaves right within 2e-4 rad over 10 ms.
        """
        if not self._ticks:
            return None
        report = self._ticks[-1][0]
        sent, state = report.command, report.state
        if sent is not None and sent.stamp_ns + round(sent.period_s * 1e9) == now_ns:
            return np.asarray(sent.end[0])
        ahead_s = (now_ns - state.stamp_ns) * 1e-9
        moved = state.v_commanded * ahead_s + 0.5 * state.a_commanded * ahead_s**2
        return np.asarray(state.q_commanded + moved)

    def _width(self, report: TickReport) -> float | None:
        """Width asked for last, [m]."""
        if report.command is not None and report.command.gripper is not None:
            return report.command.gripper.width_m
        if self._ticks:
            return self._ticks[-1][1]
        return None if report.state.gripper is None else report.state.gripper.width_m
