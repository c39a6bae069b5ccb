"""The projector: the velocity nearest to what was proposed that the linearised constraints allow.

What it returns is a candidate. Nothing here is evidence: the verifier decides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.errors import BadInputError
from interlock.guards.body import BodyModel
from interlock.guards.config import GateConfig
from interlock.guards.constraint import Constraint
from interlock.guards.kinematics import forward, point_jacobian, tool_position
from interlock.guards.program import AffineProgram
from interlock.guards.program_cache import kept
from interlock.guards.rows import closing_rows
from interlock.guards.velocity_box import SPEED_SHARE, VelocityBox, velocity_box
from interlock.guards.verdict import Family
from interlock.guards.verifier import Surroundings
from interlock.hal.arrays import FloatArray
from interlock.hal.zone import ZoneKind

__all__ = ["Candidate", "Projector"]

_SOFT_M = 0.004  # comfort on top of what is required
_GAIN = 6.0  # damper gain, [1/s]
_RETREAT_M_S = 0.05
_SLACK_WEIGHT = 200.0
_HELD_BACK_RAD_S = 1e-4  # change from which a row, not the joints' own bounds, shaped the candidate
_USED_UP_M_S = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A candidate of the projector.

    Attributes:
        velocity: look-ahead velocity, shape (n,), [rad/s]; NaN if there is none.
        status: the solver's word on it.
        slack_m_s: how far it gave way on comfort, as the solver has it, [m/s].
        residual_m_s: by how much its worst row is broken beyond that slack, computed afresh, [m/s].
        dual: largest multiplier of a row, as the solver has it.
        bound_by: family and reason of the row that held it back, or None if the joints' own bounds alone did.
    """

    velocity: FloatArray
    status: str
    slack_m_s: float = 0.0
    residual_m_s: float = 0.0
    dual: float = 0.0
    bound_by: tuple[str, str] | None = None


