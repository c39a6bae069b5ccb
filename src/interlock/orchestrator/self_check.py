"""The self-test of a cell on this computer: model, capsules, limits, solvers, timing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pinocchio as pin

from interlock.errors import InterlockError
from interlock.guards.body import BodyModel
from interlock.guards.compile import NUMERIC_PATH
from interlock.guards.cross_check import worst_disagreement
from interlock.guards.gate import Gate
from interlock.guards.kinematics import forward, tool_position
from interlock.guards.plugins import load_constraints
from interlock.hal.arrays import FloatArray
from interlock.hal.zone import ZoneKind
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.check_result import CheckResult
from interlock.orchestrator.host_timing import sleep_lateness_us, tick_us
from interlock.orchestrator.reachability import make_reachable
from interlock.planners.domain import Role

__all__ = ["run"]

_SAMPLES = 200
_TOUCH_SAMPLES = 300
_SOLVER_TOLERANCE = 1e-5


def run(cell: Cell) -> list[CheckResult]:
    """Run every check; one that raises has failed, and the others still run."""
    body = BodyModel.build(cell.robot_spec())
    checks: list[tuple[str, Callable[[], tuple[bool, str]]]] = [
        ("kernels are compiled", lambda: (NUMERIC_PATH == "compiled", f"numeric path: {NUMERIC_PATH}")),
        ("kinematics agree with Pinocchio", lambda: _kinematics(body)),
        ("capsules cover the meshes", lambda: _cover(body)),
        ("limits are inside the URDF's", lambda: _limits(cell, body)),
        ("unjudged link pairs never touch", lambda: _touching(body)),
        ("home is free", lambda: _home(cell, body)),
        ("constraints load", lambda: _constraints(cell)),
        ("solvers agree", _solvers),
        ("objects are in reach", lambda: _reach(cell)),
        ("the tick fits its period", lambda: _timing(cell)),
        ("this host wakes in time", lambda: _wake(cell)),
    ]
    return [_one(name, check) for name, check in checks]


def _one(name: str, check: Callable[[], tuple[bool, str]]) -> CheckResult:
    try:
        ok, detail = check()
    except InterlockError as error:
        ok, detail = False, error.message
    except Exception as error:
        ok, detail = False, f"{type(error).__name__}: {error}"
    return CheckResult(name=name, ok=bool(ok), detail=detail)


def _configurations(body: BodyModel, count: int) -> FloatArray:
    limits = body.robot.limits
    return np.random.default_rng(0).uniform(limits.q_min, limits.q_max, (count, body.n))


def _frames(body: BodyModel, q: FloatArray) -> tuple[FloatArray, FloatArray]:
    rot, pos = np.empty((body.n, 3, 3)), np.empty((body.n, 3))
    forward(
        np.ascontiguousarray(q), body.joint_parent, body.joint_rot, body.joint_pos, body.joint_axis,
        body.joint_prismatic, rot, pos,
    )  # fmt: skip
    return rot, pos


def _kinematics(body: BodyModel) -> tuple[bool, str]:
    model = body.pin_model
    data = model.createData()
    base = body.robot.base_in_world
    worst = 0.0
    for q in _configurations(body, _SAMPLES):
        rot, pos = _frames(body, q)
        pin.forwardKinematics(model, data, q)
        for i in range(body.n):
            placed = data.oMi[i + 1]
            worst = max(worst, float(np.abs(base[:3, :3] @ placed.translation + base[:3, 3] - pos[i]).max()))
            worst = max(worst, float(np.abs(base[:3, :3] @ placed.rotation - rot[i]).max()))
    return worst < 1e-9, f"{_SAMPLES} configurations, worst difference {worst:.1e} m"


def _cover(body: BodyModel) -> tuple[bool, str]:
    gripper = body.robot.gripper
    widths: list[float | None] = [None]
    if gripper is not None:
        widths += [float(w) for w in np.linspace(gripper.min_width_m, gripper.max_width_m, 5)]
    worst, where, count = -np.inf, "", 0
    for width in widths:
        for link, _, vertices in body.hulls(width):
            outside = _outside(body, link, vertices)
            count += len(vertices)
            if float(outside.max()) > worst:
                worst, where = float(outside.max()), link
    return (
        worst <= 0.0,
        f"{count} hull vertices, the nearest to a capsule's skin is {-worst * 1e3:.3f} mm inside ({where})",
    )


def _outside(body: BodyModel, link: str, vertices: FloatArray) -> FloatArray:
    """How far each vertex sticks out of the link's nearest capsule, negative inside, [m]."""
    best = np.full(len(vertices), np.inf)
    for c, name in enumerate(body.cap_link):
        if name != link:
            continue
        along = body.cap_b[c] - body.cap_a[c]
        share = (vertices - body.cap_a[c]) @ along / max(float(along @ along), 1e-18)
        nearest = body.cap_a[c] + np.clip(share, 0.0, 1.0)[:, None] * along
        best = np.minimum(best, np.linalg.norm(vertices - nearest, axis=1) - body.cap_radius[c])
    return best


