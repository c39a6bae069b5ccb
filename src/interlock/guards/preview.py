"""The preview: a new chunk judged whole, before any tick of it is.

It looks ahead to the end of the chunk, or `_MOST_S` far if that is sooner: the horizon. A sample whose motion
is clear to the horizon, the stop after it included, stays as it was proposed; of several, the one that needs
the least change. If none is, one stays that is clear for `GateConfig.chunk_commit_s`, by which the next chunk
has come. If there is none of these either, the whole is projected (`chunk_curve`); where that is not clear to
the horizon, the arm goes along a prefix that is, and then stands. No preview authorises a tick: each is
verified afresh.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from interlock.guards.body import BodyModel
from interlock.guards.chunk_curve import ChunkCurve, Curve
from interlock.guards.chunk_rows import ChunkRows
from interlock.guards.config import GateConfig
from interlock.guards.intake import GateInput
from interlock.guards.proposal_space import ProposalSpace
from interlock.guards.stop import MAX_STOP_TICKS, stop_tail
from interlock.guards.verdict import Family, Rung
from interlock.guards.verifier import Finding, Surroundings, Verifier
from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk

__all__ = ["Preview", "Previewer"]

_MOST_KNOTS, _LEAST_KNOTS = 16, 4
_MOST_S = 3.2
_FITTED = 8  # of the samples, those that the joints can follow best get a curve: a tick has an end
_JUDGED = 4  # those of them that need the least change are judged whole
_BENT = 2  # and so many of these are projected; where that takes all joints together, one
_AWAY_RAD = 0.03  # a joint further from where it was proposed than this is somewhere else

_Judge = Callable[[FloatArray], Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a whole chunk comes to.

    Attributes:
        chunk: what the ticks follow from now on; the proposal itself where nothing had to be changed, else
            joint positions.
        rung: AS_PROPOSED; PROJECTED; SLOWED where only a prefix is clear; BRAKING where nothing of it is, or
            it could not be judged, and each tick has to be decided by itself.
        sample: which of the samples it is.
        clear_s: for how long from now the motion is shown clear, with the stop after that, [s].
        guard: family that forced a change, "" if none did.
        reason: one sentence, "" if nothing was changed.
        change_rad: largest change of a joint at a knot, [rad].
        again: True if it was not judged for a reason that may pass: the robot's state, or the world's.
    """

    chunk: ActionChunk
    rung: Rung
    sample: int = 0
    clear_s: float = 0.0
    guard: str = ""
    reason: str = ""
    change_rad: float = 0.0
    again: bool = False


@dataclass(frozen=True, slots=True)
class _Plan:
    """One sample: where it wants to be at the knots, a curve for it, and what the verifier says of that."""

    sample: int
    wanted: FloatArray
    curve: Curve
    finding: Finding


