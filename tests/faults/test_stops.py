"""A stop asked for at any moment ends at measured standstill, latched, with nothing sent after it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pybullet")

from tests.orchestrator.session_runner import Notes, Runner, records

from interlock.errors import ExitCode, StoppedError, StorageError
from interlock.hal.latch import StopLatch, StopRequest
from interlock.hal.lease import is_held
from interlock.orchestrator import session
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.rig import Rig
from interlock.orchestrator.summary import Outcome, RunSummary


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def at(tick: int, do: Callable[[], None]) -> Notes:
    return Notes(lambda report: do() if report.tick == tick else None)


def assert_stopped(runner: Runner, summary: RunSummary, cause: str) -> None:
    """Stopped mid-motion, latched, and measured at rest before the run ended."""
    assert (summary.outcome, summary.exit_code) == (Outcome.STOPPED, ExitCode.STOPPED)
    assert cause in summary.reason
    assert [c.cause for c in StopLatch(runner.state_dir).causes] == [summary.reason]
    states = records(runner.out, "/state")
    (stop, *_) = records(runner.out, "/stop")
    assert stop["causes"] == [summary.reason]
    moving = [s for s in states if s["stamp_ns"] <= stop["stamp_ns"]][-1]
    assert np.abs(moving["v"]).max() > 0.02, "it was stopped while it moved"
    assert states[-1]["standstill"]
    assert np.abs(states[-1]["v"]).max() < 0.01
    sent = [c["stamp_ns"] for c in records(runner.out, "/command")]
    assert max(sent) < stop["stamp_ns"], "nothing was sent after the stop"
    assert (summary.referee.contacts, summary.referee.limit_violations) == (0, 0), runner.counters


@pytest.fixture(autouse=True)
def no_nohup() -> Iterator[None]:
    """Whoever started the tests may have them ignore SIGHUP, which a run then does too."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


MOVING = 100
"""A tick at which the arm is on its way to the block."""


def test_ctrl_c_stops_the_robot_and_latches(runner: Runner) -> None:
    with Interrupts() as interrupts:
        summary = runner.run(
            notes=at(MOVING, lambda: signal.raise_signal(signal.SIGINT)), interrupts=interrupts
        )
    assert_stopped(runner, summary, "Ctrl-C")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_of_its_own_catches_signals_too_and_puts_the_handlers_back(
    number: signal.Signals, runner: Runner
) -> None:
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    summary = runner.run(notes=at(MOVING, lambda: signal.raise_signal(number)))
    assert_stopped(runner, summary, "Ctrl-C" if number == signal.SIGINT else number.name)
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_stop_request_stops_the_robot_and_is_the_cause(runner: Runner) -> None:
    request = StopRequest(runner.state_dir)
    summary = runner.run(notes=at(MOVING, lambda: request.ask("lunch")))
    assert_stopped(runner, summary, "lunch")


@pytest.mark.parametrize("cause", ["", " ", "\n"])
def test_a_stop_without_a_reason_is_a_stop(cause: str, runner: Runner) -> None:
    request = StopRequest(runner.state_dir)
    summary = runner.run(notes=at(MOVING, lambda: request.ask(cause)))
    assert_stopped(runner, summary, "without a reason")


def test_a_stop_request_with_an_empty_cause_in_it_is_a_stop(runner: Runner) -> None:
    def ask() -> None:
        (runner.state_dir / "stop.request").write_text('{"cause": "", "stamp_ns": 0}')

    assert_stopped(runner, runner.run(notes=at(MOVING, ask)), "without a reason")


def test_a_run_in_a_thread_is_stopped_by_the_state_folder(runner: Runner) -> None:
    """Where no signal can be caught."""
    found: list[RunSummary] = []
    request = StopRequest(runner.state_dir)
    notes = at(MOVING, lambda: request.ask("lunch"))
    thread = threading.Thread(target=lambda: found.append(runner.run(notes=notes)))
    thread.start()
    thread.join(120.0)
    assert_stopped(runner, found[0], "lunch")


def test_ctrl_c_before_the_first_tick_moves_nothing_and_latches(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = session.build_rig

    def interrupted(*arguments: Any, **options: Any) -> Rig:
        rig = build(*arguments, **options)
        signal.raise_signal(signal.SIGINT)
        return rig

    monkeypatch.setattr(session, "build_rig", interrupted)
    with pytest.raises(StoppedError, match="before anything moved; a stop is latched") as caught:
        runner.run()
    assert caught.value.exit_code is ExitCode.STOPPED
    assert [c.cause for c in StopLatch(runner.state_dir).causes] == ["operator: Ctrl-C"]
    assert not is_held(runner.state_dir)
    assert not list(runner.folder.rglob("*.mcap"))


def test_a_second_ctrl_c_while_the_first_one_is_latched_changes_nothing(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    latch = StopLatch.latch

    def interrupted(*arguments: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        latch(*arguments)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(session, "build_rig", lambda *_, **__: signal.raise_signal(signal.SIGINT))
    monkeypatch.setattr(StopLatch, "latch", interrupted)
    with pytest.raises(StoppedError, match=r"operator: Ctrl-C, before anything moved; a stop is latched"):
        runner.run()
    assert [c.cause for c in StopLatch(runner.state_dir).causes] == ["operator: Ctrl-C"]
    assert not is_held(runner.state_dir)


def test_where_the_latch_cannot_be_kept_the_robot_is_let_go_and_the_fault_is_told(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(session, "build_rig", lambda *_, **__: signal.raise_signal(signal.SIGINT))
    monkeypatch.setattr(StopLatch, "latch", full)
    with pytest.raises(StorageError, match="the disk is full"):
        runner.run()
    assert not is_held(runner.state_dir)


def test_ctrl_c_while_the_report_is_written_still_latches_and_says_so(runner: Runner) -> None:
    class Late(Notes):
        def done(self, summary: RunSummary) -> None:
            super().done(summary)
            signal.raise_signal(signal.SIGINT)

    summary = runner.run(notes=Late(), sim_time_s=0.2)
    assert (summary.outcome, summary.exit_code) == (Outcome.STOPPED, ExitCode.STOPPED)
    assert summary.reason == "operator: Ctrl-C, when the run had ended: gave_up"
    assert StopLatch(runner.state_dir).latched


def test_a_stop_asked_for_while_the_report_is_written_still_latches(runner: Runner) -> None:
    class Late(Notes):
        def done(self, summary: RunSummary) -> None:
            super().done(summary)
            StopRequest(runner.state_dir).ask("lunch")

    summary = runner.run(notes=Late(), sim_time_s=0.2)
    assert (summary.outcome, summary.exit_code) == (Outcome.STOPPED, ExitCode.STOPPED)
    assert StopLatch(runner.state_dir).latched


@pytest.mark.parametrize(("last", "after"), [(True, signal.SIG_IGN), (False, signal.default_int_handler)])
def test_where_the_process_ends_a_second_ctrl_c_changes_nothing(last: bool, after: object) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with Interrupts(last=last):
            pass
        assert signal.getsignal(signal.SIGINT) is after
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def test_ctrl_c_before_there_is_a_robot_latches_nothing_and_says_so() -> None:
    with pytest.raises(StoppedError, match="nothing is latched"), Interrupts():
        signal.raise_signal(signal.SIGINT)
