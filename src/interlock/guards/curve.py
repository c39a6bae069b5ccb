"""The commanded curve: nodes (q, v, a), acceleration linear in between.

With a_k and a_{k+1} at the ends of a period h, the velocity is a parabola and the position a cubic::

    a(t) = a_k + (a_{k+1} - a_k) t/h
    v(t) = v_k + a_k t + (a_{k+1} - a_k) t^2 / (2h)
    q(t) = q_k + v_k t + a_k t^2/2 + (a_{k+1} - a_k) t^3 / (6h)

so every bound between samples is exact or analytic; nothing is sampled and hoped for.
"""

from __future__ import annotations

import math

import numpy as np

from interlock.guards.compile import kernel
from interlock.hal.arrays import FloatArray

__all__ = ["extremes", "largest_gap", "motion_at", "next_node", "travel_at", "travel_bounds"]


@kernel
def next_node(node: FloatArray, acceleration: FloatArray, period_s: float) -> FloatArray:
    """The node one period after `node` (3, n) if the acceleration ends at `acceleration` (n,) [rad/s^2]."""
    n = node.shape[1]
    out = np.empty((3, n))
    for i in range(n):
        q, v, a = node[0, i], node[1, i], node[2, i]
        b = acceleration[i]
        out[0, i] = q + period_s * v + period_s * period_s * (a / 3.0 + b / 6.0)
        out[1, i] = v + 0.5 * period_s * (a + b)
        out[2, i] = b
    return out


@kernel
def motion_at(nodes: FloatArray, period_s: float, tick: float, out: FloatArray) -> None:
    """Position, velocity and acceleration at `tick` (in periods, may be fractional); fills out (3, n)."""
    last = nodes.shape[0] - 1
    k = int(tick)
    if k > last - 1:
        k = last - 1
    if k < 0:
        k = 0
    t = (tick - k) * period_s
    for i in range(nodes.shape[2]):
        q, v, a = nodes[k, 0, i], nodes[k, 1, i], nodes[k, 2, i]
        jerk = (nodes[k + 1, 2, i] - a) / period_s
        out[0, i] = q + t * (v + t * (0.5 * a + t * jerk / 6.0))
        out[1, i] = v + t * (a + 0.5 * t * jerk)
        out[2, i] = a + t * jerk


@kernel
def largest_gap(nodes: FloatArray, period_s: float) -> float:
    """How far any node (m, 3, n) is from where the curve from the node before it leads, [rad] or [rad/s].

    NaN in, NaN out.
    """
    worst = 0.0
    total = 0.0
    for k in range(nodes.shape[0] - 1):
        for i in range(nodes.shape[2]):
            a, b = nodes[k, 2, i], nodes[k + 1, 2, i]
            v = nodes[k, 1, i] + 0.5 * period_s * (a + b)
            q = nodes[k, 0, i] + period_s * (nodes[k, 1, i] + period_s * (a / 3.0 + b / 6.0))
            gap_q, gap_v = abs(nodes[k + 1, 0, i] - q), abs(nodes[k + 1, 1, i] - v)
            worst = max(worst, gap_q, gap_v)
            total += gap_q + gap_v
    return worst if math.isfinite(total) else math.nan


@kernel
def travel_bounds(nodes: FloatArray, period_s: float, out_speed: FloatArray, out_travel: FloatArray) -> None:
    """Analytic bounds on each joint's motion.

    Between nodes the speed is a parabola: it leaves the chord by at most |a_{k+1} - a_k| h / 8.

    Args:
        nodes: shape (m, 3, n).
        period_s: time between nodes, [s].
        out_speed: shape (m - 1, n), filled with a bound on |v| in each period, [rad/s].
        out_travel: shape (m, n), filled with a bound on the path since node 0, [rad].
    """
    m, n = nodes.shape[0], nodes.shape[2]
    for i in range(n):
        out_travel[0, i] = 0.0
        for k in range(m - 1):
            bulge = abs(nodes[k + 1, 2, i] - nodes[k, 2, i]) * period_s / 8.0
            speed = max(abs(nodes[k, 1, i]), abs(nodes[k + 1, 1, i])) + bulge
            if not math.isfinite(nodes[k, 1, i] + nodes[k + 1, 1, i]):
                speed = math.nan  # `max` keeps the other one of a number and NaN
            out_speed[k, i] = speed
            out_travel[k + 1, i] = out_travel[k, i] + speed * period_s


@kernel
def extremes(nodes: FloatArray, period_s: float, out: FloatArray) -> None:
    """Exact extremes of every joint over the whole curve; fills out (6, n).

    Rows: lowest q, highest q [rad]; highest |v| [rad/s]; highest |a| [rad/s^2]; highest |jerk| [rad/s^3];
    path length [rad] bounded by the largest speed of each period.
    NaN anywhere makes the joint's rows NaN, so that every comparison with a limit fails.
    """
    m, n = nodes.shape[0], nodes.shape[2]
    for i in range(n):
        low = nodes[0, 0, i]
        high = low
        speed = abs(nodes[0, 1, i])
        acceleration = abs(nodes[0, 2, i])
        top_jerk = 0.0
        path = 0.0
        bad = not np.isfinite(nodes[0, 0, i] + nodes[0, 1, i] + nodes[0, 2, i])
        for k in range(m - 1):
            q, v, a = nodes[k, 0, i], nodes[k, 1, i], nodes[k, 2, i]
            q1, v1, a1 = nodes[k + 1, 0, i], nodes[k + 1, 1, i], nodes[k + 1, 2, i]
            if not np.isfinite(q1 + v1 + a1):
                bad = True
                break
            jerk = (a1 - a) / period_s
            low = min(low, q1)
            high = max(high, q1)
            here = max(abs(v), abs(v1))
            acceleration = max(acceleration, abs(a1))
            top_jerk = max(top_jerk, abs(jerk))
            if a * a1 < 0.0:  # the speed has an extreme inside the period
                t = -a / jerk
                here = max(here, abs(v + t * (a + 0.5 * t * jerk)))
            speed = max(speed, here)
            path += here * period_s
            # the position has an extreme where v(t) = 0
            disc = a * a - 2.0 * jerk * v
            if disc >= 0.0:
                root = np.sqrt(disc)
                # the two roots in a form without cancellation
                s = -(a + root) if a >= 0.0 else -(a - root)
                for which in range(2):
                    if which == 0:
                        t = s / jerk if jerk != 0.0 else -1.0
                    else:
                        t = 2.0 * v / s if s != 0.0 else -1.0
                    if 0.0 < t < period_s:
                        x = q + t * (v + t * (0.5 * a + t * jerk / 6.0))
                        low = min(low, x)
                        high = max(high, x)
        if bad:
            for row in range(6):
                out[row, i] = np.nan
        else:
            out[0, i] = low
            out[1, i] = high
            out[2, i] = speed
            out[3, i] = acceleration
            out[4, i] = top_jerk
            out[5, i] = path


@kernel
def travel_at(travel: FloatArray, speed_bound: FloatArray, period_s: float, tick: float, i: int) -> float:
    """Bound on the path of joint `i` up to `tick` (periods, maybe a fraction), [rad]; see `travel_bounds`."""
    k = min(int(tick), speed_bound.shape[0] - 1)
    return float(travel[k, i] + speed_bound[k, i] * (tick - k) * period_s)
