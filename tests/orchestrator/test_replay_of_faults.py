"""A run in which something broke is the same when it is asked again, and a slow disk spoils no trace."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest

pytest.importorskip("pybullet")

from jsonschema import Draft202012Validator
from tests.orchestrator.forged_trace import changed, entries_of, without, written
from tests.orchestrator.session_runner import Notes, Runner, cell_of, gate_of, records

from interlock.errors import DriverFaultError
from interlock.guards.gate import GateOutput
from interlock.guards.intake import GateInput
from interlock.guards.preview import Preview
from interlock.hal.driver import StopCategory
from interlock.orchestrator.messages import TickReport
from interlock.orchestrator.replay import ReplayResult, replay
from interlock.traces import recorder as recorder_module
from interlock.traces.read import DamagedTraceError
from interlock.traces.recorder import Recorder
from interlock.traces.run_info import RunInfo
from interlock.traces.topics import topic_named

CELL = "panda_tabletop"
LATE_NS = 300_000_000
PERIOD_NS = 10_000_000


class Breaking:
    """A gate with a guard that raises from some time on, whenever it is asked."""

    def __init__(self, method: str, error: BaseException) -> None:
        gate = gate_of(CELL)
        self.body, self.config = gate.body, gate.config
        self._gate, self._method, self._error = gate, method, error

    def preview(self, given: GateInput) -> Preview:
        self._break("preview", given)
        return self._gate.preview(given)

    def decide(self, given: GateInput) -> GateOutput:
        self._break("decide", given)
        return self._gate.decide(given)

    def _break(self, method: str, given: GateInput) -> None:
        if method == self._method and given.now_ns >= LATE_NS:
            raise self._error


def asked(run: Path, gate: Any = None, *, exact: bool = True) -> ReplayResult:
    return replay(run, exact=exact, make_gate=lambda cell: gate or gate_of(CELL))


@pytest.fixture(scope="module")
def refused_by_driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose driver raises when it is given the command of tick 30."""
    runner = Runner(tmp_path_factory.mktemp("driver"))
    from interlock.hal.simulator import driver

    write = driver.PyBulletDriver.write

    def refuse(self: Any, command: Any) -> None:
        if command.stamp_ns >= LATE_NS:
            raise DriverFaultError("out of order")
        write(self, command)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver.PyBulletDriver, "write", refuse)
        runner.run(cell=CELL, sim_time_s=0.6)
    return runner.out


@pytest.mark.parametrize("exact", [True, False])
def test_a_command_that_the_driver_did_not_take_is_what_the_gate_said(
    refused_by_driver: Path, exact: bool
) -> None:
    result = asked(refused_by_driver, exact=exact)
    assert (result.holds, result.first_difference, result.decisions) == (True, "", 31)
    (overruled,) = records(refused_by_driver, "/overruled")
    Draft202012Validator(topic_named("/overruled").schema).validate(overruled)
    assert overruled["command"]["certificate"]
    assert overruled["verdict"]["decision"] == "allow"
    verdict = records(refused_by_driver, "/verdict")[overruled["tick"]]
    assert (verdict["rung"], verdict["reason"]) == ("driver_stop", "driver fault: out of order")
    assert all(record["tick"] != overruled["tick"] for record in records(refused_by_driver, "/command"))


OVERRULED: dict[str, tuple[Callable[[Any], object], str]] = {
    "another motion": (lambda r: r["command"]["end"][0].__setitem__(0, 9.0), "overruled.command.end"),
    "no command": (lambda r: r.update(command=None), "overruled.command"),
    "another verdict": (lambda r: r["verdict"].update(rung="slowed"), "overruled.verdict.rung"),
    "another certificate": (
        lambda r: r["certificate"].update(stop_time_s=9.0),
        "overruled.certificate.stop_time",
    ),
}


@pytest.mark.parametrize("name", OVERRULED)
@pytest.mark.parametrize("exact", [True, False])
def test_what_the_gate_had_said_cannot_be_replaced(
    refused_by_driver: Path, tmp_path: Path, name: str, exact: bool
) -> None:
    change, said = OVERRULED[name]
    forge = changed("/overruled", 30, change)
    result = asked(written(forge(entries_of(refused_by_driver)), tmp_path / "forged"), exact=exact)
    assert (result.holds, result.same) == (False, result.decisions - 1)
    assert result.first_difference.startswith(f"tick 30: {said}")


def test_a_fault_of_the_driver_cannot_be_left_out_or_made_up(refused_by_driver: Path, tmp_path: Path) -> None:
    whole = entries_of(refused_by_driver)
    left_out = asked(written(without("/overruled")(whole), tmp_path / "left_out"))
    assert left_out.first_difference.startswith("tick 30: state.latch")
    made_up = changed("/state", 30, lambda state: state.update(latch=[]))(entries_of(refused_by_driver))
    assert asked(written(made_up, tmp_path / "made_up")).first_difference.startswith("tick 30: state.latch")
    forgotten = changed("/state", 31, lambda state: state.update(latch=["x"]))(entries_of(refused_by_driver))
    assert asked(written(forgotten, tmp_path / "forgotten")).first_difference.startswith("tick 31: ")


