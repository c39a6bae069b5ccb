"""Between samples: a whole motion is shown clear by bisection on analytic motion bounds.

On an interval of time, every point of capsule c stays within sum_i lever[c, i] * travel_i of where it is at
the middle of the interval (travel_i bounds the path of joint i to either end). If the distance at the middle
exceeds what is required by more than that, the pair is clear for the whole interval; if it falls short at the
middle, the motion is refused; otherwise the interval is halved. Out of budget means refused, never clear.
(Schwarzer, Saha, Latombe: Adaptive dynamic collision checking, IEEE T-RO 2005.)
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from interlock.guards.compile import kernel
from interlock.guards.curve import motion_at, travel_at
from interlock.guards.distance import segment_segment_scalars
from interlock.guards.kinematics import capsules_world, forward, tool_position
from interlock.guards.part_distance import environment_distance, solid_distance
from interlock.guards.part_kind import BOX, HULL
from interlock.guards.tool_speed import point_speed, tool_speed_change
from interlock.hal.arrays import FloatArray

__all__ = [
    "CLEAR",
    "ENV_PAIR",
    "HELD_ENV_PAIR",
    "HELD_SELF_PAIR",
    "KEEP_IN",
    "MARGINS",
    "MAX_DEPTH",
    "SELF_PAIR",
    "TOOL_SPEED",
    "UNCLEAR",
    "VIOLATED",
    "ZONE_PAIR",
    "sweep",
]

CLEAR, VIOLATED, UNCLEAR = 0, 1, 2
ENV_PAIR, SELF_PAIR, KEEP_IN, TOOL_SPEED = 0, 1, 2, 3
ZONE_PAIR, HELD_ENV_PAIR, HELD_SELF_PAIR = 4, 5, 6
MARGINS = 7
"""Kinds of check, and behind them the pairs that belong to another family than the rest of their kind."""

MAX_DEPTH = 16
_BUDGET = 4000  # intervals
_SPARE_M = 1e-6  # that a ball about a hull is wider than it has to be


@kernel
def _ball_about(
    e: int,
    kind: NDArray[np.int8],
    rot: FloatArray,
    span: NDArray[np.int64],
    facets: FloatArray,
    edges: FloatArray,
) -> float:
    """Radius of a ball about `pos` that holds hull `e`, [m]; inf where a number is none, or the part."""
    if kind[e] != HULL:
        return math.inf
    most = 0.0
    total = rot[e].sum() + facets[span[e, 0] : span[e, 1]].sum()
    for k in range(span[e, 2], span[e, 3]):
        for end in (0, 3):
            square = edges[k, end] ** 2 + edges[k, end + 1] ** 2 + edges[k, end + 2] ** 2
            most = max(most, square)
            total += square
    return math.sqrt(most) + _SPARE_M if math.isfinite(total) else math.inf


@kernel
def _least_distance(
    cap_a: FloatArray, cap_b: FloatArray, c: int, e: int, pos: FloatArray, ball: FloatArray
) -> float:
    """The axis of capsule `c` is no nearer to hull `e` than this, [m], by the ball about it."""
    to_centre = segment_segment_scalars(
        cap_a[c, 0], cap_a[c, 1], cap_a[c, 2], cap_b[c, 0], cap_b[c, 1], cap_b[c, 2],
        pos[e, 0], pos[e, 1], pos[e, 2], pos[e, 0], pos[e, 1], pos[e, 2],
    )  # fmt: skip
    apart: float = to_centre[0] - ball[e]
    return apart


@kernel
def sweep(
    nodes: FloatArray,
    speed_bound: FloatArray,
    travel: FloatArray,
    period_s: float,
    joint_parent: NDArray[np.int64],
    joint_rot: FloatArray,
    joint_pos: FloatArray,
    joint_axis: FloatArray,
    joint_prismatic: NDArray[np.bool_],
    cap_joint: NDArray[np.int64],
    cap_a: FloatArray,
    cap_b: FloatArray,
    cap_radius: FloatArray,
    lever: FloatArray,
    tube: FloatArray,
    self_pairs: NDArray[np.int64],
    pair_lever: FloatArray,
    pair_tube: FloatArray,
    self_margin: float,
    part_kind: NDArray[np.int8],
    part_rot: FloatArray,
    part_pos: FloatArray,
    half: FloatArray,
    obs_a: FloatArray,
    obs_b: FloatArray,
    span: NDArray[np.int64],
    facets: FloatArray,
    edges: FloatArray,
    inflation: FloatArray,
    obs_speed: FloatArray,
    skip: NDArray[np.bool_],
    is_zone: NDArray[np.bool_],
    held_from: int,
    tool_joint: int,
    tool_offset: FloatArray,
    tool_lever: FloatArray,
    tool_tube: float,
    keep_lower: FloatArray,
    keep_upper: FloatArray,
    tool_speed_limit: float,
    out_margin: FloatArray,
    out_pair: NDArray[np.int64],
    out_fault: FloatArray,
    out_shown: FloatArray,
) -> int:
    """Show that the motion through `nodes` is clear, or say what it breaks.

    Args:
        nodes: shape (m, 3, n), m >= 2.
        speed_bound: from `travel_bounds`, shape (m - 1, n), [rad/s].
        travel: from `travel_bounds`, shape (m, n), [rad].
        period_s: time between nodes, [s].
        joint_parent: kinematic tree, see `kinematics`.
        joint_rot: see `kinematics`.
        joint_pos: see `kinematics`.
        joint_axis: see `kinematics`.
        joint_prismatic: see `kinematics`.
        cap_joint: see `MovingSolid`; so are the other arrays of capsules, levers and tubes.
        cap_a: see `MovingSolid`.
        cap_b: see `MovingSolid`.
        cap_radius: see `MovingSolid`.
        lever: see `MovingSolid`.
        tube: see `MovingSolid`.
        self_pairs: see `MovingSolid`.
        pair_lever: see `MovingSolid`.
        pair_tube: see `MovingSolid`.
        self_margin: required between links, [m].
        part_kind: see `Obstacles`; so are the other arrays of parts.
        part_rot: see `Obstacles`.
        part_pos: see `Obstacles`.
        half: see `Obstacles`.
        obs_a: see `Obstacles`.
        obs_b: see `Obstacles`.
        span: see `Obstacles`.
        facets: see `Obstacles`.
        edges: see `Obstacles`.
        inflation: see `Obstacles`.
        obs_speed: see `Obstacles`.
        skip: pairs that may touch now, shape (capsules, parts), bool.
        is_zone: see `Obstacles`; it and the next only tell whose margin a slack is.
        held_from: see `MovingSolid`.
        tool_joint: joint that carries the TCP.
        tool_offset: TCP in that joint's frame, shape (3,), [m].
        tool_lever: see `BodyModel`, shape (n,), [m/rad].
        tool_tube: what the tracking tube adds to the TCP, [m].
        keep_lower: lower corners of the keep-in zones, shape (z, 3), [m].
        keep_upper: upper corners, shape (z, 3), [m].
        tool_speed_limit: bound on the speed of the TCP, [m/s].
        out_margin: shape (MARGINS,), least slack seen at the instants judged, by kind of check and apart for
            ZONE_PAIR, HELD_ENV_PAIR and HELD_SELF_PAIR, [m], of TOOL_SPEED [m/s], written.
        out_pair: shape (MARGINS, 2), int64, where it was, written.
        out_fault: shape (5,), kind (-1: none), first and second index, slack, time [periods], written.
        out_shown: shape (5,), for each kind the bound that no slack falls below at any instant, as far as
            judged, and how many intervals that took, written.

    Returns:
        CLEAR, VIOLATED or UNCLEAR.
    """
    n = nodes.shape[2]
    caps = cap_joint.shape[0]
    parts = part_kind.shape[0]
    pairs = self_pairs.shape[0]
    zones = keep_lower.shape[0]
    items = caps * parts + pairs + zones + 1
    first_self = caps * parts
    first_zone = first_self + pairs
    speed_item = first_zone + zones
    lists = np.empty((MAX_DEPTH + 2, items), dtype=np.int64)
    lengths = np.zeros(MAX_DEPTH + 2, dtype=np.int64)
    out_fault[0] = -1.0
    if not math.isfinite(nodes.sum() + speed_bound.sum() + travel.sum()):
        return UNCLEAR
    out_shown[4] = 0.0
    for kind in range(4):
        out_shown[kind] = math.inf
    for margin in range(MARGINS):
        out_margin[margin] = math.inf
        out_pair[margin, 0] = -1
        out_pair[margin, 1] = -1
    count = 0
    for c in range(caps):
        if cap_joint[c] >= 0:
            for e in range(parts):
                if not skip[c, e]:
                    lists[0, count] = c * parts + e
                    count += 1
    for k in range(first_self, items):
        lists[0, count] = k
        count += 1
    lengths[0] = count

    stack_from = np.empty(2 * MAX_DEPTH + 4)
    stack_to = np.empty(2 * MAX_DEPTH + 4)
    stack_depth = np.empty(2 * MAX_DEPTH + 4, dtype=np.int64)
    stack_from[0] = 0.0
    stack_to[0] = nodes.shape[0] - 1.0
    stack_depth[0] = 0
    top = 1
    used = 0

    here = np.empty((3, n))
    rot = np.empty((n, 3, 3))
    pos = np.empty((n, 3))
    world_a = np.empty((caps, 3))
    world_b = np.empty((caps, 3))
    tool = np.empty(3)
    jacobian = np.empty((3, n))
    move = np.empty(n)
    reach = np.empty(caps)
    ball = np.empty(parts)
    for e in range(parts):
        ball[e] = _ball_about(e, part_kind, part_rot, span, facets, edges)

    while top > 0:
        top -= 1
        t0, t1, depth = stack_from[top], stack_to[top], stack_depth[top]
        used += 1
        out_shown[4] = used
        if used > _BUDGET:
            return UNCLEAR
        mid = 0.5 * (t0 + t1)
        motion_at(nodes, period_s, mid, here)
        for i in range(n):
            at_mid = travel_at(travel, speed_bound, period_s, mid, i)
            before = at_mid - travel_at(travel, speed_bound, period_s, t0, i)
            after = travel_at(travel, speed_bound, period_s, t1, i) - at_mid
            move[i] = max(before, after) if math.isfinite(before + after) else math.nan
        forward(here[0], joint_parent, joint_rot, joint_pos, joint_axis, joint_prismatic, rot, pos)
        capsules_world(rot, pos, cap_joint, cap_a, cap_b, world_a, world_b)
        tool_position(rot, pos, tool_joint, tool_offset, tool)
        for c in range(caps):
            reach[c] = 0.0
            for i in range(n):
                reach[c] += lever[c, i] * move[i]
        unresolved = 0
        for index in range(lengths[depth]):
            item = lists[depth, index]
            kind = ENV_PAIR
            margin = ENV_PAIR
            first = -1
            second = -1
            if item < first_self:
                c = item // parts
                e = item - c * parts
                first, second = c, e
                if is_zone[e]:
                    margin = ZONE_PAIR
                elif c >= held_from:
                    margin = HELD_ENV_PAIR
                need = cap_radius[c] + inflation[e] + tube[c]
                # one call for all kinds would cost all scenes a quarter of their time
                if part_kind[e] <= BOX:
                    found = environment_distance(
                        world_a, world_b, c, e, part_kind, part_rot, part_pos, half, obs_a, obs_b
                    )
                else:
                    # a hull further off than any figure that is kept is not measured: neither would change
                    apart = _least_distance(world_a, world_b, c, e, part_pos, ball)
                    slack = apart - need - obs_speed[e] * mid * period_s
                    worst = apart - need - obs_speed[e] * t1 * period_s - reach[c]
                    if slack >= out_margin[margin] and worst >= max(out_shown[kind], 0.0):
                        continue
                    found = solid_distance(
                        world_a, world_b, c, e, part_kind, part_rot, part_pos, span, facets, edges
                    )
                slack = found[0] - need - obs_speed[e] * mid * period_s
                worst = found[0] - need - obs_speed[e] * t1 * period_s - reach[c]
            elif item < first_zone:
                kind = SELF_PAIR
                k = item - first_self
                first = self_pairs[k, 0]
                second = self_pairs[k, 1]
                margin = HELD_SELF_PAIR if second >= held_from else SELF_PAIR
                found = segment_segment_scalars(
                    world_a[first, 0], world_a[first, 1], world_a[first, 2],
                    world_b[first, 0], world_b[first, 1], world_b[first, 2],
                    world_a[second, 0], world_a[second, 1], world_a[second, 2],
                    world_b[second, 0], world_b[second, 1], world_b[second, 2],
                )  # fmt: skip
                slack = found[0] - cap_radius[first] - cap_radius[second] - pair_tube[k] - self_margin
                worst = slack
                for i in range(n):
                    worst -= pair_lever[k, i] * move[i]
            elif item < speed_item:
                kind = KEEP_IN
                margin = KEEP_IN
                first = item - first_zone
                slack = math.inf
                total = 0.0
                for r in range(3):
                    slack = min(slack, tool[r] - keep_lower[first, r])
                    slack = min(slack, keep_upper[first, r] - tool[r])
                    total += tool[r] + keep_lower[first, r] + keep_upper[first, r]
                if not math.isfinite(total):
                    slack = math.nan  # `min` keeps the other one of a number and NaN
                slack -= tool_tube
                worst = slack
                for i in range(n):
                    worst -= tool_lever[i] * move[i]
            else:
                kind = TOOL_SPEED
                margin = TOOL_SPEED
                slack = tool_speed_limit - point_speed(
                    rot, pos, tool, tool_joint, joint_parent, joint_axis, joint_prismatic, here[1], jacobian
                )
                worst = slack - tool_speed_change(nodes, speed_bound, tool_lever, t0, t1, period_s)
            if slack < out_margin[margin]:
                out_margin[margin] = slack
                out_pair[margin, 0] = first
                out_pair[margin, 1] = second
            if not slack >= 0.0:  # NaN is a violation too
                out_fault[0] = kind
                out_fault[1] = first
                out_fault[2] = second
                out_fault[3] = slack
                out_fault[4] = mid
                return VIOLATED
            if not worst >= 0.0:
                if depth >= MAX_DEPTH:
                    out_fault[0] = kind
                    out_fault[1] = first
                    out_fault[2] = second
                    out_fault[3] = slack
                    out_fault[4] = mid
                    return UNCLEAR
                lists[depth + 1, unresolved] = item
                unresolved += 1
            elif worst < out_shown[kind]:
                out_shown[kind] = worst
        lengths[depth + 1] = unresolved
        if unresolved > 0:
            stack_from[top] = mid
            stack_to[top] = t1
            stack_depth[top] = depth + 1
            top += 1
            stack_from[top] = t0
            stack_to[top] = mid
            stack_depth[top] = depth + 1
            top += 1
    return CLEAR
