"""The gate: the one place where a proposal may become a command.

It tries the rungs of the ladder from the best to the last. Whatever a rung offers is only a candidate: the
verifier judges the tick and the stop that follows it, and what it has not shown to be clear is not released.
If no rung is clear, the verified stop in hand plays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from interlock.guards.body import BodyModel
from interlock.guards.broken import find_broken
from interlock.guards.certificate import Certificate, Margin, fingerprint
from interlock.guards.compile import NUMERIC_PATH
from interlock.guards.config import GateConfig
from interlock.guards.constraint import Constraint
from interlock.guards.curve import next_node
from interlock.guards.grip import Grip, judge_grip
from interlock.guards.intake import GateInput, Intake
from interlock.guards.preview import Preview, Previewer
from interlock.guards.projector import Candidate, Projector
from interlock.guards.proposal_space import JointSpace, ProposalSpace, ToolSpace
from interlock.guards.reference import Reference
from interlock.guards.retreat import Retreat
from interlock.guards.stop import MAX_STOP_TICKS, stop_tail
from interlock.guards.stop_path import stop_distance
from interlock.guards.surveyor import Surveyor
from interlock.guards.velocity_box import VelocityBox
from interlock.guards.verdict import Decision, Family, Rung, Verdict
from interlock.guards.verifier import Finding, Surroundings, Verifier
from interlock.hal.arrays import FloatArray
from interlock.hal.command import GuardedCommand, claim_mint
from interlock.hal.embodiment import Embodiment
from interlock.hal.state import RobotState

__all__ = ["Gate", "GateOutput"]

_MINT = claim_mint()
_SLOWER = (0.5, 0.2)
_OPENING = 0.2  # share of a retreat's speed at which it is asked to open what is too near
_STANDING_M_S = 1e-4  # a proposal slower than this is to stand still
_FEEDBACK = 10.0  # position feedback of the tracker, [1/s]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOutput:
    """The answer for one tick; `command` and `certificate` are None while the stop in hand plays."""

    verdict: Verdict
    command: GuardedCommand | None
    certificate: Certificate | None
    margins: tuple[Margin, ...]


@dataclass(frozen=True, slots=True)
class _Try:
    rung: Rung
    velocity: FloatArray
    solver: Candidate | None = None
    bound_by: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class _Motion:
    start: FloatArray
    end: FloatArray
    tail: FloatArray
    finding: Finding


_Judge = Callable[[FloatArray], Finding]
_Metric = Callable[[], FloatArray | None]


class Gate:
    """Decides one tick at a time. It keeps no state: equal inputs give equal outputs, bit for bit.

    Raises:
        BadInputError: if the embodiment is not the body's, or a constraint's program cannot be used.
    """

    def __init__(
        self,
        body: BodyModel,
        embodiment: Embodiment,
        config: GateConfig,
        constraints: Sequence[Constraint] = (),
    ) -> None:
        self.body = body
        self.config = config
        self._intake = Intake(body, embodiment, config)
        in_joints = self._intake.in_joints
        self._changed: ProposalSpace = JointSpace(body.n)
        self._proposed = self._changed if in_joints is embodiment else ToolSpace(body, embodiment)
        self._surveyor = Surveyor(body, config)
        self._projector = Projector(body, config, constraints)
        self._verifier = Verifier(body, config, constraints)
        self._retreat = Retreat(body, config, self._verifier)
        self._previewer = Previewer(body, config, in_joints.fingerprint)

    def preview(self, given: GateInput) -> Preview:
        """Judge a new chunk, `given.chunk`, as a whole; the ticks follow `Preview.chunk` from now on.

        It authorises nothing: each tick is decided afresh. Never raises on a bad value.
        """
        chunk = given.chunk
        if chunk is None:
            raise ValueError("there is no chunk to judge")
        with np.errstate(all="ignore"):
            not_now = self._intake.robot_fault(given)
            fault = not_now or self._intake.chunk_fault(given)
            if fault is not None:
                guard, reason = str(fault[0]), fault[1]
                return Preview(
                    chunk=chunk, rung=Rung.BRAKING, guard=guard, reason=reason, again=not_now is not None
                )
            around = self._surveyor.survey(given)
            return self._previewer.preview(chunk, self._proposed, given, around, self._verifier)

    def decide(self, given: GateInput) -> GateOutput:
        """Release a verified command, or refuse and say why. Never raises on a bad value."""
        with np.errstate(all="ignore"):  # what overflows is NaN or infinite, and fails a check
            return self._decide(given)

    def _decide(self, given: GateInput) -> GateOutput:
        fault = self._intake.robot_fault(given) or self._intake.chunk_fault(given)
        if fault is not None:
            return self._braking(given, None, (fault,))
        end_ns = given.now_ns + round(self.config.period_s * 1e9)
        chunk, state = given.chunk, given.state
        space = self._proposed if given.reshaped is None else self._changed
        ahead = state.q_commanded + self.config.period_s * state.v_commanded
        reference = None if chunk is None else space.reference_at(chunk, end_ns, ahead)
        if reference is None:
            return self._braking(given, None, ((Family.FRESHNESS, "the chunk has run out"),))
        grip = judge_grip(self.body.robot.gripper, state.gripper, given.phase, reference.width_m)
        if grip.refused:
            return self._braking(given, None, ((Family.GRIPPER, grip.note),))
        return self._descend(given, reference, grip, lambda: space.metric(ahead))

    def _descend(self, given: GateInput, reference: Reference, grip: Grip, metric: _Metric) -> GateOutput:
        """Walk down the ladder until the verifier agrees."""
        state, period = given.state, self.config.period_s
        start = np.array([state.q_commanded, state.v_commanded, state.a_commanded])
        around = self._surveyor.survey(given)
        box = self._projector.box(start)
        wanted = self._follow(start, reference)
        proposed = next_node(start, box.acceleration(wanted), period)
        refusals: list[tuple[str, str]] = []
        breach = box.breach(wanted)
        if breach is not None:
            joint = self.body.robot.limits.names[breach[1]]
            refusals.append((breach[0], f"{joint}: proposed {wanted[breach[1]]:.3g} rad/s leaves its bounds"))
        first = Rung.AS_PROPOSED if given.reshaped is None else Rung.PROJECTED
        best = None if breach is not None else first
        for attempt in self._attempts(start, wanted, box, around, best, metric):
            if not np.isfinite(attempt.velocity).all():
                said = attempt.solver.status if attempt.solver is not None else "none was asked"
                refusals.append(("projection", f"no candidate ({said})"))
                continue
            end = next_node(start, box.acceleration(attempt.velocity), period)
            motion = self._judge(start, end, lambda nodes: self._verifier.verify(nodes, around))
            if motion.finding.clear:
                certificate = self._certify(given, around, motion, attempt, proposed)
                return self._release(given, motion, certificate, attempt, proposed, refusals, grip)
            refusals.append((motion.finding.family, motion.finding.reason))
        for attempt, motion in self._retreats(start, wanted, box, around, refusals):
            if motion.finding.clear:
                certificate = self._certify(given, around, motion, attempt, proposed)
                return self._release(given, motion, certificate, attempt, proposed, refusals, grip)
            refusals.append((motion.finding.family, motion.finding.reason))
        return self._braking(given, proposed, tuple(refusals))

    def _retreats(
        self,
        start: FloatArray,
        wanted: FloatArray,
        box: VelocityBox,
        around: Surroundings,
        refusals: list[tuple[str, str]],
    ) -> Iterator[tuple[_Try, _Motion]]:
        """From a broken margin: the proposal made slow, then the nearest that opens what is too near."""
        broken = find_broken(self.body, start[0], around, self.config.self_margin_m, *self._verifier.keep_in)
        if broken is None:
            return
        if broken.hopeless:
            refusals.append((broken.where[0], broken.hopeless))
            return
        slow, speed = self._retreat.slowed(wanted, around)
        if not speed > _STANDING_M_S:
            return  # standing still is no retreat
        why = (broken.where[0], f"{broken.where[1]}: too near already, retreating")
        slow = np.clip(slow, box.lower, box.upper)
        opening = self._projector.project(start, slow, box, around, _OPENING * speed)
        for velocity, solver in ((slow, None), (opening.velocity, opening)):
            if np.isfinite(velocity).all():
                end = next_node(start, box.acceleration(velocity), self.config.period_s)
                attempt = _Try(Rung.RETREATING, velocity, solver, why)
                yield (
                    attempt,
                    self._judge(start, end, lambda nodes: self._retreat.judge(nodes, around, broken)),
                )

    def _attempts(
        self,
        start: FloatArray,
        wanted: FloatArray,
        box: VelocityBox,
        around: Surroundings,
        first: Rung | None,
        metric: _Metric,
    ) -> Iterator[_Try]:
        if first is not None:
            yield _Try(first, wanted)
        projected = self._projector.project(start, wanted, box, around, metric=metric())
        yield _Try(Rung.PROJECTED, projected.velocity, projected, projected.bound_by)
        for share in _SLOWER:
            slower = np.clip(share * projected.velocity, box.lower, box.upper)
            yield _Try(Rung.SLOWED, slower, projected)

    def _judge(self, start: FloatArray, end: FloatArray, judge: _Judge) -> _Motion:
        """Judge the tick and its stop: all joints together along the path, or each as fast as it can."""
        together = self._with_stop(start, end, judge, together=True)
        if together.finding.clear or len(together.tail) == 0:
            return together
        alone = self._with_stop(start, end, judge, together=False)
        return alone if alone.finding.clear else together

    def _with_stop(self, start: FloatArray, end: FloatArray, judge: _Judge, *, together: bool) -> _Motion:
        limits = self.body.robot.limits
        tail = stop_tail(end, limits.a_max, limits.j_max, self.config.period_s, together, MAX_STOP_TICKS)
        finding = judge(np.concatenate([start[None], end[None], tail]))
        return _Motion(start, end, tail, finding)

    def _follow(self, start: FloatArray, reference: Reference) -> FloatArray:
        """The look-ahead velocity that follows the reference, shape (n,), [rad/s]."""
        error = reference.q - (start[0] + self.config.period_s * start[1])
        brake = np.sqrt(np.abs(error) * self.body.robot.limits.a_max)
        return np.asarray(reference.v + np.sign(error) * np.minimum(_FEEDBACK * np.abs(error), brake))

    def _release(
        self,
        given: GateInput,
        motion: _Motion,
        certificate: Certificate,
        attempt: _Try,
        proposed: FloatArray,
        refusals: list[tuple[str, str]],
        grip: Grip,
    ) -> GateOutput:
        rung = attempt.rung
        command = GuardedCommand(
            seq=given.seq,
            epoch=given.epoch,
            stamp_ns=given.now_ns,
            period_s=self.config.period_s,
            start=motion.start,
            end=motion.end,
            tail=motion.tail,
            gripper=grip.command,
            certificate=certificate.digest,
            mint=_MINT,
        )
        if grip.note:
            refusals = [*refusals, (Family.GRIPPER, grip.note)]
        same = rung is Rung.AS_PROPOSED and not grip.note
        guard, reason = refusals[0] if refusals else ("", "")
        if given.reshaped is not None:  # the whole chunk was changed, before this tick of it
            guard, reason = given.reshaped
        if attempt.bound_by is not None:  # joint limits clip nearly every change; this is what shaped it
            guard, reason = attempt.bound_by
        verdict = Verdict(
            decision=Decision.ALLOW if same else Decision.MODIFY,
            rung=rung,
            guard=str(guard),
            reason=reason,
            refusals=tuple((str(g), r) for g, r in refusals),
            before=proposed,
            after=motion.end,
        )
        return GateOutput(
            verdict=verdict, command=command, certificate=certificate, margins=motion.finding.margins
        )

    def _certify(
        self,
        given: GateInput,
        around: Surroundings,
        motion: _Motion,
        attempt: _Try,
        proposed: FloatArray,
    ) -> Certificate:
        start, end, tail = motion.start, motion.end, motion.tail
        solver = attempt.solver or Candidate(velocity=attempt.velocity, status="")
        nodes = np.concatenate([end[None], tail])
        return Certificate(
            seq=given.seq,
            epoch=given.epoch,
            stamp_ns=given.now_ns,
            model=self.body.sha256,
            constraints=self._verifier.digest,
            scene=around.digest,
            phase=fingerprint(asdict(given.phase)),
            state=_state_digest(given.state),
            chunk=given.chunk.digest if given.chunk is not None else "",
            proposal=hashlib.sha256(proposed.tobytes()).hexdigest(),
            motion=hashlib.sha256(start.tobytes() + end.tobytes() + tail.tobytes()).hexdigest(),
            tail=hashlib.sha256(tail.tobytes()).hexdigest(),
            rung=str(attempt.rung),
            margins=motion.finding.margins,
            stop_time_s=len(tail) * self.config.period_s,
            stop_distance_rad=stop_distance(nodes, self.config.period_s),
            interval_bound_m=motion.finding.shown_m,
            intervals=motion.finding.intervals,
            solver_status=solver.status,
            slack_m_s=solver.slack_m_s,
            residual_m_s=solver.residual_m_s,
            dual=solver.dual,
            lateness_ns=given.lateness_ns,
            numeric_path=NUMERIC_PATH,
        )

    def _braking(
        self, given: GateInput, proposed: FloatArray | None, refusals: tuple[tuple[str, str], ...]
    ) -> GateOutput:
        """Refuse: the stop in hand plays. The last reason is what stands in the way of any motion."""
        guard, reason = refusals[-1]
        state = given.state
        verdict = Verdict(
            decision=Decision.REFUSE,
            rung=Rung.BRAKING,
            guard=str(guard),
            reason=reason,
            refusals=tuple((str(g), r) for g, r in refusals),
            before=proposed,
            after=np.array([state.q_commanded, state.v_commanded, state.a_commanded]),
        )
        return GateOutput(verdict=verdict, command=None, certificate=None, margins=())


def _state_digest(state: RobotState) -> str:
    """SHA-256 over every bit of a state."""
    hand = state.gripper
    grip = None if hand is None else (float(hand.width_m).hex(), float(hand.force_n).hex())
    sha = hashlib.sha256(repr((state.stamp_ns, state.standstill, grip)).encode())
    for array in (state.q, state.v, state.q_commanded, state.v_commanded, state.a_commanded):
        sha.update(array.tobytes())
    return sha.hexdigest()