@pytest.mark.parametrize("method", ["decide", "preview"])
@pytest.mark.parametrize("error", [RuntimeError("a guard broke"), ValueError("odd"), SystemExit(0)])
def test_a_guard_that_raises_again_gives_the_same_answer(
    tmp_path: Path, method: str, error: BaseException
) -> None:
    runner, gate = Runner(tmp_path), Breaking(method, error)
    runner.run(cell=CELL, sim_time_s=0.6, gate=gate)  # type: ignore[arg-type]
    assert any(type(error).__name__ in record["reason"] for record in records(runner.out, "/verdict"))
    result = asked(runner.out, gate)
    assert (result.holds, result.first_difference) == (True, "")
    assert result.not_asked > 0
    calm = asked(runner.out)
    assert (calm.holds, calm.same) == (False, calm.decisions - 1)
    other = asked(runner.out, Breaking(method, OSError("another")))
    assert other.first_difference.count("gate raised") == 2


def test_ticks_at_which_the_world_was_not_seen_are_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice in motion, for a tick and for longer than a stop takes; scenes are recorded meanwhile."""
    from interlock.hal.simulator import scene_source

    snapshot = scene_source.SimulatedSceneSource.snapshot

    def see(self: Any) -> Any:
        if self._world.now_ns // PERIOD_NS in {45, *range(60, 105)}:
            raise TimeoutError("camera late")
        return snapshot(self)

    monkeypatch.setattr(scene_source.SimulatedSceneSource, "snapshot", see)
    runner = Runner(tmp_path)
    runner.run(cell=CELL, sim_time_s=1.5)
    result = asked(runner.out)
    assert (result.holds, result.whole, result.first_difference) == (True, True, "")
    assert result.not_asked == 46
    moved = [max(map(abs, state["v_commanded"])) for state in records(runner.out, "/state")]
    assert moved[46] > 0.01
    assert moved[60] > 0.01
    assert moved[100] == 0.0


class Torus:
    """A shape of somebody else's."""


def test_ticks_refused_for_a_shape_that_nobody_knows_are_in_the_trace_and_the_same_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from interlock.hal.simulator import scene_source

    snapshot, strange = scene_source.SimulatedSceneSource.snapshot, range(50, 54)

    def see(self: Any) -> Any:
        seen = snapshot(self)
        if self._world.now_ns // PERIOD_NS not in strange:
            return seen
        *others, last = seen.objects
        torus = replace(last.parts[0], shape=Torus())
        return replace(seen, objects=(*others, replace(last, parts=(torus,))))

    monkeypatch.setattr(scene_source.SimulatedSceneSource, "snapshot", see)
    runner = Runner(tmp_path)
    runner.run(cell=CELL, sim_time_s=0.6)
    verdicts = records(runner.out, "/verdict")
    refused = [record["tick"] for record in verdicts if "not known here: Torus" in record["reason"]]
    assert refused == list(strange)
    assert [record["tick"] for record in records(runner.out, "/question")] == list(range(len(verdicts)))
    for exact in (True, False):
        result = asked(runner.out, exact=exact)
        assert (result.holds, result.whole, result.first_difference) == (True, True, "")


@pytest.mark.parametrize("fails", [{50}, {50, 51, 52, 55}, set(range(50, 90))])
def test_a_driver_that_is_not_heard_in_motion_is_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: set[int]
) -> None:
    from interlock.hal.simulator import driver

    observe = driver.PyBulletDriver.observe

    def hear(self: Any) -> Any:
        if self._now_ns() // PERIOD_NS in fails:
            raise TimeoutError("no answer")
        return observe(self)

    monkeypatch.setattr(driver.PyBulletDriver, "observe", hear)
    runner = Runner(tmp_path)
    runner.run(cell=CELL, sim_time_s=1.0)
    result = asked(runner.out)
    assert (result.holds, result.whole, result.first_difference) == (True, True, "")
    assert result.decisions == 50
    assert max(map(abs, records(runner.out, "/state")[50]["v_commanded"])) > 0.01


