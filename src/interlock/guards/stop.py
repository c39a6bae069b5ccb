"""The stop: from any node to rest, on the control grid, inside acceleration and jerk limits.

For one joint with velocity v, acceleration a, a stop of N periods needs accelerations a_1 .. a_{N-1} and
a_N = 0, with

    sum_{k=1}^{N-1} a_k = -(v/h + a/2) =: S          (the trapezoid sum of v_N = 0)

Each a_k lies in the tube L_k <= a_k <= U_k with

    L_k = max(-A, a - kJ, -(N-k)J),   U_k = min(A, a + kJ, (N-k)J),   J = j_max h,

which is what the acceleration limit A and the jerk limit allow from both ends. L and U change by at most J
a step, hence so does every mixture L + w(U - L); the one whose sum is S is the stop. A larger N only widens
the tube, so the smallest N is found by counting up. No clock, no iteration to a tolerance: the same node
gives the same bits.
"""

from __future__ import annotations

import numpy as np

from interlock.guards.compile import kernel
from interlock.hal.arrays import FloatArray

__all__ = ["MAX_STOP_TICKS", "stop_tail", "stop_ticks"]

MAX_STOP_TICKS = 400
"""A stop that would need more periods than this does not exist for the gate."""


@kernel
def _sums(v: float, a: float, top: float, step: float, ticks: int) -> tuple[float, float]:
    low = 0.0
    high = 0.0
    for k in range(1, ticks):
        low += max(-top, a - k * step, -(ticks - k) * step)
        high += min(top, a + k * step, (ticks - k) * step)
    return low, high


@kernel
def stop_ticks(v: float, a: float, a_max: float, j_max: float, period_s: float, max_ticks: int) -> int:
    """Fewest periods in which one joint can come to rest; -1 if none up to `max_ticks`."""
    if v == 0.0 and a == 0.0:
        return 0
    if not (np.isfinite(v) and np.isfinite(a)):
        return -1
    step = j_max * period_s
    need = -(v / period_s + 0.5 * a)
    slack = 1e-12 * (abs(need) + a_max)
    for ticks in range(1, max_ticks + 1):
        if abs(a) > ticks * step * (1.0 + 1e-12):
            continue
        low, high = _sums(v, a, a_max, step, ticks)
        if low - slack <= need <= high + slack:
            return ticks
    return -1


@kernel
def stop_tail(
    node: FloatArray,
    a_max: FloatArray,
    j_max: FloatArray,
    period_s: float,
    together: bool,
    max_ticks: int,
) -> FloatArray:
    """The nodes of the stop after `node`, shape (N, 3, n); N = 0 at rest.

    Args:
        node: shape (3, n), [rad, rad/s, rad/s^2].
        a_max: shape (n,), [rad/s^2].
        j_max: shape (n,), [rad/s^3].
        period_s: time between nodes, [s].
        together: True: all joints come to rest in the same period, which keeps close to the path;
            False: each joint as fast as it can.
        max_ticks: longest stop considered.

    Returns:
        The tail, or an array of shape (1, 3, n) full of NaN if there is no such stop (NaN fails every check).
    """
    n = node.shape[1]
    each = np.empty(n, dtype=np.int64)
    longest = 0
    for i in range(n):
        each[i] = stop_ticks(node[1, i], node[2, i], a_max[i], j_max[i], period_s, max_ticks)
        if each[i] < 0:
            return np.full((1, 3, n), np.nan)
        longest = max(longest, each[i])
    tail = np.empty((longest, 3, n))
    for i in range(n):
        ticks = longest if together else each[i]
        q, v, a = node[0, i], node[1, i], node[2, i]
        start = a
        step = j_max[i] * period_s
        low, high = _sums(v, a, a_max[i], step, ticks)
        need = -(v / period_s + 0.5 * a)
        weight = (need - low) / (high - low) if high > low else 0.0
        weight = min(max(weight, 0.0), 1.0)
        for k in range(1, longest + 1):
            if k < ticks:
                lower = max(-a_max[i], start - k * step, -(ticks - k) * step)
                upper = min(a_max[i], start + k * step, (ticks - k) * step)
                b = lower + weight * (upper - lower)
            else:
                b = 0.0
            q = q + period_s * v + period_s * period_s * (a / 3.0 + b / 6.0)
            v = v + 0.5 * period_s * (a + b)
            a = b
            if k >= ticks:
                v = 0.0  # what is left is rounding, below 1e-15 of the speed
            tail[k - 1, 0, i] = q
            tail[k - 1, 1, i] = v
            tail[k - 1, 2, i] = a
    return tail
