"""How a moving obstacle moves in the simulator; guards know only its declared speed bound."""

from __future__ import annotations

import math
from dataclasses import dataclass

from interlock.hal.arrays import FloatArray, frozen_array

__all__ = ["ShuttleMotion"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShuttleMotion:
    """Back and forth on a line as a sine, never faster than `max_speed_m_s`; it does not yield.

    Attributes:
        start: one end of the line in the world, shape (3,), [m].
        end: the other end, shape (3,), [m].
        max_speed_m_s: speed at the middle of the line, [m/s].
        phase_rad: where on the sine it is at time 0, [rad].
    """

    start: FloatArray
    end: FloatArray
    max_speed_m_s: float
    phase_rad: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", frozen_array(self.start, (3,), "motion.start"))
        object.__setattr__(self, "end", frozen_array(self.end, (3,), "motion.end"))

    def _angle(self, t_s: float) -> tuple[float, float]:
        half = math.dist(self.start, self.end) / 2.0
        rate = self.max_speed_m_s / half if half > 0.0 else 0.0
        return self.phase_rad + rate * t_s, rate

    def position(self, t_s: float) -> FloatArray:
        """Centre at time `t_s`, shape (3,), [m]."""
        angle, _ = self._angle(t_s)
        return self.start + (self.end - self.start) * (0.5 - 0.5 * math.cos(angle))

    def velocity(self, t_s: float) -> FloatArray:
        """Velocity at time `t_s`, shape (3,), [m/s]."""
        angle, rate = self._angle(t_s)
        return (self.end - self.start) * (0.5 * rate * math.sin(angle))