@pytest.mark.parametrize("category", StopCategory)
def test_a_stop_in_motion_is_no_difference_whatever_its_category(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, category: StopCategory
) -> None:
    from interlock.orchestrator import pursuit

    def wanted(self: Any) -> str | None:
        return "the cat" if self._now_ns() >= 50 * PERIOD_NS else None

    monkeypatch.setattr(pursuit, "StopCategory", SimpleNamespace(STOP_AND_HOLD=category))
    monkeypatch.setattr(pursuit.Pursuit, "_stop_cause", wanted)
    runner = Runner(tmp_path)
    runner.run(cell=CELL, sim_time_s=1.0)
    result = asked(runner.out)
    assert (result.holds, result.whole, result.first_difference) == (True, True, "")
    assert result.decisions == 50
    moved = [max(map(abs, state["v_commanded"])) for state in records(runner.out, "/state")]
    assert moved[50] > 0.01
    assert (moved[51] == 0.0) is (category is StopCategory.REMOVE_POWER)


class HangingDisk(io.FileIO):
    """Takes bytes only while it is let."""

    may = threading.Event()

    def write(self, data: Any) -> int:
        assert self.may.wait(60.0)
        return super().write(data) or 0


def hanging(path: Path) -> BinaryIO:
    return io.BufferedWriter(HangingDisk(path, "xb"), buffer_size=16)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> list[TickReport]:
    """The ticks of a run whose chunks are changed; each begins a little late, as in real time."""
    from interlock.orchestrator import clock

    notes = Notes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock.LockstepClock, "lateness_ns", lambda self: 60_000)
        Runner(tmp_path_factory.mktemp("run")).run(
            cell=CELL, policy="reckless", seed=5, sim_time_s=0.9, notes=notes
        )
    return notes.reports


def recorded_while_the_disk_hangs(
    reports: list[TickReport], folder: Path, monkeypatch: pytest.MonkeyPatch, hangs: range
) -> Path:
    """The same run in real time, on a disk that gives no answer for some ticks."""
    monkeypatch.setattr(recorder_module, "_WAITING", 2)
    monkeypatch.setattr(recorder_module, "_PRECIOUS", 2)
    gate, cell = gate_of(CELL), cell_of(CELL)
    run = RunInfo(
        goal="wave",
        cell=cell.name,
        policy="reckless",
        seed=5,
        robot=gate.body.robot,
        period_s=cell.period_s,
        real_time=True,
        gate=gate.config,
        cell_text=cell.text,
    )
    HangingDisk.may.set()
    recorder = Recorder(folder, run, open_file=hanging)
    for report in reports:
        if report.tick not in hangs:
            HangingDisk.may.set()
            assert recorder.flush(60.0)
        elif report.tick == hangs.start:
            HangingDisk.may.clear()
        if report.preview is not None:
            recorder.chunk(report.preview.proposed)
        recorder.tick(report)
    HangingDisk.may.set()
    assert recorder.close().fault is None
    return folder


@pytest.mark.parametrize(
    "hangs", [range(10, 40), range(0, 20), range(60, 1000)], ids=["early", "first", "last"]
)
def test_ticks_that_a_slow_disk_cost_leave_the_rest_to_be_asked(
    reports: list[TickReport], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hangs: range
) -> None:
    run = recorded_while_the_disk_hangs(reports, tmp_path / "run", monkeypatch, hangs)
    result = asked(run)
    assert (result.holds, result.first_difference) == (True, "")
    (gaps,) = [sum(r["dropped"]["tick"] for r in records(run, "/gap"))]
    assert 0 < result.decisions == len(reports) - gaps < len(reports)
    assert (result.dropped, result.whole) == (gaps, False)
    judged = [r.tick for r in reports if r.preview is not None]
    assert [r["tick"] for r in records(run, "/preview")] == judged
    for record in records(run, "/gap"):
        Draft202012Validator(topic_named("/gap").schema).validate(record)


def test_a_gap_that_the_recorder_did_not_mark_is_damage(
    reports: list[TickReport], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = recorded_while_the_disk_hangs(reports, tmp_path / "run", monkeypatch, range(10, 40))
    forged = written(without("/gap")(entries_of(run)), tmp_path / "forged")
    with pytest.raises(DamagedTraceError, match="is missing"):
        asked(forged)
    more = [e for e in entries_of(run) if e.record.get("tick") != 45]
    with pytest.raises(DamagedTraceError, match="tick 45 is missing"):
        asked(written(more, tmp_path / "more"))


def test_a_chunk_that_came_with_late_ticks_is_judged_again_as_the_drive_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every other tick of the first ones begins too late: a chunk that comes then waits to be judged."""
    from interlock.orchestrator import clock

    def late(self: Any) -> int:
        tick = self.now_ns() // 10_000_000
        return 20_000_000 if tick < 60 and tick % 3 else 0

    monkeypatch.setattr(clock.LockstepClock, "lateness_ns", late)
    runner = Runner(tmp_path)
    runner.run(cell=CELL, policy="reckless", seed=4, sim_time_s=1.5)
    again = [record["again"] for record in records(runner.out, "/preview")]
    assert again.count(True) >= 3
    assert again.count(False) > 3
    result = asked(runner.out)
    assert (result.first_difference, result.holds) == ("", True)
