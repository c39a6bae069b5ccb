"""The part of the self-test that looks at the robot: kinematics, capsules, limits, link pairs, home."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import coal
import numpy as np
import pinocchio as pin

from interlock.guards.body import BodyModel, Hull
from interlock.guards.kinematics import forward, tool_position
from interlock.guards.standing import standing_margin
from interlock.hal.arrays import FloatArray
from interlock.hal.zone import ZoneKind
from interlock.orchestrator.cell import Cell

__all__ = ["capsule_cover", "home", "kinematics", "limits", "unjudged_pairs"]

_SAMPLES = 200
_TOUCH_SAMPLES = 300
_POINTS = 100  # points drawn inside each hull, besides its vertices
_SEEDS = range(10)

Finding = tuple[bool, str]
"""Whether it holds, and the numbers behind it."""


def kinematics(body: BodyModel) -> Finding:
    """The kernel and Pinocchio put every joint in the same place."""
    model = body.pin_model
    data = model.createData()
    base = body.robot.base_in_world
    worst = 0.0
    for q in _configurations(body, _SAMPLES):
        rot, pos = _frames(body, q)
        pin.forwardKinematics(model, data, q)
        for i, name in enumerate(body.robot.limits.names):
            placed = data.oMi[model.getJointId(name)]
            worst = max(worst, float(np.abs(base[:3, :3] @ placed.translation + base[:3, 3] - pos[i]).max()))
            worst = max(worst, float(np.abs(base[:3, :3] @ placed.rotation - rot[i]).max()))
    return worst < 1e-9, f"{_SAMPLES} configurations, worst difference {worst:.1e} m"


def capsule_cover(body: BodyModel) -> Finding:
    """Every hull lies inside the capsules of its link, at every width of the gripper."""
    gripper = body.robot.gripper
    widths: list[float | None] = [None]
    if gripper is not None:
        widths += [float(w) for w in np.linspace(gripper.min_width_m, gripper.max_width_m, 5)]
    generator = np.random.default_rng(0)
    worst, where, count = -np.inf, "", 0
    for width in widths:
        for hull in body.hulls(width):
            points = np.vstack([hull.vertices, _inside(hull.vertices, generator)])
            outside = float(_outside(body, hull.link, points).max())
            count += len(points)
            if outside > worst:
                worst, where = outside, hull.link
    how = f"{-worst * 1e3:.3f} mm inside" if worst <= 0.0 else f"{worst * 1e3:.3f} mm OUTSIDE"
    return worst <= 0.0, f"{count} vertices and inner points, the outermost is {how} ({where})"


def limits(cell: Cell, body: BodyModel) -> Finding:
    """The data sheet is no wider than the URDF, and the derating makes it no wider."""
    told, derate, model = body.robot.limits, cell.file.robot.limits.derate, body.pin_model
    joints = [model.joints[model.getJointId(name)] for name in told.names]
    at_q, at_v = [joint.idx_q for joint in joints], [joint.idx_v for joint in joints]
    lower, upper = model.lowerPositionLimit[at_q], model.upperPositionLimit[at_q]
    room = min(float((told.q_min - lower).min()), float((upper - told.q_max).min()))
    stated = np.asarray(model.velocityLimit)[at_v]
    share = float((told.v_max / np.where(stated > 0.0, stated, np.inf)).max())
    shares = f"speed {derate.velocity:g}, acceleration {derate.acceleration:g}, jerk {derate.jerk:g}"
    detail = f"positions at least {room:.4f} rad inside, speeds at most {100 * share:.0f} % of the URDF's"
    return room >= -1e-9 and share <= 1.0 + 1e-9, f"{detail}; shares of the data sheet: {shares}"


def unjudged_pairs(body: BodyModel) -> Finding:
    """Links that are never judged against each other either always meet, at a joint, or never do."""
    hulls: dict[tuple[str, int], list[coal.Convex]] = {}
    for hull in body.hulls():
        hulls.setdefault((hull.link, hull.joint), []).append(_convex(hull))
    judged = {frozenset((body.cap_link[c], body.cap_link[d])) for c, d in body.self_pairs}
    pairs = [
        (one, other)
        for one, other in combinations(hulls, 2)
        if one[1] != other[1] and frozenset((one[0], other[0])) not in judged
    ]
    at_home = _touching(body, body.robot.home, hulls, pairs)
    now_and_then = set()
    for q in _configurations(body, _TOUCH_SAMPLES):
        now_and_then |= _touching(body, q, hulls, pairs) ^ at_home
    names = ", ".join(f"{one[0]} and {other[0]}" for one, other in sorted(now_and_then))
    detail = (
        f"{len(pairs)} pairs of links on other joints, {_TOUCH_SAMPLES} configurations: "
        f"{len(at_home)} meet at their joint, {len(pairs) - len(at_home)} stay apart"
    )
    return not now_and_then, detail + (f"; now and then: {names}" if names else "")


def home(cell: Cell, body: BodyModel) -> Finding:
    """The robot may stand at home: inside its limits and zones, clear of itself and of every object."""
    robot = body.robot
    room = float(np.minimum(robot.home - robot.limits.q_min, robot.limits.q_max - robot.home).min())
    rot, pos = _frames(body, robot.home)
    tool = np.empty(3)
    tool_position(rot, pos, body.tool_joint, body.tool_pos, tool)
    inside = all(
        bool((tool > zone.lower).all() and (tool < zone.upper).all())
        for zone in cell.zones()
        if zone.kind is ZoneKind.KEEP_IN
    )
    config = cell.gate_config()
    margin, where = min(
        standing_margin(body, config, cell.scene_objects(seed), robot.home) for seed in _SEEDS
    )
    detail = f"{room:.3f} rad to the nearest limit; {margin * 1e3:.1f} mm margin left ({where}), "
    detail += f"over {len(_SEEDS)} seeds" + ("" if inside else "; the tool is outside a keep-in zone")
    return room > 0.0 and inside and margin > 0.0, detail


def _configurations(body: BodyModel, count: int) -> FloatArray:
    told = body.robot.limits
    return np.random.default_rng(0).uniform(told.q_min, told.q_max, (count, body.n))


def _frames(body: BodyModel, q: FloatArray) -> tuple[FloatArray, FloatArray]:
    rot, pos = np.empty((body.n, 3, 3)), np.empty((body.n, 3))
    forward(
        np.ascontiguousarray(q), body.joint_parent, body.joint_rot, body.joint_pos, body.joint_axis,
        body.joint_prismatic, rot, pos,
    )  # fmt: skip
    return rot, pos


def _inside(vertices: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Random points of a hull, most of them near its skin: mixtures of three of its vertices."""
    corners = vertices[generator.integers(len(vertices), size=(_POINTS, 3))]
    shares = generator.dirichlet(np.ones(3), size=_POINTS)
    points: FloatArray = np.einsum("kv,kvi->ki", shares, corners)
    return points