def _limits(cell: Cell, body: BodyModel) -> tuple[bool, str]:
    limits, derate = body.robot.limits, cell.file.robot.limits.derate
    model = body.pin_model
    room = min(
        float((limits.q_min - model.lowerPositionLimit).min()),
        float((model.upperPositionLimit - limits.q_max).min()),
    )
    shares = f"speed {derate.velocity:g}, acceleration {derate.acceleration:g}, jerk {derate.jerk:g}"
    return room >= -1e-9, f"positions at least {room:.4f} rad inside; shares of the data sheet: {shares}"


def _touching(body: BodyModel) -> tuple[bool, str]:
    pairs = body.robot.touching_pairs
    rigid = {link: int(joint) for link, joint in zip(body.cap_link, body.cap_joint, strict=True)}
    moving = [p for p in pairs if rigid.get(p[0], -1) != rigid.get(p[1], -1)]
    if not moving:
        return True, f"{len(pairs)} declared pairs, all of them rigid to one joint: nothing goes unjudged"
    import coal

    hulls = {
        link: _hull(coal, vertices) for link, _, vertices in body.hulls() if any(link in p for p in moving)
    }
    touched = 0
    for q in _configurations(body, _TOUCH_SAMPLES):
        rot, pos = _frames(body, q)
        for one, two in moving:
            poses = [coal.Transform3s(rot[rigid[link]], pos[rigid[link]]) for link in (one, two)]
            result = coal.CollisionResult()
            request = coal.CollisionRequest()
            touched += coal.collide(hulls[one], poses[0], hulls[two], poses[1], request, result) > 0
    return touched == 0, f"{len(moving)} pairs, {_TOUCH_SAMPLES} configurations, {touched} times touching"


def _hull(coal: object, vertices: FloatArray) -> object:
    points = coal.StdVec_Vec3s()  # type: ignore[attr-defined]
    points.extend(list(vertices))
    return coal.Convex.convexHull(points, True, None)  # type: ignore[attr-defined]


def _home(cell: Cell, body: BodyModel) -> tuple[bool, str]:
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
    from interlock.guards.standing import standing_margin

    margin, where = standing_margin(body, cell.gate_config(), cell.scene_objects(0), robot.home)
    detail = f"{room:.3f} rad to the nearest limit; {margin * 1e3:.1f} mm margin left ({where})"
    return room > 0.0 and inside and margin > 0.0, detail + (
        "" if inside else "; the tool is outside a keep-in zone"
    )


def _constraints(cell: Cell) -> tuple[bool, str]:
    constraints = load_constraints(cell.gate_config(), cell.robot_spec())
    Gate(BodyModel.build(cell.robot_spec()), cell.embodiment(), cell.gate_config(), constraints)
    return True, f"{len(constraints)} of the user's own; the program is convex and canonicalised"


def _solvers() -> tuple[bool, str]:
    worst, count = worst_disagreement()
    return (
        worst < _SOLVER_TOLERANCE,
        f"{count} random programs, affine map + DAQP against Clarabel: {worst:.1e} rad/s",
    )


def _reach(cell: Cell) -> tuple[bool, str]:
    reachable = make_reachable(cell.robot_spec(), cell.zones())
    movable = [o for o in cell.domain(0).objects if o.role is Role.MOVABLE]
    missed = [f"{o.name}: {why}" for o in movable if (why := reachable(o.position)) is not None]
    return not missed, "; ".join(missed) or f"all {len(movable)} movable objects"


def _timing(cell: Cell) -> tuple[bool, str]:
    measured = tick_us(cell, ticks=300)
    median, p99 = float(np.median(measured)), float(np.percentile(measured, 99))
    period_us = cell.period_s * 1e6
    return (
        p99 < period_us,
        f"CPU median {median:.0f} us, p99 {p99:.0f} us of {period_us:.0f} us, physics apart",
    )


def _wake(cell: Cell) -> tuple[bool, str]:
    late = sleep_lateness_us(cell.period_s, wakes=200)
    p99 = float(np.percentile(late, 99))
    detail = f"late by {np.median(late):.0f} us (median), {p99:.0f} us (p99) at {1 / cell.period_s:.0f} Hz"
    return p99 < cell.period_s * 1e6, detail
