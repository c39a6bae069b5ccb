"""The loop trusts nothing a policy does, and tells its witness everything in order."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from interlock.errors import UnsureError
from interlock.guards.gate import Gate
from interlock.guards.verdict import Decision
from interlock.hal.chunk import ActionChunk
from interlock.hal.mode import Mode
from interlock.hal.phase import Phase
from interlock.orchestrator.loop import Loop
from interlock.orchestrator.messages import TickReport
from interlock.orchestrator.proposer import InlineProposer, Proposer, ThreadProposer, WaitingProposer
from interlock.policy.observation import Observation, TaskView

TASK = TaskView(
    task_id="t1",
    skill="pick",
    arguments={"object": "red_block"},
    phase="approach",
    instruction="pick up the red block",
    target_in_world=None,
)
PHASE = Phase(
    task_id="t1",
    skill="pick",
    name="lift",
    allowed=(),
    expires_ns=0,
    held=None,
    maybe_held=None,
    max_force_n=0.0,
)


@dataclass
class FakePolicy:
    """Answers with what `answer` makes of the robot."""

    robot: Any
    answer: Callable[[Any], object]
    name: str = "fake"
    seen: list[Observation] = field(default_factory=list)

    def reset(self) -> None:
        pass

    def propose(self, observation: Observation) -> Any:
        self.seen.append(observation)
        return self.answer(self.robot)


@dataclass
class FakeWitness:
    robot: Any
    told: list[tuple[str, int]] = field(default_factory=list)
    reports: list[TickReport] = field(default_factory=list)

    def phase(self, phase: Phase, now_ns: int) -> None:
        self.told.append((f"phase {phase.name}", now_ns))

    def chunk(self, chunk: ActionChunk) -> None:
        self.told.append(("chunk", self.robot.now_ns))

    def tick(self, report: TickReport) -> None:
        self.told.append(("tick", self.robot.now_ns))
        self.reports.append(report)


@dataclass
class Bench:
    loop: Loop
    policy: FakePolicy
    witness: FakeWitness
    complaints: list[str]

    def ticks(self, count: int, task: TaskView | None = TASK) -> TickReport:
        for _ in range(count):
            report = self.loop.tick(task)
        return report


@pytest.fixture
def bench(robot: Any, panda_gate: Gate) -> Callable[..., Bench]:
    def make(answer: Callable[[Any], object], proposer: Callable[..., Proposer] = InlineProposer) -> Bench:
        policy, witness, complaints = FakePolicy(robot, answer), FakeWitness(robot), []
        loop = Loop(
            proposer=proposer(policy),
            drive=robot.drive(panda_gate),
            clock=FakeClock(robot),
            replan_s=0.16,
            witness=witness,
            state=robot.observe(),
            scene=robot.snapshot(),
            complain=complaints.append,
        )
        return Bench(loop, policy, witness, complaints)

    return make


@dataclass
class FakeClock:
    robot: Any

    def now_ns(self) -> int:
        return self.robot.now_ns

    def lateness_ns(self) -> int:
        return 0

    def wait_next_tick(self) -> None:
        self.robot.wait_next_tick()


def raising(error: Exception) -> Callable[[Any], object]:
    def answer(robot: Any) -> object:
        raise error

    return answer


class ChunkByAnotherName(ActionChunk):
    pass


STRANGERS: dict[str, tuple[Callable[[Any], object], str]] = {
    "raises": (raising(RuntimeError("out of memory")), "policy raised RuntimeError: out of memory"),
    "raises a key error": (raising(KeyError("red_block")), "policy raised KeyError"),
    "raises StopIteration": (raising(StopIteration()), "policy raised StopIteration"),
    "text": (lambda robot: "forward", "it is a str"),
    "a dictionary": (lambda robot: {"samples": [[0.0] * 8]}, "it is a dict"),
    "a bare array": (lambda robot: np.zeros((1, 16, 8)), "it is a ndarray"),
    "the class itself": (lambda robot: ActionChunk, "it is a type"),
    "a subclass": (
        lambda robot: ChunkByAnotherName(
            **{name: getattr(robot.chunk(), name) for name in ActionChunk.__dataclass_fields__}
        ),
        "it is a ChunkByAnotherName",
    ),
    "a sequence number in words": (lambda robot: replace(robot.chunk(), seq="one"), "its seq is a str"),
    "no stamp": (lambda robot: replace(robot.chunk(), t_obs_ns=None), "its t_obs_ns is a NoneType"),
    "a stamp in seconds": (lambda robot: replace(robot.chunk(), t0_ns=0.5), "its t0_ns is a float"),
    "true for a number": (lambda robot: replace(robot.chunk(), seq=True), "its seq is a bool"),
    "no time step": (lambda robot: replace(robot.chunk(), dt_s=None), "its dt_s is a NoneType"),
    "steps in words": (
        lambda robot: replace(robot.chunk(), provenance=replace(robot.chunk().provenance, steps="ten")),
        "its provenance.steps is a str",
    ),
    "files that are numbers": (
        lambda robot: replace(robot.chunk(), provenance=replace(robot.chunk().provenance, files={"a": 1})),
        "its provenance.files are no names and hashes",
    ),
    "no provenance": (lambda robot: replace(robot.chunk(), provenance="me"), "its provenance is a str"),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_a_policy_that_raises_or_returns_junk_proposes_nothing(
    name: str, bench: Callable[..., Bench], robot: Any
) -> None:
    answer, said = STRANGERS[name]
    made = bench(answer)
    report = made.ticks(3)
    assert (report.mode, report.chunk_seq) == (Mode.BRAKING, -1)
    assert len(made.complaints) == 1
    assert said in made.complaints[0]
    assert robot.calls == []
    assert not any(what == "chunk" for what, _ in made.witness.told)


def changed(**fields: Any) -> Callable[[Any], object]:
    return lambda robot: replace(robot.chunk(), **fields)


BAD_VALUES: dict[str, tuple[Callable[[Any], object], str]] = {
    "NaN": (changed(samples=np.full((1, 16, 8), np.nan)), "integrity"),
    "infinite": (changed(samples=np.full((1, 16, 8), np.inf)), "integrity"),
    "no samples": (changed(samples=np.zeros((0, 16, 8))), "integrity"),
    "one step": (changed(samples=np.zeros((1, 1, 8))), "integrity"),
    "too few channels": (changed(samples=np.zeros((1, 16, 7))), "integrity"),
    "another embodiment": (changed(embodiment="0" * 64), "integrity"),
    "NaN for a time step": (changed(dt_s=float("nan")), "integrity"),
    "no time step at all": (changed(dt_s=0.0), "integrity"),
    "from the future": (changed(t_ready_ns=10**9), "freshness"),
    "a stale observation": (changed(t_obs_ns=-(10**9), t_ready_ns=-(10**9)), "freshness"),
    "long over": (changed(t0_ns=-(10**10)), "freshness"),
    "degrees": (lambda robot: replace(robot.chunk(), samples=np.degrees(robot.chunk().samples)), "integrity"),
}


@pytest.mark.parametrize("name", BAD_VALUES)
def test_a_chunk_of_bad_values_is_a_verdict_and_stands_in_the_record(
    name: str, bench: Callable[..., Bench], robot: Any
) -> None:
    answer, guard = BAD_VALUES[name]
    made = bench(answer)
    report = made.ticks(1)
    assert (report.verdict.decision, report.verdict.guard) == (Decision.REFUSE, guard)
    assert report.verdict.reason
    assert (report.mode, report.latch) == (Mode.BRAKING, ())
    assert made.witness.told == [("chunk", 0), ("tick", 0)]
    assert made.complaints == []
    assert robot.calls == []


def test_a_policy_may_wait(bench: Callable[..., Bench]) -> None:
    made = bench(lambda robot: None)
    assert made.ticks(3).mode is Mode.BRAKING
    assert made.complaints == []


def test_after_a_fault_the_next_good_proposal_is_taken(bench: Callable[..., Bench]) -> None:
    made = bench(lambda robot: robot.chunk() if robot.now_ns >= 160_000_000 else "junk")
    assert made.ticks(16).mode is Mode.BRAKING
    assert made.ticks(1).mode is Mode.AUTO


def test_a_proposal_is_asked_for_once_each_interval_and_never_without_a_task(
    bench: Callable[..., Bench],
) -> None:
    made = bench(lambda robot: robot.chunk(seq=robot.now_ns))
    made.ticks(5, task=None)
    assert made.policy.seen == []
    made.ticks(33)
    assert [o.stamp_ns for o in made.policy.seen] == [40_000_000, 200_000_000, 360_000_000]


def test_a_granted_phase_asks_for_a_new_proposal_at_once(bench: Callable[..., Bench]) -> None:
    made = bench(lambda robot: robot.chunk(seq=robot.now_ns))
    made.ticks(3)
    made.loop.grant(PHASE)
    made.ticks(1)
    assert len(made.policy.seen) == 2
    assert made.witness.told[-3:] == [("phase lift", 30_000_000), ("chunk", 30_000_000), ("tick", 30_000_000)]
    assert made.witness.reports[-1].phase == "lift"


def test_the_witness_hears_of_a_tick_before_the_world_moves(bench: Callable[..., Bench]) -> None:
    made = bench(lambda robot: robot.chunk(towards=0.1))
    made.ticks(4)
    assert [(what, at) for what, at in made.witness.told if what == "tick"] == [
        ("tick", k * 10_000_000) for k in range(4)
    ]
    assert [r.stamp_ns for r in made.witness.reports] == [k * 10_000_000 for k in range(4)]


def test_a_policy_sees_what_was_last_reported(bench: Callable[..., Bench]) -> None:
    made = bench(lambda robot: robot.chunk(seq=robot.now_ns, towards=0.2))
    made.ticks(17)
    last = made.policy.seen[-1]
    reported = made.witness.reports[-2]
    np.testing.assert_array_equal(last.state.q, reported.state.q)
    assert [o.name for o in last.scene.objects] == [o.name for o in reported.scene.objects]
    assert last.task is TASK


def test_a_policy_that_writes_into_what_it_sees_changes_nothing_but_its_copy(
    bench: Callable[..., Bench],
) -> None:
    made = bench(lambda robot: robot.chunk(seq=robot.now_ns))
    made.ticks(1)
    seen = made.policy.seen[-1]
    for thing, own in zip(seen.scene.objects, made.witness.reports[0].scene.objects, strict=True):
        assert thing is not own
        assert not np.shares_memory(thing.object_in_world, own.object_in_world)
        for part, true in zip(thing.parts, own.parts, strict=True):
            assert part is not true
            assert part.shape is not true.shape
            assert not np.shares_memory(part.part_in_object, true.part_in_object)
    assert not np.shares_memory(seen.state.q, made.witness.reports[0].state.q)


def test_a_policy_that_raises_to_leave_the_process_only_complains(bench: Callable[..., Bench]) -> None:
    def answer(robot: Any) -> object:
        raise KeyboardInterrupt

    made = bench(answer)
    made.ticks(3)
    assert len(made.witness.reports) == 3
    assert any("KeyboardInterrupt" in text for text in made.complaints)


def test_while_a_policy_hangs_in_lockstep_a_stop_gets_through() -> None:
    free = threading.Event()

    class Hanging:
        name = "hanging"

        def propose(self, observation: object) -> object:
            free.wait(60.0)
            return None

    wanted = iter([False, False, True])
    proposer = WaitingProposer(Hanging(), lambda: next(wanted))
    proposer.ask(0)  # comes back though nothing was answered
    assert proposer.answer() is None
    free.set()


def test_in_lockstep_the_answer_is_waited_for() -> None:
    class Slow:
        name = "slow"

        def propose(self, observation: object) -> object:
            time.sleep(0.2)
            return observation

    proposer = WaitingProposer(Slow(), lambda: False)
    for question in range(3):
        proposer.ask(question)
        assert proposer.answer() == question
        assert proposer.answer() is None


def test_a_policy_that_hangs_costs_its_own_proposals_and_no_tick(bench: Callable[..., Bench]) -> None:
    free = threading.Event()

    def answer(robot: Any) -> object:
        free.wait(60.0)
        return robot.chunk(seq=1)

    made = bench(answer, ThreadProposer)
    assert made.ticks(60).mode is Mode.BRAKING
    assert len(made.witness.reports) == 60
    assert len(made.policy.seen) == 1
    free.set()
    answers = made.loop._proposer._answers  # type: ignore[attr-defined]
    answers.put(answers.get(timeout=60.0))
    assert made.ticks(1).mode is Mode.AUTO


def test_the_thread_of_a_proposer_that_nobody_holds_ends_and_lets_go_of_the_policy() -> None:
    class Quick:
        name = "quick"

        def propose(self, observation: object) -> object:
            return observation

    policy = Quick()
    held, before = weakref.ref(policy), set(threading.enumerate())
    proposer = WaitingProposer(policy, lambda: False)
    (thread,) = set(threading.enumerate()) - before
    proposer.ask(1)
    assert proposer.answer() == 1
    del policy, proposer
    thread.join(timeout=60.0)
    assert not thread.is_alive()
    assert held() is None


def test_a_policy_that_is_unsure_takes_back_what_it_proposed_and_may_ask_for_another_plan(
    bench: Callable[..., Bench],
) -> None:
    def answer(robot: Any) -> object:
        if robot.now_ns < 160_000_000:
            return robot.chunk(towards=0.1)
        raise UnsureError("has never seen that", plan_anew=robot.now_ns >= 320_000_000)

    made = bench(answer)
    assert made.ticks(16).mode is Mode.AUTO
    report = made.ticks(1)
    assert (report.mode, report.verdict.decision, report.chunk_seq) == (Mode.BRAKING, Decision.REFUSE, -1)
    assert "has never seen that" in made.loop.trouble
    assert not made.loop.plan_anew
    made.ticks(16)
    assert made.loop.plan_anew
    made.loop.grant(PHASE)
    assert not made.loop.plan_anew
