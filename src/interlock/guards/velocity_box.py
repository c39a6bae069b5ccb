"""How fast each joint may be going a little ahead, by its own limits alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interlock.guards.compile import kernel
from interlock.guards.verdict import Family
from interlock.hal.arrays import FloatArray
from interlock.hal.robot import JointLimits, TrackingTube

__all__ = ["SPEED_SHARE", "VelocityBox", "velocity_box"]

SPEED_SHARE = 0.97
"""Share of a speed limit that the projector uses: the stop's own bulge needs the rest."""

_FAMILIES = (Family.ACCELERATION, Family.JERK, Family.VELOCITY, Family.POSITION)
_OFF_LIMIT = 1e-3  # kept off a position limit, [rad]
_BRAKE_SHARE = 0.5  # of the acceleration limit that may be counted on to brake before a position limit


@dataclass(frozen=True, slots=True, kw_only=True)
class VelocityBox:
    """Bounds on the look-ahead velocity y = offset + gain * a_next, from every limit of the joints.

    Attributes:
        offset: shape (n,), [rad/s].
        gain: shape (n,), [s].
        lower: shape (n,), [rad/s].
        upper: shape (n,), [rad/s].
        lower_family: which limit gave each lower bound.
        upper_family: which limit gave each upper bound.
    """

    offset: FloatArray
    gain: FloatArray
    lower: FloatArray
    upper: FloatArray
    lower_family: tuple[str, ...]
    upper_family: tuple[str, ...]

    def acceleration(self, velocity: FloatArray) -> FloatArray:
        """Acceleration at the end of the tick that gives this look-ahead velocity, shape (n,), [rad/s^2]."""
        return (velocity - self.offset) / self.gain

    def breach(self, velocity: FloatArray) -> tuple[str, int] | None:
        """Family and joint of the worst bound that `velocity` breaks, or None."""
        over = np.maximum(self.lower - velocity, velocity - self.upper)
        worst = int(np.argmax(over))
        if not over[worst] > 1e-9:
            return None
        low = velocity[worst] < self.lower[worst]
        return (self.lower_family if low else self.upper_family)[worst], worst


def velocity_box(
    node: FloatArray, limits: JointLimits, tube: TrackingTube, gain: FloatArray, period_s: float
) -> VelocityBox:
    """Bounds on the look-ahead velocity; hard ones win over soft ones.

    Args:
        node: where the motion starts, shape (3, n).
        limits: of the joints.
        tube: kept off the position limits.
        gain: see `VelocityBox`, shape (n,), [s].
        period_s: time between nodes, [s].
    """
    n = node.shape[1]
    out, which = np.empty((3, n)), np.empty((2, n), dtype=np.int64)
    _bounds(
        np.ascontiguousarray(node, dtype=np.float64),
        limits.q_min, limits.q_max, limits.v_max, limits.a_max, limits.j_max,
        tube.position_rad, gain, period_s, out, which,
    )  # fmt: skip
    upper_family, lower_family = (tuple(_FAMILIES[k] for k in row) for row in which.tolist())
    return VelocityBox(
        offset=out[0],
        gain=gain,
        lower=out[1],
        upper=out[2],
        lower_family=lower_family,
        upper_family=upper_family,
    )


@kernel
def _bounds(
    node: FloatArray,
    q_min: FloatArray,
    q_max: FloatArray,
    v_max: FloatArray,
    a_max: FloatArray,
    j_max: FloatArray,
    tube_rad: float,
    gain: FloatArray,
    period_s: float,
    out: FloatArray,
    which: NDArray[np.int64],
) -> None:
    """Write offset, lower and upper bound by joint, and which of `_FAMILIES` gave the upper and the lower."""
    for i in range(node.shape[1]):
        q = node[0, i]
        v = node[1, i]
        a = node[2, i]
        offset = v + 0.5 * period_s * a
        step = j_max[i] * period_s
        brake = _BRAKE_SHARE * a_max[i]
        ahead = q + period_s * v
        speed = SPEED_SHARE * v_max[i]
        upper, which[0, i] = _tightest(
            offset + gain[i] * a_max[i],
            offset + gain[i] * (a + step),
            speed,
            _within(q_max[i] - tube_rad - _OFF_LIMIT - ahead, brake),
        )
        lower, which[1, i] = _tightest(
            -(offset - gain[i] * a_max[i]),
            -(offset + gain[i] * (a - step)),
            speed,
            _within(ahead - (q_min[i] + tube_rad + _OFF_LIMIT), brake),
        )
        hard_upper = offset + gain[i] * _least(a_max[i], a + step)
        hard_lower = offset + gain[i] * -_least(a_max[i], step - a)
        upper = _clipped(upper, hard_lower, hard_upper)
        out[0, i] = offset
        out[1, i] = _least(_clipped(-lower, hard_lower, hard_upper), upper)
        out[2, i] = upper


@kernel
def _least(one: float, other: float) -> float:
    """The smaller of two numbers, NaN if one of them is."""
    if one < other or not one == one:
        return one
    return other


@kernel
def _clipped(x: float, lower: float, upper: float) -> float:
    """Lower <= x <= upper, the upper bound last; NaN if one of them is."""
    return _least(-_least(-x, -lower), upper)


@kernel
def _within(room: float, brake: float) -> float:
    """Speed from which `brake` [rad/s^2] still stops within `room` [rad], and 8/s of it at most."""
    left = -_least(-room, -0.0)
    return _least(math.sqrt(2.0 * brake * left), 8.0 * left)


@kernel
def _tightest(one: float, two: float, three: float, four: float) -> tuple[float, int]:
    """The smallest of four numbers and which it is, the first of equals; NaN before all others."""
    best = one
    at = 0
    for k in range(1, 4):
        each = two if k == 1 else three if k == 2 else four
        if best == best and (each < best or not each == each):
            best = each
            at = k
    return best, at