def _outside(body: BodyModel, link: str, points: FloatArray) -> FloatArray:
    """How far each point sticks out of the link's nearest capsule, negative inside, [m]."""
    best = np.full(len(points), np.inf)
    for c, name in enumerate(body.cap_link):
        if name != link:
            continue
        along = body.cap_b[c] - body.cap_a[c]
        share = (points - body.cap_a[c]) @ along / max(float(along @ along), 1e-18)
        nearest = body.cap_a[c] + np.clip(share, 0.0, 1.0)[:, None] * along
        best = np.minimum(best, np.linalg.norm(points - nearest, axis=1) - body.cap_radius[c])
    return best


def _convex(hull: Hull) -> coal.Convex:
    points = coal.StdVec_Vec3s()
    points.extend(list(hull.vertices))
    return coal.Convex.convexHull(points, True, None)


def _touching(
    body: BodyModel,
    q: FloatArray,
    hulls: dict[tuple[str, int], list[coal.Convex]],
    pairs: list[tuple[tuple[str, int], tuple[str, int]]],
) -> set[tuple[tuple[str, int], tuple[str, int]]]:
    rot, pos = _frames(body, q)
    # index -1, the world, is the last one
    poses = [*(coal.Transform3s(rot[j], pos[j]) for j in range(body.n)), coal.Transform3s.Identity()]
    found = set()
    for one, other in pairs:
        solids: Iterator[tuple[coal.Convex, coal.Convex]] = ((a, b) for a in hulls[one] for b in hulls[other])
        if any(
            coal.collide(
                a, poses[one[1]], b, poses[other[1]], coal.CollisionRequest(), coal.CollisionResult()
            )
            for a, b in solids
        ):
            found.add((one, other))
    return found
