"""Linear rows along a whole chunk: at each knot every pair that could come too near, the zones, the tool."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interlock.guards.body import BodyModel
from interlock.guards.chunk_curve import Rows
from interlock.guards.config import GateConfig
from interlock.guards.kinematics import capsules_world, forward, point_jacobian, tool_position
from interlock.guards.rows import closing_rows
from interlock.guards.verifier import Surroundings
from interlock.hal.arrays import FloatArray
from interlock.hal.zone import ZoneKind

__all__ = ["ChunkRows"]

_SOFT_M = 0.004  # comfort on top of what is required
_TRUST_RAD = 0.12  # how far a joint is thought to leave the curve that the rows are made at
_OPENING_M = 0.05  # a distance that is too small is asked to open by no more than this
_SPEED_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class _Balls:
    """A ball about each part, with all that is added to it: centres (parts, 3), radii (parts,), [m]."""

    centre: FloatArray
    radius_m: FloatArray


def _balls(around: Surroundings) -> _Balls:
    centre, size = around.obstacles.balls()
    return _Balls(centre, size + around.obstacles.inflation_m)


class ChunkRows:
    """Linearises the constraints at the knots of a curve."""

    def __init__(self, body: BodyModel, config: GateConfig) -> None:
        self._body = body
        self._self_margin_m = config.self_margin_m
        self._period_s = config.period_s
        self._keep_in = [zone for zone in config.zones if zone.kind is ZoneKind.KEEP_IN]

    def along(self, knots: FloatArray, h_s: float, around: Surroundings) -> Rows:
        """Rows at knots 1 .. K of `knots`, shape (K + 1, 3, n), which are `h_s` apart, [s]."""
        which: list[int] = []
        gradients: list[FloatArray] = []
        bounds: list[FloatArray] = []
        fast: list[bool] = []
        balls = _balls(around)
        for k in range(1, len(knots)):
            q, v = np.ascontiguousarray(knots[k, 0]), knots[k, 1]
            tool, jacobian = self._tool(q)
            found = [self._pairs(q, v, k * h_s, around, balls), self._zones(tool, jacobian)]
            for gradient, bound in found:
                gradients.append(gradient)
                bounds.append(bound + gradient @ q)
                which += [k] * len(bound)
                fast += [False] * len(bound)
            speed = float(np.linalg.norm(jacobian @ v))
            limit = _SPEED_SHARE * around.tool_speed_limit_m_s
            if speed > limit:
                gradients.append(-(jacobian @ v)[None] @ jacobian / speed)
                bounds.append(np.array([-limit]))
                which.append(k)
                fast.append(True)
        return Rows(
            knot=np.array(which, dtype=np.int64),
            gradient=np.concatenate(gradients),
            bound=np.concatenate(bounds),
            on_velocity=np.array(fast, dtype=np.bool_),
        )

    def _pairs(
        self, q: FloatArray, v: FloatArray, after_s: float, around: Surroundings, balls: _Balls
    ) -> tuple[FloatArray, FloatArray]:
        """G d >= b on the step d away from `q`: no pair comes nearer than it may."""
        body, solid, obstacles = self._body, around.solid, around.obstacles
        # two motions from one start, inside the acceleration limits, are at most this far apart by then
        trust = np.minimum(_TRUST_RAD, body.robot.limits.a_max * after_s * after_s)
        stop_s = float(np.max(np.abs(v) / body.robot.limits.a_max)) + 4.0 * self._period_s
        skip = self._far(q, trust, after_s + stop_s, around, balls)
        room = around.skip.size + len(solid.self_pairs)
        rows, bound, items = np.empty((room, body.n)), np.empty(room), np.empty(room, dtype=np.int64)
        count = closing_rows(
            q,
            body.joint_parent, body.joint_rot, body.joint_pos, body.joint_axis, body.joint_prismatic,
            solid.cap_joint, solid.cap_a, solid.cap_b, solid.cap_radius, solid.tube_m,
            solid.self_pairs, solid.pair_tube_m, self._self_margin_m,
            obstacles.kind, obstacles.rot, obstacles.pos, obstacles.half, obstacles.a, obstacles.b,
            obstacles.span, obstacles.facets, obstacles.corners,
            obstacles.inflation_m, obstacles.speed_m_s, skip,
            solid.lever, solid.pair_lever, -trust, trust,
            after_s + stop_s, _SOFT_M, 1.0, _OPENING_M,
            rows, bound, items,
        )  # fmt: skip
        return rows[:count], bound[:count]

    def _far(
        self, q: FloatArray, trust: FloatArray, horizon_s: float, around: Surroundings, balls: _Balls
    ) -> NDArray[np.bool_]:
        """The pairs that may be left out at `q`, shape (capsules, parts): balls about both stay apart."""
        body, solid = self._body, around.solid
        rot, pos = np.empty((body.n, 3, 3)), np.empty((body.n, 3))
        forward(
            q, body.joint_parent, body.joint_rot, body.joint_pos, body.joint_axis, body.joint_prismatic,
            rot, pos,
        )  # fmt: skip
        a, b = np.empty((len(solid.cap_joint), 3)), np.empty((len(solid.cap_joint), 3))
        capsules_world(rot, pos, solid.cap_joint, solid.cap_a, solid.cap_b, a, b)
        centre, half = (a + b) / 2.0, np.linalg.norm(b - a, axis=1) / 2.0
        reach = half + solid.cap_radius + solid.tube_m + solid.lever @ trust + _SOFT_M
        needed = reach[:, None] + (balls.radius_m + around.obstacles.speed_m_s * horizon_s)[None]
        apart = centre[:, None] - balls.centre[None]
        far: NDArray[np.bool_] = np.einsum("cex,cex->ce", apart, apart) > needed * needed
        return around.skip | far

    def _zones(self, tool: FloatArray, jacobian: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The same for the faces of the keep-in zones, six a zone."""
        tube = float(self._body.tool_lever.sum()) * self._body.robot.tube.position_rad
        rows, left = [np.empty((0, self._body.n))], [np.empty(0)]
        for zone in self._keep_in:
            rows += [jacobian, -jacobian]
            left += [tool - zone.lower, zone.upper - tool]
        return np.concatenate(rows), -(np.concatenate(left) - tube - _SOFT_M)

    def _tool(self, q: FloatArray) -> tuple[FloatArray, FloatArray]:
        body = self._body
        rot, pos = np.empty((body.n, 3, 3)), np.empty((body.n, 3))
        forward(
            q, body.joint_parent, body.joint_rot, body.joint_pos, body.joint_axis, body.joint_prismatic,
            rot, pos,
        )  # fmt: skip
        tool, jacobian = np.empty(3), np.empty((3, body.n))
        tool_position(rot, pos, body.tool_joint, body.tool_pos, tool)
        point_jacobian(
            rot, pos, tool, body.tool_joint, body.joint_parent, body.joint_axis, body.joint_prismatic,
            jacobian,
        )  # fmt: skip
        return tool, jacobian
