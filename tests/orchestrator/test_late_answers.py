"""Late answers: the loop never waits, asks afresh, and takes none that was asked for something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from interlock.errors import RefusedError
from interlock.guards.gate import Gate
from interlock.hal.chunk import ActionChunk
from interlock.hal.mode import Mode
from interlock.hal.phase import Phase
from interlock.orchestrator.loop import Loop
from interlock.orchestrator.messages import TickReport
from interlock.orchestrator.motion_history import MotionHistory
from interlock.orchestrator.proposer import InlineProposer
from interlock.orchestrator.stream_proposer import StreamProposer, streaming
from interlock.policy.executed import MotionKind
from interlock.policy.observation import Observation, TaskView
from interlock.policy.policy import PolicyContext
from interlock.policy.stream.hand_over import HandOver
from interlock.policy.stream.options import StreamOptions

TASK = TaskView(
    task_id="t1", skill="pick", arguments={}, phase="approach", instruction="", target_in_world=None
)
PHASE = Phase(
    task_id="t1",
    skill="pick",
    name="grasp",
    allowed=(),
    expires_ns=0,
    held=None,
    maybe_held=None,
    max_force_n=0.0,
)


@dataclass
class SlowProposer:
    """Answers when the test says so."""

    asked: list[Observation] = field(default_factory=list)
    ready: object = None
    thinking: bool = False

    def free(self) -> bool:
        return not self.thinking

    def ask(self, observation: Observation) -> None:
        self.asked.append(observation)
        self.thinking = True

    def answer(self) -> object:
        ready, self.ready = self.ready, None
        if ready is not None:
            self.thinking = False
        return ready


@dataclass
class Bench:
    robot: Any
    proposer: Any
    loop: Loop
    history: MotionHistory
    chunks: list[ActionChunk] = field(default_factory=list)
    reports: list[TickReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def ticks(self, count: int, task: TaskView | None = TASK) -> TickReport:
        for _ in range(count):
            report = self.loop.tick(task)
        return report

    # the witness
    def phase(self, phase: Phase, now_ns: int) -> None:
        pass

    def chunk(self, chunk: ActionChunk) -> None:
        self.chunks.append(chunk)

    def tick(self, report: TickReport) -> None:
        self.reports.append(report)


@dataclass
class RobotClock:
    robot: Any

    def now_ns(self) -> int:
        return int(self.robot.now_ns)

    def lateness_ns(self) -> int:
        return 0

    def wait_next_tick(self) -> None:
        self.robot.wait_next_tick()


@pytest.fixture
def bench(robot: Any, panda_gate: Gate) -> Callable[..., Bench]:
    def make(proposer: Any = None, history: MotionHistory | None = None) -> Bench:
        made = Bench(robot, proposer or SlowProposer(), None, history or MotionHistory())  # type: ignore[arg-type]
        made.loop = Loop(
            proposer=made.proposer,
            drive=robot.drive(panda_gate),
            clock=RobotClock(robot),
            replan_s=0.16,
            witness=made,
            state=robot.observe(),
            scene=robot.snapshot(),
            complain=made.complaints.append,
            history=made.history,
            note=made.notes.append,
        )
        return made

    return make


def test_a_question_that_is_due_while_one_is_unanswered_is_asked_afresh_after_it(
    bench: Callable[..., Bench],
) -> None:
    made = bench()
    made.ticks(20)
    assert len(made.proposer.asked) == 1
    made.proposer.ready = made.robot.chunk()
    made.ticks(1)
    assert [chunk.seq for chunk in made.chunks] == [0]
    assert len(made.proposer.asked) == 1
    made.ticks(1)
    assert [o.stamp_ns for o in made.proposer.asked] == [0, 200_000_000]


def test_an_answer_for_a_phase_that_is_over_is_dropped_and_said_so(bench: Callable[..., Bench]) -> None:
    made = bench()
    made.ticks(3)
    made.loop.grant(PHASE)
    made.proposer.ready = made.robot.chunk(towards=0.3)
    report = made.ticks(1)
    assert (made.chunks, report.chunk_seq) == ([], -1)
    assert made.notes == ["an answer for t1, phase approach, came when another was granted: dropped"]
    made.ticks(1)
    assert len(made.proposer.asked) == 2
    made.proposer.ready = made.robot.chunk(seq=1)
    assert made.ticks(1).mode is Mode.AUTO
    assert made.complaints == []


def test_an_answer_that_comes_after_the_withdrawal_moves_nothing(bench: Callable[..., Bench]) -> None:
    """Else a slow policy would move an arm that is being brought to rest."""
    made = bench()
    made.ticks(3)
    made.loop.withdraw()
    made.proposer.ready = made.robot.chunk(towards=0.3)
    report = made.ticks(5, task=None)
    assert (made.chunks, report.chunk_seq, made.robot.calls) == ([], -1, [])


def test_a_refusal_before_the_gate_is_told_and_the_old_chunk_goes_on(bench: Callable[..., Bench]) -> None:
    made = bench()
    made.ticks(1)
    made.proposer.ready = made.robot.chunk()
    made.ticks(16)
    made.proposer.ready = RefusedError("chunk 1 begins 0.4 rad from where the arm is")
    report = made.ticks(1)
    assert (report.mode, report.chunk_seq) == (Mode.AUTO, 0)
    assert made.complaints == [
        "proposal refused before the gate: chunk 1 begins 0.4 rad from where the arm is"
    ]


def test_an_observation_carries_what_was_executed_until_then(bench: Callable[..., Bench]) -> None:
    made = bench()
    made.ticks(1)
    assert len(made.proposer.asked[0].executed) == 0
    made.proposer.ready = made.robot.chunk(towards=0.1)
    made.ticks(30)
    made.proposer.ready = made.robot.chunk(seq=1)
    made.ticks(2)
    seen = made.proposer.asked[-1]
    reported = [r for r in made.reports if r.stamp_ns <= seen.stamp_ns]
    np.testing.assert_array_equal(seen.executed.stamps_ns, [r.stamp_ns for r in reported])
    np.testing.assert_array_equal(seen.executed.q, [r.state.q_commanded for r in reported])
    assert seen.executed.stamps_ns[-1] == seen.stamp_ns
    meant = {"refuse": MotionKind.STOPPING, "allow": MotionKind.PROPOSED, "modify": MotionKind.CHANGED}
    assert list(seen.executed.kinds) == [meant[r.verdict.decision] for r in reported]
    assert len(set(seen.executed.kinds)) > 1
    assert seen.executed.in_force is not None
    assert seen.executed.in_force is not reported[-1].given.chunk  # type: ignore[union-attr]
    assert seen.executed.in_force.digest == reported[-1].given.chunk.digest  # type: ignore[union-attr]


def test_the_history_keeps_one_second_and_knows_where_the_arm_is_now(bench: Callable[..., Bench]) -> None:
    made = bench()
    assert made.history.here(0) is None
    made.ticks(1)
    for k in range(14):
        made.proposer.ready = made.robot.chunk(seq=k, towards=0.1)
        made.ticks(15)
        np.testing.assert_allclose(made.history.here(made.robot.now_ns), made.robot.node[0], atol=1e-12)
    executed = made.history.executed()
    assert executed.stamps_ns[-1] - executed.stamps_ns[0] == 1_000_000_000
    assert executed.widths_m is not None
    assert set(executed.widths_m) == {0.06}


@dataclass
class Replies:
    """A policy that answers with a chunk, as a stream would."""

    robot: Any
    hand_over: HandOver
    name: str = "replies"
    count: int = 0

    def reset(self) -> None:
        pass

    def propose(self, observation: Observation) -> ActionChunk | None:
        self.count += 1
        made = self.robot.chunk(seq=self.count)
        return replace(made, t_obs_ns=observation.stamp_ns, t_ready_ns=observation.stamp_ns)


def stream_for(robot: Any, history: MotionHistory, latency_s: float) -> tuple[StreamProposer, Replies]:
    context = PolicyContext(robot=robot.robot, embodiment=robot.cell.embodiment(), seed=0, options={})
    policy = Replies(robot, HandOver(context, StreamOptions(latency_s=latency_s)))
    made = streaming(InlineProposer(policy), policy, lambda: int(robot.now_ns), history, real_time=False)
    assert isinstance(made, StreamProposer)
    return made, policy


@pytest.mark.parametrize("latency_ms", [0, 5, 10, 50, 150, 300])
def test_in_lockstep_a_chunk_comes_as_late_as_the_options_say(
    latency_ms: int, bench: Callable[..., Bench], robot: Any
) -> None:
    history = MotionHistory()
    proposer, policy = stream_for(robot, history, latency_ms * 1e-3)
    made = bench(proposer, history)
    made.ticks(120)
    asked_ns = {c.seq: c.t_obs_ns + (10_000_000 if c.t_obs_ns else 0) for c in made.chunks}
    came_ns = {r.chunk_seq: r.stamp_ns for r in reversed(made.reports)}
    late_ticks = -(-latency_ms // 10)
    assert len(made.chunks) >= 3
    for chunk in made.chunks:
        assert came_ns[chunk.seq] - asked_ns[chunk.seq] in (
            late_ticks * 10_000_000,
            late_ticks * 10_000_000 + 10_000_000,
        )
        assert chunk.t_obs_ns <= chunk.t_ready_ns <= came_ns[chunk.seq]
    every = max(16, late_ticks + 1)
    assert policy.count == -(-120 // every)


def test_a_policy_without_a_hand_over_is_left_as_it_is(robot: Any) -> None:
    inner = InlineProposer(robot)
    assert streaming(inner, robot, lambda: 0, MotionHistory(), real_time=True) is inner


def test_in_real_time_nothing_is_put_off(robot: Any) -> None:
    _, policy = stream_for(robot, MotionHistory(), 0.3)
    proposer = streaming(InlineProposer(policy), policy, lambda: 0, MotionHistory(), real_time=True)
    proposer.ask(Observation(stamp_ns=0, state=robot.observe(), scene=robot.snapshot(), frames=(), task=TASK))
    assert isinstance(proposer.answer(), ActionChunk)


def test_a_policy_that_waits_or_fails_is_free_again(robot: Any) -> None:
    for answer in (None, ValueError("out of memory")):
        proposer, _ = stream_for(robot, MotionHistory(), 0.0)
        inner = proposer._inner
        inner._answer = answer  # type: ignore[attr-defined]
        proposer._asked_ns = 0
        assert proposer.answer() is answer
        assert proposer.free()
