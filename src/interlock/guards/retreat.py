"""From a margin already broken: slow motion that shrinks no broken distance and breaks nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interlock.guards.body import BodyModel
from interlock.guards.broken import Broken
from interlock.guards.certificate import least_by_family
from interlock.guards.config import GateConfig
from interlock.guards.curve import travel_bounds
from interlock.guards.recede import recedes
from interlock.guards.verdict import Family
from interlock.guards.verifier import Finding, Surroundings, Verifier, refused
from interlock.hal.arrays import FloatArray

__all__ = ["RETREAT_SPEED_M_S", "Retreat"]

RETREAT_SPEED_M_S = 0.1
"""No point of the robot, held object included, is faster than this in a retreat, [m/s]."""

_SHARE = 0.8  # of that speed which is proposed: the way there bulges a little


class Retreat:
    """Judges a motion that starts where a margin is broken; without a solver, like the verifier."""

    def __init__(self, body: BodyModel, config: GateConfig, verifier: Verifier) -> None:
        self._body = body
        self._period_s = config.period_s
        self._verifier = verifier

    def slowed(self, velocity: FloatArray, around: Surroundings) -> tuple[FloatArray, float]:
        """`velocity`, shape (n,), [rad/s], scaled to the speed of a retreat, and its speed then, [m/s]."""
        top = float((around.solid.lever @ np.abs(velocity)).max(initial=0.0))
        share = min(1.0, _SHARE * RETREAT_SPEED_M_S / top) if top > 0.0 else 1.0
        return share * velocity, share * top

    def judge(self, nodes: FloatArray, around: Surroundings, broken: Broken) -> Finding:
        """Judge the motion through `nodes`, shape (m, 3, n), m >= 2, its stop included.

        Margins and bound of what is clear have what is broken among them, as it was at the start: below 0.
        """
        body, solid, obstacles = self._body, around.solid, around.obstacles
        m, n = nodes.shape[0], nodes.shape[2]
        speed, travel = np.empty((m - 1, n)), np.empty((m, n))
        travel_bounds(nodes, self._period_s, speed, travel)
        fastest = (speed @ solid.lever.T).max(initial=0.0)
        if not fastest <= RETREAT_SPEED_M_S:
            return refused(
                Family.TOOL_SPEED,
                f"a retreat is no faster than {RETREAT_SPEED_M_S} m/s, this one may be {fastest:.3g} m/s",
            )
        left_out, lower, upper = broken.left_out(around, *self._verifier.keep_in)
        finding = self._verifier.verify(nodes, left_out, keep_in=(lower, upper))
        if not finding.clear:
            return finding
        shrinks = recedes(
            nodes, speed, self._period_s,
            body.joint_parent, body.joint_rot, body.joint_pos, body.joint_axis, body.joint_prismatic,
            solid.cap_joint, solid.cap_a, solid.cap_b, solid.lever, solid.self_pairs,
            obstacles.kind, obstacles.rot, obstacles.pos, obstacles.half, obstacles.a, obstacles.b,
            obstacles.span, obstacles.facets, obstacles.edges,
            body.tool_joint, body.tool_pos, body.tool_lever,
            broken.pairs,
        )  # fmt: skip
        if shrinks >= 0:
            family, where = broken.names(shrinks, around)
            return refused(family, f"{where}: too near, and not shown to come no nearer")
        return _with_broken(finding, broken, around)


def _with_broken(finding: Finding, broken: Broken, around: Surroundings) -> Finding:
    """The finding of a world without the broken distances, and those: none is ever less than at the start."""
    least = float(broken.slack_m.min())
    shown = least if finding.shown_m is None else min(finding.shown_m, least)
    margins = least_by_family([*finding.margins, *broken.margins(around)])
    return replace(finding, margins=margins, shown_m=shown)
