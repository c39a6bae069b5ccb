"""The verifier: recomputes every hard constraint on a candidate and on the stop that follows it.

It shares the model, the capsules, the forward kinematics and the snapshot of the world with the projector;
nothing else: no distance, no limit, no stop, no solver, no gradients, no linearisation. What it has not
shown, it refuses.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from interlock.guards.body import BodyModel
from interlock.guards.certificate import Margin, fingerprint, least_by_family
from interlock.guards.config import GateConfig
from interlock.guards.constraint import Constraint, read_slack
from interlock.guards.curve import extremes, largest_gap, travel_bounds
from interlock.guards.obstacles import Obstacles
from interlock.guards.solid import MovingSolid
from interlock.guards.sweep import (
    CLEAR,
    ENV_PAIR,
    HELD_ENV_PAIR,
    HELD_SELF_PAIR,
    KEEP_IN,
    MARGINS,
    SELF_PAIR,
    TOOL_SPEED,
    UNCLEAR,
    ZONE_PAIR,
    sweep,
)
from interlock.guards.verdict import Family
from interlock.hal.arrays import FloatArray
from interlock.hal.zone import ZoneKind

__all__ = ["Finding", "Surroundings", "Verifier", "refused"]

_RELATIVE = 1e-9  # rounding allowed on a limit that a command may sit on
_PARTS, _SELVES = (ENV_PAIR, ZONE_PAIR, HELD_ENV_PAIR), (SELF_PAIR, HELD_SELF_PAIR)
_ONE_CURVE = 1e-9  # rounding allowed between a node and the curve that leads to it


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What one decision is judged against.

    Attributes:
        solid: everything that moves with the robot.
        obstacles: everything it must not touch, as reachable sets.
        skip: pairs that may touch now, shape (capsules, parts).
        tool_speed_limit_m_s: bound on the TCP's speed in this phase, [m/s].
    """

    solid: MovingSolid
    obstacles: Obstacles
    skip: NDArray[np.bool_]
    tool_speed_limit_m_s: float

    def contact_pair(self, capsule: int, part: int) -> tuple[str, str]:
        """Family and names of a capsule and a part of the environment."""
        family = Family.HELD_OBJECT if capsule >= self.solid.held_from else Family.ENVIRONMENT
        if self.obstacles.is_zone[part]:
            family = Family.ZONES
        return str(family), f"{self.solid.cap_link[capsule]} and {self.obstacles.owner[part]}"

    def self_pair(self, first: int, second: int) -> tuple[str, str]:
        """Family and names of two capsules that move with the robot."""
        family = Family.HELD_OBJECT if second >= self.solid.held_from else Family.SELF_COLLISION
        return str(family), f"{self.solid.cap_link[first]} and {self.solid.cap_link[second]}"

    @property
    def digest(self) -> str:
        """SHA-256 over the obstacles, the held object, the pairs that may touch and the speed limit."""
        sha = hashlib.sha256(f"{self.obstacles.digest}|{self.solid.held_digest}".encode())
        sha.update(self.skip.tobytes() + repr(float(self.tool_speed_limit_m_s)).encode())
        return sha.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the verifier found.

    Attributes:
        clear: whether the motion may be released.
        family: what refuses it, "" if nothing does.
        reason: why.
        margins: smallest slack seen at the instants judged, one a family; a plug-in adds its own.
        shown_m: bound shown for every instant: no distance has less slack than this, [m]; None without one.
        intervals: how many intervals of time it took to show that.
    """

    clear: bool
    family: str
    reason: str
    margins: tuple[Margin, ...]
    shown_m: float | None = None
    intervals: int = 0


class Verifier:
    """Judges a motion given as nodes on the control grid.

    Attributes:
        digest: SHA-256 over the limits, margins, zones and plug-ins it judges by.
    """

    def __init__(self, body: BodyModel, config: GateConfig, constraints: Sequence[Constraint] = ()) -> None:
        self._body = body
        self._config = config
        self._constraints = tuple(constraints)
        keep_in = [z for z in config.zones if z.kind is ZoneKind.KEEP_IN]
        self._keep_names = tuple(z.name for z in keep_in)
        self._keep_lower = np.array([z.lower for z in keep_in], dtype=np.float64).reshape(len(keep_in), 3)
        self._keep_upper = np.array([z.upper for z in keep_in], dtype=np.float64).reshape(len(keep_in), 3)
        robot = body.robot
        self.digest = fingerprint(
            {
                "limits": asdict(robot.limits),
                "tube": asdict(robot.tube),
                "max_tool_speed_m_s": robot.max_tool_speed_m_s,
                "gripper": None if robot.gripper is None else asdict(robot.gripper),
                "config": asdict(config),
                "constraints": [constraint.name for constraint in constraints],
            }
        )

    @property
    def keep_in(self) -> tuple[FloatArray, FloatArray]:
        """Lower and upper corners of the keep-in zones, shape (z, 3) each, [m]."""
        return self._keep_lower, self._keep_upper

    def verify(
        self,
        nodes: FloatArray,
        around: Surroundings,
        keep_in: tuple[FloatArray, FloatArray] | None = None,
    ) -> Finding:
        """Judge the motion through `nodes`, shape (m, 3, n), m >= 2; the last node must be at rest.

        Args:
            nodes: the motion and its stop.
            around: what it is judged against.
            keep_in: other corners for the keep-in zones; only a retreat gives them.
        """
        last = nodes[-1]
        if not (np.all(last[1] == 0.0) and np.all(last[2] == 0.0)):
            return refused(Family.ACCELERATION, "there is no stop at the end of this motion")
        gap = largest_gap(nodes, self._config.period_s)
        if not gap <= _ONE_CURVE:
            return refused(Family.INTEGRITY, f"the nodes do not lie on one curve (gap {gap:.3g})")
        finding = self._limits(nodes)
        if not finding.clear:
            return finding
        swept = self._sweep(nodes, around, keep_in or self.keep_in)
        if not swept.clear:
            return swept
        margins = [*finding.margins, *swept.margins]
        for constraint in self._constraints:
            value, where = read_slack(constraint.slack(nodes.copy(), self._config.period_s))
            if math.isnan(value):
                return refused(constraint.name, where)
            if not value >= 0.0:
                return refused(constraint.name, f"{where}: {-value:.4g} {constraint.unit} too little")
            margins.append(Margin(family=constraint.name, value=value, unit=constraint.unit, where=where))
        return replace(swept, margins=tuple(margins))

    def _limits(self, nodes: FloatArray) -> Finding:
        limits = self._body.robot.limits
        tube = self._body.robot.tube.position_rad
        found = np.empty((6, self._body.n))
        extremes(nodes, self._config.period_s, found)
        checks = (
            (Family.POSITION, found[0] - (limits.q_min + tube), "rad", "lower limit"),
            (Family.POSITION, (limits.q_max - tube) - found[1], "rad", "upper limit"),
            (Family.VELOCITY, limits.v_max * (1 + _RELATIVE) - found[2], "rad/s", "speed limit"),
            (Family.ACCELERATION, limits.a_max * (1 + _RELATIVE) - found[3], "rad/s^2", "acceleration limit"),
            (Family.JERK, limits.j_max * (1 + _RELATIVE) - found[4], "rad/s^3", "jerk limit"),
        )
        margins: dict[str, Margin] = {}
        for family, slack, unit, what in checks:
            worst = int(np.argmin(slack))  # NaN comes first in argmin
            value = float(slack[worst])
            where = f"{limits.names[worst]} {what}"
            if not value >= 0.0:
                return refused(family, f"{where} exceeded by {-value:.4g} {unit}")
            if family not in margins or value < margins[family].value:
                margins[family] = Margin(family=family, value=value, unit=unit, where=where)
        return Finding(clear=True, family="", reason="", margins=tuple(margins.values()))

    def _sweep(
        self, nodes: FloatArray, around: Surroundings, keep_in: tuple[FloatArray, FloatArray]
    ) -> Finding:
        body, solid, obstacles = self._body, around.solid, around.obstacles
        m, n = nodes.shape[0], body.n
        speed, travel = np.empty((m - 1, n)), np.empty((m, n))
        travel_bounds(nodes, self._config.period_s, speed, travel)
        margin, fault, shown = np.empty(MARGINS), np.empty(5), np.empty(5)
        pair = np.empty((MARGINS, 2), dtype=np.int64)
        status = sweep(
            nodes, speed, travel, self._config.period_s,
            body.joint_parent, body.joint_rot, body.joint_pos, body.joint_axis, body.joint_prismatic,
            solid.cap_joint, solid.cap_a, solid.cap_b, solid.cap_radius, solid.lever, solid.tube_m,
            solid.self_pairs, solid.pair_lever, solid.pair_tube_m, self._config.self_margin_m,
            obstacles.kind, obstacles.rot, obstacles.pos, obstacles.half, obstacles.a, obstacles.b,
            obstacles.span, obstacles.facets, obstacles.edges,
            obstacles.inflation_m, obstacles.speed_m_s, around.skip, obstacles.is_zone, solid.held_from,
            body.tool_joint, body.tool_pos, body.tool_lever,
            float(body.tool_lever.sum()) * body.robot.tube.position_rad,
            *keep_in, around.tool_speed_limit_m_s,
            margin, pair, fault, shown,
        )  # fmt: skip
        if status != CLEAR:
            return self._fault(status, fault, around)
        margins = []
        for kind in range(MARGINS):
            if np.isfinite(margin[kind]):
                family, where = self._where(kind, int(pair[kind, 0]), int(pair[kind, 1]), around)
                unit = "m/s" if kind == TOOL_SPEED else "m"
                margins.append(Margin(family=family, value=float(margin[kind]), unit=unit, where=where))
        least = float(shown[:TOOL_SPEED].min())
        return Finding(
            clear=True,
            family="",
            reason="",
            margins=least_by_family(margins),
            shown_m=least if np.isfinite(least) else None,
            intervals=int(shown[4]),
        )

    def _fault(self, status: int, fault: FloatArray, around: Surroundings) -> Finding:
        if fault[0] < 0.0:
            return refused(Family.ENVIRONMENT, "not shown clear within the budget of intervals")
        kind = int(fault[0])
        family, where = self._where(kind, int(fault[1]), int(fault[2]), around)
        at = f"{fault[4] * self._config.period_s:.3f} s ahead"
        if status == UNCLEAR:
            return refused(family, f"{where}: not shown clear {at} (slack {fault[3] * 1e3:.3g} mm)")
        unit, scale = ("m/s", 1.0) if kind == TOOL_SPEED else ("mm", 1e3)
        return refused(family, f"{where}: {-fault[3] * scale:.3g} {unit} too little {at}")

    def _where(self, kind: int, first: int, second: int, around: Surroundings) -> tuple[str, str]:
        if kind in _PARTS:
            return around.contact_pair(first, second)
        if kind in _SELVES:
            return around.self_pair(first, second)
        if kind == KEEP_IN:
            return Family.ZONES, f"tool and {self._keep_names[first]}"
        return Family.TOOL_SPEED, "tool speed"


def refused(family: str, reason: str) -> Finding:
    """The finding that refuses a motion."""
    return Finding(clear=False, family=str(family), reason=reason, margins=())
