"""Which capsules cover which link: more of them where a link works close to a table or to another link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interlock.guards.capsule_cover import cover
from interlock.guards.capsule_fit import Capsule, Tip
from interlock.guards.compile import kernel
from interlock.guards.distance import segment_segment
from interlock.guards.kinematics import capsules_world, forward
from interlock.guards.link_hull import LinkHull
from interlock.hal.arrays import FloatArray
from interlock.hal.robot import JointLimits

__all__ = ["ArmTree", "LinkCover", "cover_links", "judged_pairs"]

_MAX_CAPSULES = 3  # for one link
_MIN_GAIN = 0.15  # share of the cost of a cover that one more capsule has to save
_TIP_DEPTH = 0.02  # a link that ends this close behind the foremost one is a finger tip, [m]
_TIP_MIN_GAIN = 0.05
_TIP_WEIGHT = 20.0  # m: 2 mm past a tip cost as much as 80 cm^3
_CROWDED = 0.15  # share of all configurations in which two links' capsules are too close
_CLOSE_M = 0.007  # too close: the usual margin between links, and a little
_FINE_CAPSULES = 4
_FINE_MIN_GAIN = 0.02
_SAMPLES = 512

ArmTree = tuple[NDArray[np.int64], FloatArray, FloatArray, FloatArray, NDArray[np.bool_]]
"""Parent, rotation, position, axis and prismatic of the arm's joints, as `kinematics.forward` takes them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinkCover:
    """Capsules with the link and the joint of each.

    Attributes:
        joint: joint that carries each capsule, -1 for the world, shape (m,).
        link: name of the link of each capsule.
        a: first ends in the joint's frame, shape (m, 3), [m].
        b: second ends, shape (m, 3), [m].
        radius: radii, shape (m,), [m].
    """

    joint: NDArray[np.int64]
    link: tuple[str, ...]
    a: FloatArray
    b: FloatArray
    radius: FloatArray


def cover_links(
    hulls: Sequence[LinkHull],
    tree: ArmTree,
    limits: JointLimits,
    tool: tuple[str, int, FloatArray],
    touching: Sequence[tuple[str, str]],
    mounts: Sequence[str],
) -> LinkCover:
    """Cover every link, and once more with finer capsules where coarse ones of two links meet all too often.

    Args:
        hulls: the solid of every link.
        tree: the arm's joints.
        limits: the arm's limits; configurations are looked at inside them.
        tool: tool link, joint that carries it, and the tool's unit axis in that joint's frame, shape (3,).
        touching: pairs of links that are never judged.
        mounts: for each joint the link that it hangs on.
    """
    found = {hull.link: _cover(hull, tool, hulls) for hull in hulls}
    refined: set[str] = set()
    while True:
        links = _joined(hulls, found)
        crowded = _crowded_link(links, judged_pairs(links, tree[0], touching, mounts), tree, limits, refined)
        if crowded is None:
            return links
        refined.add(crowded)
        hull = next(hull for hull in hulls if hull.link == crowded)
        found[crowded] = cover(hull.pieces, _FINE_CAPSULES, _FINE_MIN_GAIN, _tip(hull, tool))


def judged_pairs(
    links: LinkCover,
    parent: NDArray[np.int64],
    touching: Sequence[tuple[str, str]],
    mounts: Sequence[str],
) -> NDArray[np.int64]:
    """Pairs of capsules on joints that are neither the same nor neighbours, less `touching`, shape (p, 2).

    Where several arms stand on one base, the base of one is no neighbour of another: what the first joint
    of an arm moves is then next to nothing but the link that it hangs on, `mounts`.
    """
    joint, link = links.joint, links.link
    allowed = {frozenset(pair) for pair in touching}
    several = int((parent < 0).sum()) > 1

    def carries(c: int, d: int) -> bool:
        """Whether d moves about a joint that hangs on what carries c."""
        if joint[d] < 0 or parent[joint[d]] != joint[c]:
            return False
        return joint[c] >= 0 or not several or mounts[joint[d]] == link[c]

    pairs = [
        (c, d)
        for c in range(len(joint))
        for d in range(c + 1, len(joint))
        if joint[c] != joint[d]
        and not (carries(c, d) or carries(d, c))
        and frozenset((link[c], link[d])) not in allowed
    ]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _cover(hull: LinkHull, tool: tuple[str, int, FloatArray], hulls: Sequence[LinkHull]) -> list[Capsule]:
    most, gain, tip = _MAX_CAPSULES, _MIN_GAIN, _tip(hull, tool)
    if tip is not None:
        foremost = max(_reach(other, tip.direction) for other in hulls if other.joint == hull.joint)
        if _reach(hull, tip.direction) > foremost - _TIP_DEPTH:
            gain = _TIP_MIN_GAIN
        else:
            most = 2
    return cover(hull.pieces, most, gain, tip)


