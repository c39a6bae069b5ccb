"""A slow model drives the simulator: whatever its delay, the motion goes on and the run repeats."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pybullet")

from tests.orchestrator.session_runner import Runner, cell_of
from tests.orchestrator.stream_models import Double, stream_of

from interlock.guards.verdict import Decision
from interlock.hal.latch import StopLatch
from interlock.hal.mode import Mode
from interlock.orchestrator import session
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.messages import TickReport
from interlock.orchestrator.motion_history import MotionHistory
from interlock.orchestrator.replay import replay
from interlock.orchestrator.summary import RunSummary
from interlock.policy.policy import PolicyContext
from interlock.policy.stream.chunk_stream import ChunkStream
from interlock.policy.stream.hand_over import Joined
from interlock.traces.chain import content_digest

PERIOD_NS = 10_000_000
Change = Callable[[np.ndarray, Any, int], np.ndarray | None]


@cache
def _text() -> str:
    return Cell.load("panda_tabletop").text


class Streamed:
    """Runs a double through the session.

    Attributes:
        double: what was asked.
        joined: how each chunk was handed over.
        reports: every tick.
        events: every line.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.runner = Runner(folder)
        self._folder = folder
        self._monkeypatch = monkeypatch

    def cell(self, **changes: object) -> str:
        """The shipped cell with other numbers or another action space."""
        text = _text()
        for key, value in changes.items():
            text, count = re.subn(rf"(\n  {key}:) \S+", rf"\g<1> {value}", text)
            assert count == 1
        path = self._folder / f"{abs(hash(tuple(changes.items())))}.yaml"
        path.write_text(text)
        return str(path)

    def run(
        self,
        options: dict[str, object],
        *,
        sim_time_s: float,
        cell: str = "panda_tabletop",
        seed: int = 1,
        source: str = "scripted",
        change: Change | None = None,
    ) -> RunSummary:
        more = {} if change is None else {"change": change}

        def create(name: str, context: PolicyContext) -> ChunkStream:
            stream, self.double = stream_of(context, options, source=source, **more)
            self._listen(stream)
            return stream

        self._monkeypatch.setattr(session, "create", create)
        self.runner.state_dir = self._folder / f"state{self.runner._count}"
        summary = self.runner.run(cell=cell, seed=seed, sim_time_s=sim_time_s)
        self.reports = self.runner.notes.reports
        self.events = self.runner.notes.events
        return summary

    def _listen(self, stream: ChunkStream) -> None:
        self.joined: list[Joined] = []
        take = stream.hand_over.take

        def listening(*told: Any, **more: Any) -> Any:
            taken = take(*told, **more)
            assert stream.hand_over.last is not None
            self.joined.append(stream.hand_over.last)
            return taken

        stream.hand_over.take = listening  # type: ignore[method-assign]

    def share(self, decision: Decision) -> float:
        return sum(r.verdict.decision is decision for r in self.reports) / len(self.reports)