class Previewer:
    """Judges whole chunks; keeps no state, so that equal inputs give equal previews."""

    def __init__(self, body: BodyModel, config: GateConfig, in_joints: str) -> None:
        """Build it; `in_joints` is the fingerprint under which a changed chunk gives joint positions."""
        self._limits = body.robot.limits
        self._in_joints = in_joints
        self._period_s = config.period_s
        self._commit_s = config.chunk_commit_s
        self._curve = ChunkCurve(body.robot.limits, body.robot.tube, config.period_s)
        self._rows = ChunkRows(body, config)

    def preview(
        self,
        chunk: ActionChunk,
        space: ProposalSpace,
        given: GateInput,
        around: Surroundings,
        verifier: Verifier,
    ) -> Preview:
        """Judge `chunk`, which the intake has let in and which proposes in `space`, as a whole."""

        def judge(nodes: FloatArray) -> Finding:
            return verifier.verify(self._stopped(nodes), around)

        ticks, knots = self._spacing(chunk, given.now_ns)
        if knots < _LEAST_KNOTS:
            return Preview(chunk=chunk, rung=Rung.BRAKING, reason="too little of it is left to judge")
        h_s, state = ticks * self._period_s, given.state
        start = np.array([state.q_commanded, state.v_commanded, state.a_commanded])
        at_ns = [given.now_ns + _ns(k + 1, h_s) for k in range(knots)]
        likely = space.likely(chunk, _FITTED)
        wanted = space.wanted(chunk, likely, at_ns, state.q_commanded)
        wanted[:, 0] = np.clip(wanted[:, 0], self._limits.q_min, self._limits.q_max)
        fitted = []
        for k in np.argsort(self._curve.excess(start, wanted, ticks), kind="stable")[:_FITTED]:
            curve = self._curve.fit(start, wanted[k], ticks)
            if np.isfinite(curve.nodes).all():
                fitted.append((int(likely[k]), wanted[k], curve))
        if not fitted:
            why = "from where the arm is, the joints have no curve inside their limits"
            return Preview(chunk=chunk, rung=Rung.BRAKING, guard=Family.POSITION, reason=why)
        fitted.sort(key=lambda each: each[2].change_rad)
        plans: list[_Plan] = []
        for sample, asked, curve in fitted[:_JUDGED]:
            plans.append(_Plan(sample, asked, curve, judge(curve.nodes)))
            if plans[-1].finding.clear:
                return self._as_proposed(chunk, plans[-1], knots * h_s)
        enough = max(1, int(np.ceil(self._commit_s / h_s - 1e-9)))
        for plan in plans if enough < knots else ():
            if judge(plan.curve.nodes[: enough * ticks + 1]).clear:
                return self._as_proposed(chunk, plan, enough * h_s)
        bent = []
        for plan in plans[: _BENT if space.metric(start[0]) is None else 1]:
            rows = self._rows.along(plan.curve.knots, h_s, around)
            curve = self._curve.fit(start, plan.wanted, ticks, rows, _metrics(space, plan.wanted[0]))
            if np.isfinite(curve.nodes).all():
                bent.append(replace(plan, curve=curve, finding=judge(curve.nodes)))
        why_not = {plan.sample: plan.finding for plan in plans}
        clear = [plan for plan in bent if plan.finding.clear]
        if clear:
            best = min(clear, key=lambda plan: plan.curve.change_rad)
            why_so = why_not[best.sample]
            return self._reshaped(given, chunk, space, best, h_s, Rung.PROJECTED, why_so, knots)
        lengths = [_clear_knots(plan.curve, judge) for plan in bent]
        if max(lengths, default=0) == 0:
            first = plans[0].finding
            return Preview(chunk=chunk, rung=Rung.BRAKING, guard=first.family, reason=first.reason)
        best, length = bent[int(np.argmax(lengths))], max(lengths)
        why_so = why_not[best.sample]
        return self._reshaped(given, chunk, space, best, h_s, Rung.SLOWED, why_so, length)

    def _spacing(self, chunk: ActionChunk, now_ns: int) -> tuple[int, int]:
        """Periods between two knots, and how many knots: less than a spacing is left over."""
        left_s = (chunk.t0_ns - now_ns) * 1e-9 + (chunk.samples.shape[1] - 1) * chunk.dt_s
        horizon_s = min(left_s, max(_MOST_S, self._commit_s))
        within = max(0, int(np.floor(horizon_s / self._period_s + 1e-6)))
        ticks = max(1, -(-within // _MOST_KNOTS))
        return ticks, within // ticks

    def _stopped(self, nodes: FloatArray) -> FloatArray:
        """The motion with the stop that follows its last node."""
        limits = self._limits
        tail = stop_tail(nodes[-1], limits.a_max, limits.j_max, self._period_s, True, MAX_STOP_TICKS)
        return np.concatenate([nodes, tail])

    def _as_proposed(self, chunk: ActionChunk, plan: _Plan, clear_s: float) -> Preview:
        """The sample as it is; where the joints cannot follow it, the ticks say so."""
        one = chunk if len(chunk.samples) == 1 else replace(chunk, samples=chunk.samples[[plan.sample]])
        return Preview(
            chunk=one,
            rung=Rung.AS_PROPOSED,
            sample=plan.sample,
            clear_s=clear_s,
            change_rad=plan.curve.change_rad,
        )

    def _reshaped(
        self,
        given: GateInput,
        chunk: ActionChunk,
        space: ProposalSpace,
        plan: _Plan,
        h_s: float,
        rung: Rung,
        why: Finding,
        knots: int,
    ) -> Preview:
        """A chunk along the first `knots` knots of a curve, at rest afterwards if they are not all."""
        ticks, last = round(h_s / self._period_s), len(plan.wanted[0])
        nodes = plan.curve.nodes
        if knots < last:
            nodes = self._stopped(nodes[: knots * ticks + 1])
        # the gripper does nothing that the arm does not get to
        away = np.abs(plan.curve.knots[1:, 0] - plan.wanted[0]).max(axis=1) > _AWAY_RAD
        reached = 0
        steps = []
        for k in range(last + 1):
            if 0 < k <= knots and not away[k - 1]:
                reached = k
            width_m = space.width_at(chunk, given.now_ns + _ns(reached, h_s), plan.sample)
            joints = nodes[min(k * ticks, len(nodes) - 1), 0]
            steps.append(joints if width_m is None else np.append(joints, width_m))
        return Preview(
            chunk=replace(
                chunk,
                embodiment=self._in_joints,
                spread=None,
                samples=np.array([steps]),
                t0_ns=given.now_ns,
                dt_s=h_s,
                anchor=None,
            ),
            rung=rung,
            sample=plan.sample,
            clear_s=knots * h_s,
            guard=why.family,
            reason=why.reason,
            change_rad=plan.curve.change_rad,
        )


def _metrics(space: ProposalSpace, positions: FloatArray) -> FloatArray | None:
    """What it costs to leave the proposal at each knot, shape (K, n, n)."""
    metrics = [space.metric(q) for q in positions]
    return np.array(metrics) if metrics[0] is not None else None


def _ns(knots: int, h_s: float) -> int:
    return round(knots * h_s * 1e9)


def _clear_knots(curve: Curve, judge: _Judge) -> int:
    """How many knots of a motion that is not clear are; by halving, so a longer prefix may be missed."""
    clear, broken = 0, len(curve.knots) - 1
    ticks = (len(curve.nodes) - 1) // broken
    while broken - clear > 1:
        middle = (clear + broken) // 2
        if judge(curve.nodes[: middle * ticks + 1]).clear:
            clear = middle
        else:
            broken = middle
    return clear
