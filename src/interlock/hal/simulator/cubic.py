"""The curve between two nodes: linear acceleration, cubic position."""

from __future__ import annotations

import numpy as np

from interlock.hal.arrays import FloatArray

__all__ = ["sample_cubic"]


def sample_cubic(start: FloatArray, end: FloatArray, period_s: float, times_s: FloatArray) -> FloatArray:
    """Positions, velocities and accelerations at `times_s` after `start`.

    Args:
        start: node (q, v, a), shape (3, n), [rad, rad/s, rad/s^2].
        end: node one period later, of which only the acceleration is read, shape (3, n).
        period_s: time between the nodes, [s].
        times_s: times after `start`, shape (k,), [s].

    Returns:
        Shape (3, k, n).
    """
    q, v, a = start
    jerk = (end[2] - a) / period_s
    t = times_s[:, None]
    return np.stack(
        [
            q + t * (v + t * (a / 2.0 + t * (jerk / 6.0))),
            v + t * (a + t * (jerk / 2.0)),
            a + t * jerk,
        ]
    )