def _tip(hull: LinkHull, tool: tuple[str, int, FloatArray]) -> Tip | None:
    """The gripper and the link that carries it work close to what the tool points at."""
    tool_link, tool_joint, axis = tool
    if hull.joint == tool_joint and (hull.swept or hull.link == tool_link):
        return Tip(direction=axis, weight=_TIP_WEIGHT)
    return None


def _reach(hull: LinkHull, axis: FloatArray) -> float:
    return float((np.vstack(hull.pieces) @ axis).max())


def _joined(hulls: Sequence[LinkHull], found: dict[str, list[Capsule]]) -> LinkCover:
    parts = [(hull, capsule) for hull in hulls for capsule in found[hull.link]]
    return LinkCover(
        joint=np.array([hull.joint for hull, _ in parts], dtype=np.int64),
        link=tuple(hull.link for hull, _ in parts),
        a=np.array([capsule.a for _, capsule in parts]),
        b=np.array([capsule.b for _, capsule in parts]),
        radius=np.array([capsule.radius + hull.bulge_m for hull, capsule in parts]),
    )


def _crowded_link(
    links: LinkCover, pairs: NDArray[np.int64], tree: ArmTree, limits: JointLimits, refined: set[str]
) -> str | None:
    """The thinner link, not refined yet, of the two that come too close most often; None if none do."""
    n = len(limits.names)
    # an additive recurrence fills the box of configurations evenly, and is the same on every machine
    golden = 2.0
    for _ in range(50):
        golden = (1.0 + golden) ** (1.0 / (n + 1.0))
    shares = np.outer(np.arange(1, _SAMPLES + 1), golden ** -np.arange(1.0, n + 1.0)) % 1.0
    q = limits.q_min + shares * (limits.q_max - limits.q_min)
    names = list(dict.fromkeys(links.link))
    link = np.array([names.index(name) for name in links.link], dtype=np.int64)
    close = np.zeros((len(q), len(names), len(names)), dtype=np.bool_)
    _mark_close(q, *tree, links.joint, links.a, links.b, links.radius, pairs, link, close)
    often = close.mean(axis=0)
    order = np.argsort(-often, axis=None, kind="stable")
    for first, second in np.stack(np.unravel_index(order, often.shape), axis=1):
        if often[first, second] <= _CROWDED:
            break
        left = [k for k in (first, second) if names[k] not in refined]
        if left:
            thinner: int = min(left, key=lambda k: float(links.radius[link == k].max()))
            return names[thinner]
    return None


@kernel
def _mark_close(
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
    pairs: NDArray[np.int64],
    link: NDArray[np.int64],
    close: NDArray[np.bool_],
) -> None:
    """Set close[k, i, j] where judged capsules of links i and j are too close in configuration q[k]."""
    rot = np.zeros((q.shape[1], 3, 3))
    pos = np.zeros((q.shape[1], 3))
    a = np.zeros(cap_a.shape)
    b = np.zeros(cap_b.shape)
    on_c = np.zeros(3)
    on_d = np.zeros(3)
    for k in range(q.shape[0]):
        forward(q[k], joint_parent, joint_rot, joint_pos, joint_axis, joint_prismatic, rot, pos)
        capsules_world(rot, pos, cap_joint, cap_a, cap_b, a, b)
        for p in range(pairs.shape[0]):
            c = pairs[p, 0]
            d = pairs[p, 1]
            apart = segment_segment(a[c], b[c], a[d], b[d], on_c, on_d)
            if not apart > cap_radius[c] + cap_radius[d] + _CLOSE_M:
                close[k, link[c], link[d]] = True
