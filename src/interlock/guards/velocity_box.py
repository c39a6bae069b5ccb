"""How fast each joint may be going a little ahead, by its own limits alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interlock.guards.verdict import Family
from interlock.hal.arrays import FloatArray
from interlock.hal.robot import JointLimits, TrackingTube

__all__ = ["SPEED_SHARE", "VelocityBox", "velocity_box"]

SPEED_SHARE = 0.97
"""Share of a speed limit that the projector uses: the stop's own bulge needs the rest."""

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
    q, v, a = node
    offset = v + 0.5 * period_s * a
    step = limits.j_max * period_s
    ahead_q = q + period_s * v
    room_up = np.maximum(limits.q_max - tube.position_rad - 1e-3 - ahead_q, 0.0)
    room_down = np.maximum(ahead_q - (limits.q_min + tube.position_rad + 1e-3), 0.0)
    brake = _BRAKE_SHARE * limits.a_max
    names = (Family.ACCELERATION, Family.JERK, Family.VELOCITY, Family.POSITION)
    upper, upper_family = _tightest(
        [
            offset + gain * limits.a_max,
            offset + gain * (a + step),
            SPEED_SHARE * limits.v_max,
            np.minimum(np.sqrt(2.0 * brake * room_up), 8.0 * room_up),
        ],
        names,
    )
    lower, lower_family = _tightest(
        [
            -(offset - gain * limits.a_max),
            -(offset + gain * (a - step)),
            SPEED_SHARE * limits.v_max,
            np.minimum(np.sqrt(2.0 * brake * room_down), 8.0 * room_down),
        ],
        names,
    )
    lower = -lower
    hard_upper = offset + gain * np.minimum(limits.a_max, a + step)
    hard_lower = offset + gain * np.maximum(-limits.a_max, a - step)
    upper = np.clip(upper, hard_lower, hard_upper)
    lower = np.clip(lower, hard_lower, hard_upper)
    lower = np.minimum(lower, upper)
    return VelocityBox(
        offset=offset,
        gain=gain,
        lower=lower,
        upper=upper,
        lower_family=lower_family,
        upper_family=upper_family,
    )


def _tightest(bounds: list[FloatArray], names: tuple[str, ...]) -> tuple[FloatArray, tuple[str, ...]]:
    stacked = np.array(bounds)
    which = np.argmin(stacked, axis=0)
    return stacked.min(axis=0), tuple(names[k] for k in which)
