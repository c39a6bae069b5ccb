"""Judges commands as they were sent: limits at the nodes and between them, jerk, continuity."""

from __future__ import annotations

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.robot import JointLimits

__all__ = ["CommandJudge"]

_ROUNDING = 1e-9


class CommandJudge:
    """Judges one period after the other.

    Args:
        limits: the arm's limits.
        period_s: time between nodes, [s].
    """

    def __init__(self, limits: JointLimits, period_s: float) -> None:
        self._limits = limits
        self._period_s = period_s
        self._last: FloatArray | None = None

    def expect(self, node: FloatArray | None) -> None:
        """The node at which the next period must start; None, anywhere, if brakes held the arm."""
        self._last = node

    def judge(self, start: FloatArray, end: FloatArray) -> set[str]:
        """Names of the counters that a period from node `start` to node `end`, shape (3, n) each, trips."""
        if not (np.isfinite(start).all() and np.isfinite(end).all()):
            return {"non_finite"}
        broken = set()
        if self._last is not None and np.abs(start - self._last).max() > _ROUNDING:
            broken.add("discontinuity")
        limits, grace = self._limits, 1.0 + _ROUNDING
        q, v, a = start
        jerk = (end[2] - a) / self._period_s
        positions = np.stack([q, end[0], *self._position_extremes(q, v, a, jerk)])
        if (positions < limits.q_min - _ROUNDING).any() or (positions > limits.q_max + _ROUNDING).any():
            broken.add("position")
        speeds = np.abs(np.stack([v, end[1], self._speed_extreme(v, a, jerk)]))
        if (speeds > limits.v_max * grace).any():
            broken.add("velocity")
        if (np.maximum(np.abs(a), np.abs(end[2])) > limits.a_max * grace).any():
            broken.add("acceleration")
        if (np.abs(jerk) > limits.j_max * grace).any():
            broken.add("jerk")
        if np.abs(self._at(q, v, a, jerk, self._period_s) - end[0]).max() > 1e-6:
            broken.add("discontinuity")
        return broken

    def _at(
        self, q: FloatArray, v: FloatArray, a: FloatArray, jerk: FloatArray, t: FloatArray | float
    ) -> FloatArray:
        where: FloatArray = q + v * t + a * t * t / 2.0 + jerk * t * t * t / 6.0
        return where

    def _position_extremes(
        self, q: FloatArray, v: FloatArray, a: FloatArray, jerk: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Positions where the speed is 0 inside the period; `q` where there is no such time."""
        with np.errstate(divide="ignore", invalid="ignore"):
            half = -(a + np.copysign(np.sqrt(a * a - 2.0 * jerk * v), a))
            times = half / jerk, 2.0 * v / half
        one, two = (self._at(q, v, a, jerk, self._inside(t)) for t in times)
        return one, two

    def _speed_extreme(self, v: FloatArray, a: FloatArray, jerk: FloatArray) -> FloatArray:
        """Speed where the acceleration is 0 inside the period; `v` where there is no such time."""
        with np.errstate(divide="ignore", invalid="ignore"):
            t = self._inside(-a / jerk)
        speed: FloatArray = v + a * t + jerk * t * t / 2.0
        return speed

    def _inside(self, t: FloatArray) -> FloatArray:
        return np.where((t > 0.0) & (t < self._period_s), t, 0.0)