class Projector:
    """Holds the program, canonicalised once, and fills in its numbers."""

    def __init__(self, body: BodyModel, config: GateConfig, constraints: Sequence[Constraint] = ()) -> None:
        self._body = body
        self._config = config
        limits = body.robot.limits
        ramp = np.ceil(
            limits.a_max / (limits.j_max * config.period_s)
        )  # periods to take the acceleration away
        self._ahead = 0.5 * config.period_s * (1.0 + ramp)
        self._fastest = SPEED_SHARE * limits.v_max
        self._tool_tube_m = float(body.tool_lever.sum()) * body.robot.tube.position_rad
        self._keep_in = [z for z in config.zones if z.kind is ZoneKind.KEEP_IN]
        self._program, self._velocity_at, self._slack_at = _kept_program(body.n, constraints)

    def box(self, node: FloatArray) -> VelocityBox:
        """Bounds on the look-ahead velocity from `node`, shape (3, n)."""
        robot = self._body.robot
        return velocity_box(node, robot.limits, robot.tube, self._ahead, self._config.period_s)

    def project(
        self,
        node: FloatArray,
        wanted: FloatArray,
        box: VelocityBox,
        around: Surroundings,
        retreat_m_s: float = _RETREAT_M_S,
        metric: FloatArray | None = None,
    ) -> Candidate:
        """The velocity nearest to `wanted`, shape (n,), inside the box and the rows; direction kept first.

        Args:
            node: where the motion starts, shape (3, n).
            wanted: proposed velocity, shape (n,), [rad/s].
            box: from `box(node)`.
            around: what is near.
            retreat_m_s: how fast a row may at most ask a distance that is too small to open, [m/s].
            metric: what it costs to leave `wanted`, shape (n, n), positive definite; None: |.|^2.
        """
        body, period = self._body, self._config.period_s
        limits = body.robot.limits
        ahead = node[0] + period * node[1]
        tool, jacobian = self._tool(ahead)
        speed = jacobian @ wanted
        tool_speed = math.sqrt(speed.dot(speed))
        wanted = wanted * min(
            1.0,
            float((self._fastest / np.maximum(np.abs(wanted), 1e-9)).min()),
            SPEED_SHARE * around.tool_speed_limit_m_s / max(tool_speed, 1e-9),
        )
        stop_s = float((np.abs(node[1]) / limits.a_max).max()) + 4.0 * period
        pairs = self._pair_rows(ahead, around, box, stop_s, retreat_m_s)
        walls, wall_bound = self._zone_rows(tool, jacobian)
        rows = np.concatenate([pairs[0], walls])
        bound = np.concatenate([pairs[1], np.minimum(wall_bound, retreat_m_s)])
        pull, cost = wanted, None
        if metric is not None:
            pull, cost = metric @ wanted, (self._velocity_at, metric)
        solution = self._program.solve((pull, box.lower, box.upper), self._in_program(rows, bound), cost)
        velocity = solution.x[self._velocity_at : self._velocity_at + body.n]
        if not solution.usable or not np.isfinite(velocity).all():
            return Candidate(velocity=np.full(body.n, np.nan), status=solution.status)
        velocity = velocity.clip(box.lower, box.upper)
        held_back = bool(np.abs(velocity - wanted.clip(box.lower, box.upper)).max() > _HELD_BACK_RAD_S)
        left, slack = rows @ velocity - bound, float(solution.x[self._slack_at])
        return Candidate(
            velocity=velocity,
            status=solution.status,
            slack_m_s=max(0.0, slack),
            residual_m_s=max(0.0, -float(left.min(initial=np.inf)) - slack),
            dual=solution.dual,
            bound_by=self._tightest(left, pairs[2], around) if held_back else None,
        )

    def _in_program(self, rows: FloatArray, bound: FloatArray) -> tuple[FloatArray, FloatArray]:
        """G v + s >= b as rows F x <= g of the program."""
        more = np.zeros((len(bound), self._program.width))
        more[:, self._velocity_at : self._velocity_at + self._body.n] = -rows
        more[:, self._slack_at] = -1.0
        return more, -bound

    def _tightest(
        self, left: FloatArray, items: NDArray[np.int64], around: Surroundings
    ) -> tuple[str, str] | None:
        """Family and reason of the row that is used up, or None if none is: then a plug-in's was."""
        row = int(np.argmin(left)) if len(left) else -1
        if row < 0 or not left[row] < _USED_UP_M_S:
            return None
        family, where = self._pair_of(row, items, around)
        return family, f"{where}: closing slowed"

    def _pair_of(self, row: int, items: NDArray[np.int64], around: Surroundings) -> tuple[str, str]:
        if row >= len(items):
            return str(Family.ZONES), f"tool and {self._keep_in[(row - len(items)) // 6].name}"
        item, contacts = int(items[row]), around.skip.size
        if item < contacts:
            return around.contact_pair(*divmod(item, around.skip.shape[1]))
        first, second = around.solid.self_pairs[item - contacts]
        return around.self_pair(int(first), int(second))

    def _tool(self, q: FloatArray) -> tuple[FloatArray, FloatArray]:
        body = self._body
        rot, pos = np.empty((body.n, 3, 3)), np.empty((body.n, 3))
        forward(
            np.ascontiguousarray(q), body.joint_parent, body.joint_rot, body.joint_pos, body.joint_axis,
            body.joint_prismatic, rot, pos,
        )  # fmt: skip
        tool, jacobian = np.empty(3), np.empty((3, body.n))
        tool_position(rot, pos, body.tool_joint, body.tool_pos, tool)
        point_jacobian(
            rot,
            pos,
            tool,
            body.tool_joint,
            body.joint_parent,
            body.joint_axis,
            body.joint_prismatic,
            jacobian,
        )
        return tool, jacobian

    def _pair_rows(
        self, q: FloatArray, around: Surroundings, box: VelocityBox, stop_s: float, retreat_m_s: float
    ) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
        """Rows and bounds of all pairs that the box does not keep apart anyway, and which pairs they are."""
        body, solid, obstacles = self._body, around.solid, around.obstacles
        room = around.skip.size + len(solid.self_pairs)
        rows, bound = np.empty((room, body.n)), np.empty(room)
        items = np.empty(room, dtype=np.int64)
        count = closing_rows(
            np.ascontiguousarray(q),
            body.joint_parent, body.joint_rot, body.joint_pos, body.joint_axis, body.joint_prismatic,
            solid.cap_joint, solid.cap_a, solid.cap_b, solid.cap_radius, solid.tube_m,
            solid.self_pairs, solid.pair_tube_m, self._config.self_margin_m,
            obstacles.kind, obstacles.rot, obstacles.pos, obstacles.half, obstacles.a, obstacles.b,
            obstacles.span, obstacles.facets, obstacles.corners,
            obstacles.inflation_m, obstacles.speed_m_s, around.skip,
            solid.lever, solid.pair_lever, box.lower, box.upper,
            stop_s, _SOFT_M, _GAIN, retreat_m_s,
            rows, bound, items,
        )  # fmt: skip
        return rows[:count], bound[:count], items[:count]

    def _zone_rows(self, tool: FloatArray, jacobian: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Rows and bounds of the faces of the keep-in zones, six a zone, lower and upper by axis."""
        rows, bound = np.empty((6 * len(self._keep_in), self._body.n)), np.empty(6 * len(self._keep_in))
        for k, zone in enumerate(self._keep_in):
            rows[6 * k : 6 * k + 6 : 2], rows[6 * k + 1 : 6 * k + 6 : 2] = jacobian, -jacobian
            bound[6 * k : 6 * k + 6 : 2] = tool - zone.lower
            bound[6 * k + 1 : 6 * k + 6 : 2] = zone.upper - tool
        return rows, -_GAIN * (bound - self._tool_tube_m - _SOFT_M)


def _kept_program(n: int, constraints: Sequence[Constraint]) -> tuple[AffineProgram, int, int]:
    """`_program`, from the disk if it was there; with constraints of the user's own it never is."""
    if constraints:
        return _program(n, constraints)

    def build() -> dict[str, NDArray[Any]]:
        program, velocity_at, slack_at = _program(n, ())
        return program.arrays() | {"at": np.array([velocity_at, slack_at])}

    try:
        arrays = kept(f"n={n}", build)
        velocity_at, slack_at = (int(each) for each in arrays["at"])
        program = AffineProgram.restore(arrays)
        trial = program.solve((np.full(n, 0.5), np.full(n, -1.0), np.full(n, 0.25))).x
        if not (np.abs(trial[velocity_at : velocity_at + n] - 0.25).max() < 1e-6 > abs(trial[slack_at])):
            raise ValueError("this is another program")
        return program, velocity_at, slack_at
    except Exception:  # what was kept is of no use, however that shows
        return _program(n, ())


def _program(n: int, constraints: Sequence[Constraint]) -> tuple[AffineProgram, int, int]:
    """The program, and where the velocity and the slack start in its solution.

    min 1/2 |y - wanted|^2 + w/2 s^2  s.t.  lower <= y <= upper, s >= 0, and the user's own; the rows of pairs
    and zones, G y + s >= b, change in number with every question and are added to it.
    """
    import cvxpy as cp

    velocity = cp.Variable(n, name="velocity")
    slack = cp.Variable(name="slack")
    wanted = cp.Parameter(n, name="wanted")
    lower = cp.Parameter(n, name="lower")
    upper = cp.Parameter(n, name="upper")
    cost = 0.5 * cp.sum_squares(velocity) - wanted @ velocity + 0.5 * _SLACK_WEIGHT * cp.square(slack)
    own = [velocity >= lower, velocity <= upper, slack >= 0]
    for constraint in constraints:
        own += _rows_of(constraint, velocity)
    program = AffineProgram(cp.Problem(cp.Minimize(cost), own), (wanted, lower, upper))
    return program, program.variables[velocity.id], program.variables[slack.id]


def _rows_of(constraint: Constraint, velocity: Any) -> list[Any]:
    try:
        return list(constraint.program(velocity))
    except Exception as error:
        raise BadInputError(
            f"the constraint's program cannot be built ({type(error).__name__}: {error})",
            field="guards.plugins",
            value=constraint.name,
            mend="`program(velocity)` returns a list of CVXPY constraints.",
        ) from error