@pytest.fixture
def streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Streamed:
    return Streamed(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Streamed:
    """Proposals that run through everything, which the gate changes again and again."""
    with pytest.MonkeyPatch.context() as patch:
        made = Streamed(tmp_path_factory.mktemp("hostile"), patch)
        made.run({"latency_s": 0.1, "rtc": True}, sim_time_s=4.0, source="reckless")
    return made


def q_of(reports: list[TickReport]) -> np.ndarray:
    return np.array([r.state.q_commanded for r in reports])


def assert_continuous(reports: list[TickReport]) -> None:
    """Position, velocity and acceleration of what was commanded go on inside the limits."""
    limits = cell_of("panda_tabletop").robot_spec().limits
    q = q_of(reports)
    v, a = (np.array([getattr(r.state, n) for r in reports]) for n in ("v_commanded", "a_commanded"))
    assert (np.abs(np.diff(q, axis=0)) <= limits.v_max * 0.01 + 1e-9).all()
    assert (np.abs(v) <= limits.v_max + 1e-9).all()
    assert (np.abs(a) <= limits.a_max + 1e-9).all()
    assert (np.abs(np.diff(a, axis=0)) <= limits.j_max * 0.01 + 1e-6).all()
    for before, after in pairwise(reports):
        if before.command is not None and after.command is not None:
            np.testing.assert_array_equal(before.command.end, after.command.start)


def test_without_a_delay_the_stream_moves_the_arm_as_the_policy_itself_does(
    streamed: Streamed, tmp_path: Path
) -> None:
    streamed.run({}, sim_time_s=3.0)
    plain = Runner(tmp_path / "plain")
    streamed._monkeypatch.undo()
    plain.run(sim_time_s=3.0)
    np.testing.assert_array_equal(q_of(streamed.reports), q_of(plain.notes.reports))


# (latency [s], cell's deadline [s], horizon, most REFUSE, most MODIFY): a chunk has to last for two delays
DELAYS = [
    (0.0, 0.5, 16, 0.03, 0.02),
    (0.05, 0.5, 16, 0.05, 0.03),
    (0.15, 0.5, 16, 0.06, 0.04),
    (0.3, 0.9, 24, 0.10, 0.06),
]


@pytest.mark.parametrize(("latency_s", "deadline_s", "horizon", "refused", "modified"), DELAYS)
def test_with_any_delay_the_motion_goes_on_and_the_gate_has_little_to_do(
    latency_s: float, deadline_s: float, horizon: int, refused: float, modified: float, streamed: Streamed
) -> None:
    cell = streamed.cell(chunk_deadline_s=deadline_s, horizon=horizon)
    summary = streamed.run({"latency_s": latency_s}, sim_time_s=4.0, cell=cell)
    assert_continuous(streamed.reports)
    assert (summary.referee.contacts, summary.referee.limit_violations) == (0, 0)
    assert streamed.share(Decision.REFUSE) <= refused
    assert streamed.share(Decision.MODIFY) <= modified
    assert summary.path_length_rad > 3.0
    steady = [j for j in streamed.joined if j.waited_s == 0.0 and j.seq > 0]
    assert {j.skipped for j in steady} == {int(np.ceil((steady[0].delay_s) / 0.04 - 1e-9))}
    assert {round(j.delay_s, 6) for j in steady} == {round(latency_s + 0.01, 6)}


def test_a_delay_too_long_for_the_deadline_stops_and_goes_and_never_latches(streamed: Streamed) -> None:
    summary = streamed.run({"latency_s": 0.3}, sim_time_s=3.0)
    assert_continuous(streamed.reports)
    assert summary.referee.limit_violations == 0
    assert {r.mode for r in streamed.reports} == {Mode.AUTO, Mode.BRAKING}
    assert summary.path_length_rad > 0.5


@pytest.mark.parametrize("options", [{"latency_s": 0.15}, {"latency_s": 0.12, "rtc": True}])
def test_the_same_seed_gives_the_same_trace_whatever_the_machines_clock_says(
    options: dict[str, object], streamed: Streamed
) -> None:
    digests = []
    for seed in (3, 3, 4):
        streamed.run(options, sim_time_s=1.2, seed=seed)
        digests.append(content_digest(streamed.runner.out))
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_every_decision_on_a_late_chunk_is_made_again_from_the_trace(streamed: Streamed) -> None:
    summary = streamed.run({"latency_s": 0.15, "joint_jump_rad": 0.0001}, sim_time_s=1.5)
    assert sum(j.blended for j in streamed.joined) > 5
    result = replay(Path(summary.trace))
    assert (result.holds, result.first_difference) == (True, "")
    assert result.decisions == result.same > 140


def test_the_prefix_is_what_was_commanded_even_where_the_gate_changed_it(hostile: Streamed) -> None:
    commanded = {r.stamp_ns: r for r in hostile.reports}
    changed = rows = 0
    for observation, prefix, _, _ in hostile.double.asked:
        assert prefix is not None
        count = len(prefix.past)
        for k, row in enumerate(prefix.past):
            report = commanded[observation.stamp_ns - (count - k) * 40_000_000]
            np.testing.assert_array_equal(row[:7], report.state.q_commanded)
            changed += report.verdict.decision is not Decision.ALLOW
            rows += 1
        np.testing.assert_array_equal(prefix.ahead[0, :7], observation.state.q_commanded)
    assert rows > 200
    assert changed > 50


def test_where_the_gate_changed_a_chunk_the_prefix_foresees_what_was_then_done(hostile: Streamed) -> None:
    commanded = {r.stamp_ns: r for r in hostile.reports}
    foreseen, moved = [], []
    for observation, prefix, _, _ in hostile.double.asked:
        force = observation.executed.in_force
        start = commanded.get(observation.stamp_ns)
        if force is None or start is None or start.given is None or start.given.reshaped is None:
            continue
        assert prefix is not None
        at = observation.stamp_ns + 80_000_000
        report = commanded.get(at)
        if report is None or report.verdict.decision is Decision.REFUSE or len(prefix.ahead) < 3:
            continue
        foreseen.append(float(np.abs(prefix.ahead[2, :7] - report.state.q_commanded).max()))
        moved.append(float(np.abs(prefix.ahead[0, :7] - report.state.q_commanded).max()))
    assert len(foreseen) > 3
    assert sum(foreseen) < 0.2 * sum(moved)


def test_without_chunks_the_arm_comes_to_rest_without_a_latch_and_goes_on_when_they_come_again(
    streamed: Streamed,
) -> None:
    def pausing(made: np.ndarray, prefix: object, count: int) -> np.ndarray | None:
        return None if 10 <= count < 20 else made

    summary = streamed.run({"latency_s": 0.05}, sim_time_s=5.0, change=pausing)
    assert_continuous(streamed.reports)
    asked_ns = [observation.stamp_ns for observation, *_ in streamed.double.asked]
    gap = [r for r in streamed.reports if asked_ns[8] + 500_000_000 < r.stamp_ns < asked_ns[19]]
    braking = [r for r in gap if r.mode is Mode.BRAKING]
    assert len(gap) - len(braking) <= 2
    assert np.abs(gap[0].state.v_commanded).max() > 0.1
    assert braking[-1].state.standstill
    assert not any(r.latch for r in streamed.reports)
    assert not StopLatch(streamed.runner.state_dir).latched
    after = [r for r in streamed.reports if r.stamp_ns > asked_ns[19]]
    assert any(r.mode is Mode.AUTO and np.abs(r.state.v_commanded).max() > 0.1 for r in after)
    assert summary.referee.limit_violations == 0


def test_where_the_arm_is_now_is_known_while_a_stop_plays(streamed: Streamed) -> None:
    def short(made: np.ndarray, prefix: object, count: int) -> np.ndarray | None:
        return made if count < 6 else None

    streamed.run({}, sim_time_s=2.5, change=short)
    history, errors = MotionHistory(), []
    for report, coming in pairwise(streamed.reports):
        history.add(report)
        errors.append(float(np.abs(history.here(coming.stamp_ns) - coming.state.q_commanded).max()))
    assert max(errors) < 2e-4
    moving = [np.abs(r.state.v_commanded).max() > 0.1 and r.mode is Mode.BRAKING for r in streamed.reports]
    assert sum(moving) > 3


def leaping(made: np.ndarray, prefix: object, count: int) -> np.ndarray:
    """Every third chunk lies 0.08 rad beside the others."""
    return made + np.array([0.08] + [0.0] * 7) * (count % 3 == 0)


def test_a_chunk_that_jumps_is_blended_in(streamed: Streamed) -> None:
    summary = streamed.run({"latency_s": 0.05}, sim_time_s=3.0, change=leaping)
    assert_continuous(streamed.reports)
    assert max(j.jump for j in streamed.joined) > 10.0
    assert summary.referee.limit_violations == 0
    assert streamed.share(Decision.MODIFY) < 0.25
    assert streamed.share(Decision.REFUSE) < 0.1


def test_a_chunk_that_jumps_is_refused_where_that_is_asked_for(streamed: Streamed) -> None:
    summary = streamed.run({"latency_s": 0.05, "refuse_above": 1.0}, sim_time_s=3.0, change=leaping)
    assert_continuous(streamed.reports)
    said = [event for event in streamed.events if "refused before the gate" in event]
    assert said
    assert "panda_joint1" in said[0]
    assert all(j.jump <= 1.0 for j in streamed.joined)
    assert summary.path_length_rad > 0.5


@pytest.mark.parametrize("space", ["tool_pose", "tool_delta", "tool_step"])
def test_in_poses_of_the_tool_a_delay_is_no_more_trouble_than_in_joints(
    space: str, streamed: Streamed
) -> None:
    cell = streamed.cell(action_space=space)
    summary = streamed.run({"latency_s": 0.15}, sim_time_s=2.0, cell=cell)
    assert_continuous(streamed.reports)
    assert (summary.referee.contacts, summary.referee.limit_violations) == (0, 0)
    assert streamed.share(Decision.REFUSE) < 0.15
    assert streamed.share(Decision.MODIFY) < 0.05
    assert summary.path_length_rad > 1.0


def test_several_samples_are_offered_and_one_is_followed(streamed: Streamed) -> None:
    def twice(made: np.ndarray, prefix: object, count: int) -> np.ndarray:
        return np.concatenate([made, made + 0.002])

    summary = streamed.run({"latency_s": 0.05, "samples": 2}, sim_time_s=2.0, change=twice)
    assert {samples for _, _, samples, _ in streamed.double.asked} == {2}
    assert summary.path_length_rad > 1.0


def test_a_model_that_joins_on_to_its_prefix_jumps_less(streamed: Streamed) -> None:
    """Plain chunks lie beside each other, 0.02 rad to either side; told what to join on to, they join."""

    def joining(made: np.ndarray, prefix: Any, count: int) -> np.ndarray:
        beside = made + np.array([0.02 * (-1.0) ** count] + [0.0] * 7)
        if prefix is None:
            return beside
        weights = np.zeros(made.shape[1])
        weights[: len(prefix.weights)] = prefix.weights
        known = np.array(made[0])
        known[: len(prefix.ahead)] = prefix.ahead
        return np.asarray(weights[:, None] * known + (1.0 - weights[:, None]) * beside)

    jumps = {}
    for rtc in (False, True):
        streamed.run({"latency_s": 0.1, "rtc": rtc}, sim_time_s=2.5, change=joining)
        jumps[rtc] = float(np.median([j.jump for j in streamed.joined]))
    assert jumps[True] < 0.3 * jumps[False]


def test_the_seed_of_a_question_is_its_own(streamed: Streamed) -> None:
    streamed.run({}, sim_time_s=1.0)
    assert isinstance(streamed.double, Double)
    seeds = [seed for *_, seed in streamed.double.asked]
    assert len(set(seeds)) == len(seeds) > 4
