"""Whatever breaks in a run, the robot comes to rest, and what decides nothing changes nothing."""

from __future__ import annotations

import errno
import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pybullet")

from tests.orchestrator.session_runner import Notes, Runner, gate_of, records

from interlock.errors import BadInputError, ExitCode
from interlock.hal.latch import StopLatch
from interlock.hal.lease import is_held
from interlock.orchestrator import bystanders, session
from interlock.orchestrator.rig import Rig
from interlock.orchestrator.summary import Outcome
from interlock.policy.policy import PolicyContext
from interlock.policy.registry import create
from interlock.traces.recorder import Recorder

MOVING = 100
"""A tick at which the arm is on its way to the block."""


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def at(tick: int, do: Callable[[], None]) -> Notes:
    return Notes(lambda report: do() if report.tick == tick else None)


class FullDisk(io.BytesIO):
    """Takes some bytes, then none."""

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > 50_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def test_a_full_disk_changes_nothing_about_the_motion(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = runner.run(sim_time_s=1.5)
    ends = [r.command.end.tobytes() for r in runner.notes.reports if r.command is not None]
    monkeypatch.setattr(bystanders, "Recorder", partial(Recorder, open_file=lambda path: FullDisk()))
    full = runner.run(sim_time_s=1.5)
    assert any("No space left on device" in text for text in runner.notes.events)
    again = [r.command.end.tobytes() for r in runner.notes.reports if r.command is not None]
    assert again == ends
    assert len(ends) > 100
    assert (full.outcome, full.ticks, full.referee) == (whole.outcome, whole.ticks, whole.referee)


@pytest.mark.parametrize("error", [BrokenPipeError(errno.EPIPE, "Broken pipe"), SystemExit(1), KeyError("x")])
def test_a_display_that_breaks_is_told_nothing_more_and_changes_nothing(
    error: BaseException, runner: Runner
) -> None:
    """Rich raises SystemExit when its pipe is closed, as by `interlock run ... | head -1`."""

    def break_down() -> None:
        raise error

    summary = runner.run(notes=at(20, break_down), sim_time_s=0.5)
    assert (summary.outcome, summary.ticks > 50) == (Outcome.GAVE_UP, True)
    assert len(runner.notes.reports) == 21
    (said,) = [r for r in records(runner.out, "/event") if r["name"] == "display"]
    assert type(error).__name__ in said["message"]
    assert not StopLatch(runner.state_dir).latched


def test_a_report_that_cannot_be_built_costs_the_report_alone(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(folder: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("interlock.traces.report.build_report", no_room)
    summary = runner.run(sim_time_s=0.1, report=True)
    assert (summary.outcome, summary.report) == (Outcome.GAVE_UP, None)
    assert Path(str(summary.trace)).is_file()
    assert any("No space left on device" in text for text in runner.notes.events)


@pytest.fixture
def break_referee(monkeypatch: pytest.MonkeyPatch) -> None:
    """A referee that breaks on its way."""
    build = session.build_rig

    def breaking(*arguments: Any, **options: Any) -> Rig:
        rig = build(*arguments, **options)
        begin, count = rig.referee.begin_tick, iter(range(10**6))

        def begin_tick(*given: Any) -> None:
            if next(count) == MOVING:
                raise ZeroDivisionError("the referee broke")
            begin(*given)

        rig.referee.begin_tick = begin_tick  # type: ignore[method-assign]
        return rig

    monkeypatch.setattr(session, "build_rig", breaking)


@pytest.mark.usefixtures("break_referee")
def test_a_fault_of_the_session_itself_ends_at_measured_standstill_with_a_latch(runner: Runner) -> None:
    stood: list[bool] = []
    summary = runner.run(on_rig=lambda rig: stood.append(rig.world.driver.standstill()))
    assert (summary.outcome, summary.exit_code) == (Outcome.STOPPED, ExitCode.STOPPED)
    assert summary.reason == "the session failed: ZeroDivisionError: the referee broke"
    assert stood == [True]
    assert StopLatch(runner.state_dir).latched
    (said,) = [r for r in records(runner.out, "/event") if r["name"] == "session"]
    assert "Traceback" in said["message"]


class Stranger:
    """A policy from somewhere else."""

    name = "stranger"

    def __init__(
        self, context: PolicyContext, reset: Callable[[], None], propose: Callable[[Any], Any]
    ) -> None:
        self.reset, self._propose, self._expert = reset, propose, create("scripted", context)
        self._expert.reset()

    def propose(self, observation: Any) -> Any:
        return self._propose(self._expert.propose(observation))


def stranger(
    monkeypatch: pytest.MonkeyPatch,
    *,
    reset: Callable[[], None] = lambda: None,
    propose: Callable[[Any], Any],
) -> None:
    monkeypatch.setattr(session, "create", lambda name, context: Stranger(context, reset, propose))


def test_a_policy_that_raises_mid_motion_brakes_and_is_named_once(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = iter(range(10**6))

    def propose(chunk: Any) -> Any:
        if next(count) > 5:
            raise RuntimeError("CUDA out of memory")
        return chunk

    stranger(monkeypatch, propose=propose)
    summary = runner.run(sim_time_s=3.0)
    assert summary.outcome is Outcome.GAVE_UP
    assert summary.reason == "time is up; policy raised RuntimeError: CUDA out of memory"
    assert runner.notes.events.count("policy raised RuntimeError: CUDA out of memory") == 1
    assert runner.notes.reports[-1].state.standstill
    assert summary.path_length_rad > 0.05
    assert (summary.referee.contacts, summary.referee.limit_violations) == (0, 0)
    assert not StopLatch(runner.state_dir).latched


def test_a_policy_cannot_leave_the_process(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    count = iter(range(10**6))

    def propose(chunk: Any) -> Any:
        if next(count) > 5:
            raise SystemExit(0)
        return chunk

    stranger(monkeypatch, propose=propose)
    summary = runner.run(sim_time_s=3.0)
    assert summary.outcome is Outcome.GAVE_UP
    assert summary.reason == "time is up; policy raised SystemExit: 0"
    assert "policy raised SystemExit: 0" in runner.notes.events
    assert runner.notes.reports[-1].state.standstill
    assert not is_held(runner.state_dir)


def test_a_policy_that_cannot_be_reset_is_bad_input(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def reset() -> None:
        raise RuntimeError("no weights")

    stranger(monkeypatch, reset=reset, propose=lambda chunk: chunk)
    with pytest.raises(BadInputError, match="no weights"):
        runner.run()
    assert not is_held(runner.state_dir)


def test_a_gate_that_raises_mid_motion_stops_and_latches(runner: Runner) -> None:
    gate = gate_of("panda_tabletop")

    class Breaking:
        def __init__(self) -> None:
            self.body, self.config, self.count = gate.body, gate.config, 0

        def preview(self, given: Any) -> Any:
            return gate.preview(given)

        def decide(self, given: Any) -> Any:
            self.count += 1
            if self.count > MOVING:
                raise RuntimeError("a guard broke")
            return gate.decide(given)

    summary = runner.run(gate=Breaking())  # type: ignore[arg-type]
    assert (summary.outcome, summary.reason) == (Outcome.STOPPED, "gate raised RuntimeError: a guard broke")
    assert runner.notes.reports[-1].state.standstill
    assert StopLatch(runner.state_dir).latched
    assert (summary.referee.contacts, summary.referee.limit_violations) == (0, 0)


def test_a_gate_that_raises_over_a_whole_chunk_stops_and_latches(runner: Runner) -> None:
    gate = gate_of("panda_tabletop")

    class Breaking:
        def __init__(self) -> None:
            self.body, self.config, self.count = gate.body, gate.config, 0

        def preview(self, given: Any) -> Any:
            self.count += 1
            if self.count > 4:
                raise RuntimeError("a guard broke")
            return gate.preview(given)

        def decide(self, given: Any) -> Any:
            return gate.decide(given)

    summary = runner.run(gate=Breaking())  # type: ignore[arg-type]
    assert (summary.outcome, summary.reason) == (Outcome.STOPPED, "gate raised RuntimeError: a guard broke")
    assert runner.notes.reports[-1].state.standstill
    assert StopLatch(runner.state_dir).latched
    assert (summary.referee.contacts, summary.referee.limit_violations) == (0, 0)
