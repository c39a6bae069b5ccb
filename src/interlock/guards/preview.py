"""The preview: a new chunk judged whole, before any tick of it is.

A sample that is clear, stop included, for as long as it is followed before the next chunk stays as it was
proposed; of several, one that is clear to its end and needs the least change. Where none is, the whole is
projected (`chunk_curve`); where that is not clear to its end, the arm goes along the longest prefix that is,
and then stands. No preview authorises a tick: each is verified afresh.
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
from interlock.guards.reference import reference_at
from interlock.guards.stop import MAX_STOP_TICKS, stop_tail
from interlock.guards.verdict import Rung
from interlock.guards.verifier import Finding, Surroundings, Verifier
from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk

__all__ = ["Preview", "Previewer"]

_KNOTS = 16
_MOST_TICKS = 20  # between two knots; what is asked for later than 16 times that is not looked at
_JUDGED = 4  # of the samples, those that need the least change are judged whole: a tick has an end
_BENT = 2  # and so many of them are projected

_Judge = Callable[[FloatArray], Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a whole chunk comes to.

    Attributes:
        chunk: what the ticks follow from now on; the proposal itself where nothing had to be changed.
        rung: AS_PROPOSED; PROJECTED; SLOWED where only a prefix is clear; BRAKING where nothing of it is, or
            it could not be judged, and each tick has to be decided by itself.
        sample: which of the samples it is.
        clear_s: for how long from now the motion is shown clear, before the stop, [s].
        guard: family that forced a change, "" if none did.
        reason: one sentence, "" if nothing was changed.
        change_rad: largest change of a joint at a knot, [rad].
    """

    chunk: ActionChunk
    rung: Rung
    sample: int = 0
    clear_s: float = 0.0
    guard: str = ""
    reason: str = ""
    change_rad: float = 0.0


@dataclass(frozen=True, slots=True)
class _Plan:
    """One sample: where it wants to be at the knots, a curve for it, and what the verifier says of that."""

    sample: int
    wanted: FloatArray
    curve: Curve
    finding: Finding


class Previewer:
    """Judges whole chunks; keeps no state, so that equal inputs give equal previews."""

    def __init__(self, body: BodyModel, config: GateConfig) -> None:
        self._limits = body.robot.limits
        self._joints = body.n
        self._period_s = config.period_s
        self._commit_s = config.chunk_commit_s
        self._curve = ChunkCurve(body.robot.limits, body.robot.tube, _KNOTS, config.period_s)
        self._rows = ChunkRows(body, config)

    def preview(
        self, chunk: ActionChunk, given: GateInput, around: Surroundings, verifier: Verifier
    ) -> Preview:
        """Judge `chunk`, which the intake has let in, as a whole."""

        def judge(nodes: FloatArray) -> Finding:
            return verifier.verify(self._stopped(nodes), around)

        left_s = (chunk.t0_ns - given.now_ns) * 1e-9 + (chunk.samples.shape[1] - 1) * chunk.dt_s
        ticks = min(int(np.floor(left_s / _KNOTS / self._period_s + 1e-6)), _MOST_TICKS)
        if ticks < 1:
            return Preview(chunk=chunk, rung=Rung.BRAKING, reason="too little of it is left to judge")
        h_s, state = ticks * self._period_s, given.state
        start = np.array([state.q_commanded, state.v_commanded, state.a_commanded])
        fitted = []
        for sample in range(len(chunk.samples)):
            wanted = self._wanted(chunk, sample, given.now_ns, h_s)
            fitted.append((sample, wanted, self._curve.fit(start, wanted, ticks)))
        fitted.sort(key=lambda each: _rank(each[2]))
        plans: list[_Plan] = []
        for sample, wanted, curve in fitted[:_JUDGED]:
            plans.append(_Plan(sample, wanted, curve, judge(curve.nodes)))
            if plans[-1].finding.clear:
                return self._as_proposed(chunk, plans[-1], _KNOTS * h_s)
        enough = max(1, int(np.ceil(self._commit_s / h_s - 1e-9)))
        for plan in plans if enough < _KNOTS else ():
            if judge(plan.curve.nodes[: enough * ticks + 1]).clear:
                return self._as_proposed(chunk, plan, enough * h_s)
        bent = []
        for plan in plans[:_BENT]:
            rows = self._rows.along(plan.curve.knots, h_s, around)
            curve = self._curve.fit(start, plan.wanted, ticks, rows)
            bent.append(replace(plan, curve=curve, finding=judge(curve.nodes)))
        why = {plan.sample: plan.finding for plan in plans}
        clear = [plan for plan in bent if plan.finding.clear]
        if clear:
            best = min(clear, key=lambda plan: _rank(plan.curve))
            return self._reshaped(given, chunk, best, h_s, Rung.PROJECTED, why[best.sample], _KNOTS)
        lengths = [_longest(plan.curve.nodes, ticks, judge) for plan in bent]
        best, length = bent[int(np.argmax(lengths))], max(lengths)
        if length == 0:
            first = plans[0].finding
            return Preview(chunk=chunk, rung=Rung.BRAKING, guard=first.family, reason=first.reason)
        return self._reshaped(given, chunk, best, h_s, Rung.SLOWED, why[best.sample], length)

    def _wanted(self, chunk: ActionChunk, sample: int, now_ns: int, h_s: float) -> FloatArray:
        """Where, and how fast, the sample wants the joints at each knot, shape (2, K, n), [rad, rad/s]."""
        wanted = np.full((2, _KNOTS, self._joints), np.nan)
        for k in range(_KNOTS):
            at = reference_at(chunk, self._joints, now_ns + round((k + 1) * h_s * 1e9), sample)
            if at is not None:
                wanted[0, k], wanted[1, k] = np.clip(at.q, self._limits.q_min, self._limits.q_max), at.v
        return wanted

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
        plan: _Plan,
        h_s: float,
        rung: Rung,
        why: Finding,
        knots: int,
    ) -> Preview:
        """A chunk along the first `knots` knots of a curve, at rest afterwards if they are not all."""
        ticks = round(h_s / self._period_s)
        nodes = plan.curve.nodes
        if knots < _KNOTS:
            nodes = self._stopped(nodes[: knots * ticks + 1])
        steps = np.empty((_KNOTS + 1, chunk.samples.shape[2]))
        for k in range(_KNOTS + 1):
            steps[k, : self._joints] = nodes[min(k * ticks, len(nodes) - 1), 0]
            # the gripper does nothing that the arm does not get to
            at_ns = given.now_ns + round(min(k, knots) * h_s * 1e9)
            at = reference_at(chunk, self._joints, at_ns, plan.sample)
            if at is not None and at.width_m is not None:
                steps[k, self._joints] = at.width_m
        return Preview(
            chunk=replace(chunk, samples=steps[None], t0_ns=given.now_ns, dt_s=h_s),
            rung=rung,
            sample=plan.sample,
            clear_s=knots * h_s,
            guard=why.family,
            reason=why.reason,
            change_rad=plan.curve.change_rad,
        )


def _rank(curve: Curve) -> float:
    """How much of a change it is; last of all if there is no curve."""
    return curve.change_rad if np.isfinite(curve.change_rad) else np.inf


def _longest(nodes: FloatArray, ticks: int, judge: _Judge) -> int:
    """How many knots of a motion that is not clear are; by halving, so a longer one may be missed."""
    clear, broken = 0, _KNOTS
    while broken - clear > 1:
        middle = (clear + broken) // 2
        if judge(nodes[: middle * ticks + 1]).clear:
            clear = middle
        else:
            broken = middle
    return clear
