"""A smooth curve of joint positions over a path length, and how fast it may be run along."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from interlock.hal.arrays import FloatArray

__all__ = ["JointPath", "Pace"]

_GRID_M = 0.005
_SUBSTEP_S = 0.01
_LAG_S = 0.05  # time constant of the speed loop
_END_GAIN_PER_S = 4.5  # speed per distance left at the end; below 1 / (4 * lag), so it never overshoots
_OFFSET_RATE_PER_S = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a path is run.

    Attributes:
        speed_m_s: bound on the speed along the path, [m/s].
        acceleration_m_s2: bound on its change, [m/s^2].
        jerk_m_s3: bound on the change of that, [m/s^3].
        joint_speed: bound on each joint's speed, shape (n,), [rad/s].
        joint_acceleration: bound on each joint's acceleration, shape (n,), [rad/s^2].
        turn_rad_s: how fast the tool turns where it does nothing else, [rad/s].
    """

    speed_m_s: float
    acceleration_m_s2: float
    jerk_m_s3: float
    joint_speed: FloatArray
    joint_acceleration: FloatArray
    turn_rad_s: float = 1.0


class JointPath:
    """A cubic spline through knots, run from wherever the arm is commanded now.

    It keeps no clock: progress is found by projecting the commanded state, so a run the gate slowed, bent
    or stopped goes on from where the arm really is. What lies off the curve dies away critically damped.

    Attributes:
        length_m: path length, [m].
        goal: the last knot, shape (n,), [rad].
    """

    def __init__(self, knots: FloatArray, lengths: FloatArray, pace: Pace) -> None:
        """Fit the spline and find the speed bound at every place.

        Args:
            knots: joint positions, shape (k, n), k >= 1, [rad].
            lengths: path length at each knot, strictly ascending from 0, shape (k,), [m].
            pace: bounds.
        """
        self.goal: FloatArray = knots[-1]
        self.length_m = float(lengths[-1])
        self._pace = pace
        self._near_m = 0.0
        self._spline: CubicSpline | None = None
        if len(knots) < 2:
            return
        self._spline = CubicSpline(lengths, knots, bc_type="natural" if len(knots) > 2 else "clamped")
        count = max(3, math.ceil(self.length_m / _GRID_M) + 1)
        grid = np.linspace(0.0, self.length_m, count)
        self._step_m = float(grid[1])
        self._table = np.asarray(self._spline(grid))
        slope, bend = np.asarray(self._spline(grid, 1)), np.asarray(self._spline(grid, 2))
        steepest = np.abs(slope).max(axis=0)
        self._acceleration = min(
            pace.acceleration_m_s2, float((pace.joint_acceleration / np.maximum(steepest, 1e-9)).min())
        )
        self._caps = _speed_caps(slope, bend, pace, self._acceleration, self._step_m)

    def at(self, distance_m: float) -> FloatArray:
        """Joint positions at a path length, shape (n,), [rad]."""
        if self._spline is None:
            return self.goal
        return np.asarray(self._spline(min(max(distance_m, 0.0), self.length_m)))

    def locate(self, q: FloatArray) -> float:
        """Path length nearest to `q`, near where the last call found it, [m]."""
        if self._spline is None:
            return 0.0
        low = max(0, int((self._near_m - 0.10) / self._step_m))
        high = min(len(self._table), int((self._near_m + 0.30) / self._step_m) + 2)
        window = self._table[low:high] - q
        index = low + int(np.argmin(np.einsum("ij,ij->i", window, window)))
        distance = index * self._step_m
        for _ in range(2):
            slope = np.asarray(self._spline(distance, 1))
            ahead = float(slope @ (q - np.asarray(self._spline(distance)))) / max(float(slope @ slope), 1e-12)
            distance = min(max(distance + max(-self._step_m, min(ahead, self._step_m)), 0.0), self.length_m)
        self._near_m = distance
        return distance

    def offset(self, q: FloatArray) -> float:
        """Largest joint distance of `q` from the curve, [rad]."""
        return float(np.abs(q - self.at(self.locate(q))).max())

    def speed_along(self, distance_m: float, v: FloatArray) -> float:
        """Speed along the path of joint velocities `v`, shape (n,), [m/s]."""
        if self._spline is None:
            return 0.0
        slope = np.asarray(self._spline(distance_m, 1))
        return float(slope @ v) / max(float(slope @ slope), 1e-12)

    def braking_m(self, speed_m_s: float) -> float:
        """Path length needed to stop from a speed, [m]."""
        if self._spline is None:
            return 0.0
        return speed_m_s * speed_m_s / (2.0 * self._acceleration) + speed_m_s * 2.0 * _LAG_S

    def roll(
        self,
        q: FloatArray,
        v: FloatArray,
        a: FloatArray,
        *,
        dt_s: float,
        steps: int,
        stop_m: float = math.inf,
    ) -> FloatArray:
        """Joint positions from the state (q, v, a) on, shape (steps, n), [rad]; row 0 is `q` itself.

        Args:
            q: commanded joint positions, shape (n,), [rad].
            v: commanded joint velocities, shape (n,), [rad/s].
            a: commanded joint accelerations, shape (n,), [rad/s^2].
            dt_s: time between rows, [s].
            steps: number of rows.
            stop_m: path length at which to halt before the end, [m].
        """
        start = self.locate(q)
        speed = min(max(self.speed_along(start, v), 0.0), 2.0 * self._pace.speed_m_s)
        if self._spline is None:
            places, slope = np.zeros(steps), np.zeros_like(q)
            curve = np.repeat(self.goal[None], steps, axis=0)
        else:
            bound = 1.5 * self._acceleration
            push = min(max(self.speed_along(start, a), -bound), bound)
            places = self._run(start, speed, push, dt_s, steps, min(stop_m, self.length_m))
            slope = np.asarray(self._spline(start, 1))
            curve = np.asarray(self._spline(places))
        time = dt_s * np.arange(steps)[:, None]
        off, drift = q - curve[0], v - slope * speed
        fade = np.exp(-_OFFSET_RATE_PER_S * time)
        rolled: FloatArray = curve + (off + (drift + _OFFSET_RATE_PER_S * off) * time) * fade
        return rolled

    def _run(
        self, place: float, speed: float, push: float, dt_s: float, steps: int, stop_m: float
    ) -> FloatArray:
        """Path lengths at the steps: a speed loop with bounded acceleration and jerk."""
        substeps = max(1, round(dt_s / _SUBSTEP_S))
        h = dt_s / substeps
        bound = self._acceleration
        law = 0.7 * bound
        knee = law / (_END_GAIN_PER_S * _END_GAIN_PER_S)
        change = self._pace.jerk_m_s3 * h
        places = [place]
        for _ in range(steps - 1):
            for _ in range(substeps):
                left = max(stop_m - place, 0.0)
                brake = _END_GAIN_PER_S * left if left < knee else math.sqrt(law * (2.0 * left - knee))
                aim = min(self._cap(place), brake)
                want = min(max((aim - speed) / _LAG_S, -1.5 * bound), bound)
                push += min(max(want - push, -change), change)
                speed += push * h
                if speed < 0.0:
                    speed, push = 0.0, 0.0
                place = min(place + speed * h, self.length_m)
            places.append(place)
        return np.array(places)

    def _cap(self, place: float) -> float:
        index = min(int(place / self._step_m), len(self._caps) - 1)
        return self._caps[index]


def _speed_caps(
    slope: FloatArray, bend: FloatArray, pace: Pace, acceleration_m_s2: float, step_m: float
) -> list[float]:
    """Bound on the speed along the path at each grid place that braking can keep, [m/s]."""
    by_speed = (pace.joint_speed / np.maximum(np.abs(slope), 1e-9)).min(axis=1)
    by_bend = np.sqrt((pace.joint_acceleration / np.maximum(np.abs(bend), 1e-9)).min(axis=1))
    caps = np.minimum(np.minimum(by_speed, by_bend), pace.speed_m_s)
    # The bound at a place also holds one grid step ahead, because places fall between grid points.
    caps[:-1] = np.minimum(caps[:-1], caps[1:])
    for i in range(len(caps) - 2, -1, -1):
        caps[i] = min(caps[i], math.sqrt(caps[i + 1] ** 2 + 2.0 * 0.7 * acceleration_m_s2 * step_m))
    bounds: list[float] = caps.tolist()
    return bounds
