"""What is nearer than it may be while the robot stands: the margins that a retreat has to open again."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from interlock.guards.body import BodyModel
from interlock.guards.certificate import Margin
from interlock.guards.compile import kernel
from interlock.guards.distance import segment_segment_scalars
from interlock.guards.kinematics import capsules_world, forward, tool_position
from interlock.guards.part_distance import part_distance
from interlock.guards.recede import BROKEN_FACE, BROKEN_PART, BROKEN_SELF
from interlock.guards.verdict import Family
from interlock.guards.verifier import Surroundings
from interlock.hal.arrays import FloatArray

__all__ = ["Broken", "find_broken"]

_MOST = 64
_FAR_M = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Margins broken at one configuration.

    Attributes:
        pairs: which, in the order of `recedes`, shape (k, 3).
        slack_m: what is left of each distance after every inflation, below 0 or NaN, shape (k,), [m].
        where: family and names of the one that is broken most.
        hopeless: why nothing may move from here, "" if something may.
    """

    pairs: NDArray[np.int64]
    slack_m: FloatArray
    where: tuple[str, str]
    hopeless: str

    def names(self, index: int, around: Surroundings) -> tuple[str, str]:
        """Family and names of one of the pairs."""
        return _where(self.pairs[index], around)

    def margins(self, around: Surroundings) -> list[Margin]:
        """What is left of each distance: its smallest slack, if it does not shrink."""
        return [
            Margin(family=family, value=float(slack), unit="m", where=where)
            for (family, where), slack in zip(
                (_where(pair, around) for pair in self.pairs), self.slack_m, strict=True
            )
        ]

    def left_out(
        self, around: Surroundings, keep_lower: FloatArray, keep_upper: FloatArray
    ) -> tuple[Surroundings, FloatArray, FloatArray]:
        """The same world without what is broken: all else has to be kept as ever."""
        solid, skip = around.solid, around.skip.copy()
        kept = np.ones(len(solid.self_pairs), dtype=np.bool_)
        lower, upper = keep_lower.copy(), keep_upper.copy()
        for kind, first, second in self.pairs.tolist():
            if kind == BROKEN_PART:
                skip[first, second] = True
            elif kind == BROKEN_SELF:
                kept[first] = False
            elif second % 2:
                upper[first, second // 2] = _FAR_M
            else:
                lower[first, second // 2] = -_FAR_M
        solid = replace(
            solid,
            self_pairs=np.ascontiguousarray(solid.self_pairs[kept]),
            pair_lever=np.ascontiguousarray(solid.pair_lever[kept]),
            pair_tube_m=np.ascontiguousarray(solid.pair_tube_m[kept]),
        )
        return replace(around, solid=solid, skip=skip), lower, upper


def find_broken(
    body: BodyModel,
    q: FloatArray,
    around: Surroundings,
    self_margin_m: float,
    keep_lower: FloatArray,
    keep_upper: FloatArray,
) -> Broken | None:
    """The margins broken at `q`, shape (n,), [rad]; None if there are none.

    Hopeless are a penetration (left to a person), an obstacle that moves by itself (its reach grows faster
    than any retreat), and more broken pairs than a retreat could be judged by.
    """
    solid, obstacles = around.solid, around.obstacles
    pairs = np.empty((_MOST, 3), dtype=np.int64)
    slack, gap = np.empty(_MOST), np.empty(_MOST)
    count = _broken(
        np.ascontiguousarray(q),
        body.joint_parent, body.joint_rot, body.joint_pos, body.joint_axis, body.joint_prismatic,
        solid.cap_joint, solid.cap_a, solid.cap_b, solid.cap_radius, solid.tube_m,
        solid.self_pairs, solid.pair_tube_m, self_margin_m,
        obstacles.kind, obstacles.rot, obstacles.pos, obstacles.half, obstacles.a, obstacles.b,
        obstacles.span, obstacles.facets, obstacles.edges,
        obstacles.inflation_m, obstacles.radius_m, around.skip,
        body.tool_joint, body.tool_pos, float(body.tool_lever.sum()) * body.robot.tube.position_rad,
        keep_lower, keep_upper,
        pairs, slack, gap,
    )  # fmt: skip
    if count == 0:
        return None
    pairs = pairs[: min(count, _MOST)]
    worst = int(np.argmin(slack[: len(pairs)]))
    hopeless = ""
    if count > _MOST:
        hopeless = f"more than {_MOST} pairs are too near"
    for pair, left in zip(pairs, gap, strict=False):
        names = _where(pair, around)[1]
        if not left > 0.0:
            hopeless = f"{names} overlap already: a person has to free the robot"
        elif pair[0] == BROKEN_PART and obstacles.speed_m_s[pair[2]] > 0.0:
            hopeless = f"{names} are too near, and {obstacles.owner[pair[2]]} moves by itself"
    slack = slack[: len(pairs)]
    return Broken(pairs=pairs, slack_m=slack, where=_where(pairs[worst], around), hopeless=hopeless)


def _where(pair: NDArray[np.int64], around: Surroundings) -> tuple[str, str]:
    kind, first, second = (int(k) for k in pair)
    if kind == BROKEN_PART:
        return around.contact_pair(first, second)
    if kind == BROKEN_SELF:
        one, other = around.solid.self_pairs[first]
        return around.self_pair(int(one), int(other))
    return str(Family.ZONES), f"tool and keep-in zone {first}"


@kernel
def _broken(
    q: FloatArray,
    joint_parent: NDArray[np.int64],
    joint_rot: FloatArray,
    joint_pos: FloatArray,
    joint_axis: FloatArray,
    joint_prismatic: NDArray[np.bool_],
    cap_joint: NDArray[np.int64],
    cap_a: FloatArray,
    cap_b: FloatArray,
    cap_radius: FloatArray,
    tube: FloatArray,
    self_pairs: NDArray[np.int64],
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
    bare: FloatArray,
    skip: NDArray[np.bool_],
    tool_joint: int,
    tool_offset: FloatArray,
    tool_tube: float,
    keep_lower: FloatArray,
    keep_upper: FloatArray,
    out_pairs: NDArray[np.int64],
    out_slack: FloatArray,
    out_gap: FloatArray,
) -> int:
    """Write pair, slack and bare gap [m] of what is broken at `q`; returns how many there are."""
    n = q.shape[0]
    caps = cap_joint.shape[0]
    rot = np.empty((n, 3, 3))
    pos = np.empty((n, 3))
    world_a = np.empty((caps, 3))
    world_b = np.empty((caps, 3))
    tool = np.empty(3)
    forward(q, joint_parent, joint_rot, joint_pos, joint_axis, joint_prismatic, rot, pos)
    capsules_world(rot, pos, cap_joint, cap_a, cap_b, world_a, world_b)
    tool_position(rot, pos, tool_joint, tool_offset, tool)
    count = 0
    for c in range(caps):
        if cap_joint[c] < 0:
            continue
        for e in range(part_kind.shape[0]):
            if skip[c, e]:
                continue
            found = part_distance(
                world_a, world_b, c, e, part_kind, part_rot, part_pos, half, obs_a, obs_b,
                span, facets, edges,
            )  # fmt: skip
            slack = found[0] - cap_radius[c] - inflation[e] - tube[c]
            if not slack >= 0.0:
                gap = found[0] - cap_radius[c] - bare[e]
                count = _note(out_pairs, out_slack, out_gap, count, BROKEN_PART, c, e, slack, gap)
    for k in range(self_pairs.shape[0]):
        i, j = self_pairs[k, 0], self_pairs[k, 1]
        found = segment_segment_scalars(
            world_a[i, 0], world_a[i, 1], world_a[i, 2], world_b[i, 0], world_b[i, 1], world_b[i, 2],
            world_a[j, 0], world_a[j, 1], world_a[j, 2], world_b[j, 0], world_b[j, 1], world_b[j, 2],
        )  # fmt: skip
        gap = found[0] - cap_radius[i] - cap_radius[j]
        slack = gap - pair_tube[k] - self_margin
        if not slack >= 0.0:
            count = _note(out_pairs, out_slack, out_gap, count, BROKEN_SELF, k, 0, slack, gap)
    for z in range(keep_lower.shape[0]):
        for r in range(3):
            slack = tool[r] - keep_lower[z, r] - tool_tube
            if not slack >= 0.0:
                count = _note(out_pairs, out_slack, out_gap, count, BROKEN_FACE, z, 2 * r, slack, 1.0)
            slack = keep_upper[z, r] - tool[r] - tool_tube
            if not slack >= 0.0:
                count = _note(out_pairs, out_slack, out_gap, count, BROKEN_FACE, z, 2 * r + 1, slack, 1.0)
    return count


@kernel
def _note(
    pairs: NDArray[np.int64],
    slacks: FloatArray,
    gaps: FloatArray,
    count: int,
    kind: int,
    first: int,
    second: int,
    slack: float,
    gap: float,
) -> int:
    if count < pairs.shape[0]:
        pairs[count, 0] = kind
        pairs[count, 1] = first
        pairs[count, 2] = second
        slacks[count] = slack
        gaps[count] = gap if slack < 0.0 else math.nan  # a slack that is no number is no way out
    return count + 1
