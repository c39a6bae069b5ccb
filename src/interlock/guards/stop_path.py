"""How far the joints go until they stand: the path of the commanded curve, turns between nodes included."""

from __future__ import annotations

import numpy as np

from interlock.guards.compile import kernel
from interlock.hal.arrays import FloatArray
from interlock.hal.driver import STANDSTILL_RAD_S

__all__ = ["path_length", "stop_distance"]


@kernel
def path_length(nodes: FloatArray, period_s: float) -> float:
    """Exact path of all joints together along the curve through `nodes`, shape (m, 3, n), [rad].

    Between nodes the speed is a parabola; where it passes through 0 the joint turns, and its way there and
    back both count. NaN in, NaN out.
    """
    total = 0.0
    for k in range(nodes.shape[0] - 1):
        for i in range(nodes.shape[2]):
            v, a = nodes[k, 1, i], nodes[k, 2, i]
            jerk = (nodes[k + 1, 2, i] - a) / period_s
            first, second = 0.0, 0.0
            disc = a * a - 2.0 * jerk * v
            if disc > 0.0:
                root = np.sqrt(disc)
                s = -(a + root) if a >= 0.0 else root - a  # the two roots in a form without cancellation
                one = s / jerk if jerk != 0.0 else 0.0
                other = 2.0 * v / s
                first = min(max(min(one, other), 0.0), period_s)
                second = min(max(max(one, other), 0.0), period_s)
            at_first = first * (v + first * (0.5 * a + first * jerk / 6.0))
            at_second = second * (v + second * (0.5 * a + second * jerk / 6.0))
            at_end = period_s * (v + period_s * (0.5 * a + period_s * jerk / 6.0))
            total += abs(at_first) + abs(at_second - at_first) + abs(at_end - at_second)
    return float(total)


def stop_distance(nodes: FloatArray, period_s: float) -> float:
    """How far the joints go along `nodes`, shape (m, 3, n), until they are *measured* to stand, [rad].

    The path, and what each joint may still travel in the period in which the driver says that it stands.
    """
    return float(path_length(nodes, period_s) + nodes.shape[2] * STANDSTILL_RAD_S * period_s)
