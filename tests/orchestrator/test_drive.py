"""The drive fails closed: whatever breaks, the driver is stopped first and the cause is kept."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pytest
from tests.guards.closed_loop import box

from interlock.errors import BadInputError, DriverFaultError, ShapeError, StorageError
from interlock.guards.gate import Gate
from interlock.guards.verdict import Decision, Rung
from interlock.hal.driver import Interpolation, StopCategory
from interlock.hal.mode import Mode
from interlock.hal.phase import AllowedContact, Phase
from interlock.orchestrator.drive import Drive
from interlock.orchestrator.messages import ChunkMessage, PhaseMessage, StopMessage, TickReport

STOP = StopMessage(category=StopCategory.STOP_AND_HOLD, cause="operator: Ctrl-C")
PHASE = Phase(
    task_id="t1",
    skill="pick",
    name="grasp",
    allowed=(AllowedContact(link="panda_leftfinger", other="red_block"),),
    expires_ns=10**9,
    held=None,
    maybe_held="red_block",
    max_force_n=20.0,
)


class BrokenGate:
    """A gate whose guard raises."""

    def __init__(self, gate: Gate, error: Exception) -> None:
        self.body, self.config = gate.body, gate.config
        self._error = error

    def decide(self, given: object) -> object:
        raise self._error


def tick(robot: Any, drive: Drive) -> TickReport:
    report = drive.tick(robot.now_ns)
    robot.wait_next_tick()
    return report


def moving(robot: Any, gate: Gate) -> Drive:
    """A drive that has just released motion."""
    drive = robot.drive(gate)
    drive.handle(ChunkMessage(chunk=robot.chunk(towards=0.1)))
    for _ in range(5):
        assert tick(robot, drive).command is not None
    assert np.abs(robot.node[1]).max() > 0.0
    robot.calls.clear()
    return drive


@dataclass(frozen=True)
class Fault:
    """One thing that breaks: which method raises what, and what is then said."""

    method: str
    error: Exception
    said: str


FAULTS = {
    "the gate raises": Fault(
        "gate", RuntimeError("a guard broke"), "gate raised RuntimeError: a guard broke"
    ),
    "the gate divides by zero": Fault("gate", ZeroDivisionError("x"), "gate raised ZeroDivisionError"),
    "the gate runs out of memory": Fault("gate", MemoryError(), "gate raised MemoryError"),
    "the gate meets a bad shape": Fault("gate", ShapeError("expected 7"), "gate raised expected 7"),
    "the driver refuses a command": Fault(
        "write", DriverFaultError("out of order"), "driver fault: out of order"
    ),
    "the driver's library breaks": Fault(
        "write", ConnectionResetError("gone"), "driver fault: ConnectionResetError"
    ),
    "the robot is not heard": Fault(
        "observe", TimeoutError("no answer"), "driver fault: TimeoutError: no answer"
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_stops_the_driver_first_then_latches_and_raises_nothing(
    name: str, robot: Any, panda_gate: Gate
) -> None:
    fault = FAULTS[name]
    drive = moving(robot, panda_gate)
    if fault.method == "gate":
        drive._gate = BrokenGate(panda_gate, fault.error)  # type: ignore[assignment]
    else:
        robot.faults[fault.method] = fault.error
    report = tick(robot, drive)
    assert [call for call in robot.calls if call != "write"] == ["stop", "latch"]
    assert robot.stops == [StopCategory.STOP_THEN_REMOVE_POWER]
    assert len(robot.causes) == 1
    assert fault.said in robot.causes[0]
    assert drive.latched == tuple(robot.causes) == report.latch
    assert (report.mode, report.command, report.certificate) == (Mode.LATCHED, None, None)
    assert (report.verdict.decision, report.verdict.rung) == (Decision.REFUSE, Rung.DRIVER_STOP)
    assert report.verdict.reason == robot.causes[0]


@pytest.mark.parametrize("name", FAULTS)
def test_after_a_fault_nothing_is_ever_written_again(name: str, robot: Any, panda_gate: Gate) -> None:
    fault = FAULTS[name]
    drive = moving(robot, panda_gate)
    if fault.method == "gate":
        drive._gate = BrokenGate(panda_gate, fault.error)  # type: ignore[assignment]
    else:
        robot.faults[fault.method] = fault.error
    tick(robot, drive)
    robot.faults.clear()
    drive._gate = panda_gate
    robot.calls.clear()
    for k in range(20):
        drive.handle(ChunkMessage(chunk=robot.chunk(seq=1 + k, towards=0.1)))
        assert tick(robot, drive).mode is Mode.LATCHED
    assert robot.calls == []


def test_a_robot_never_heard_is_stopped_before_the_fault_comes_out(robot: Any, panda_gate: Gate) -> None:
    robot.faults["observe"] = TimeoutError("no answer")
    with pytest.raises(TimeoutError):
        robot.drive(panda_gate).tick(0)
    assert robot.calls == ["stop", "latch"]


def test_a_robot_no_longer_heard_does_not_count_as_standing(robot: Any, panda_gate: Gate) -> None:
    drive = robot.drive(panda_gate)
    assert tick(robot, drive).state.standstill
    robot.faults["observe"] = TimeoutError("no answer")
    assert not tick(robot, drive).state.standstill


def test_a_robot_with_another_number_of_joints_is_a_driver_fault(robot: Any, panda_gate: Gate) -> None:
    drive = moving(robot, panda_gate)
    robot.node = np.zeros((3, 12))
    report = tick(robot, drive)
    assert report.mode is Mode.LATCHED
    assert "7 joints" in report.latch[0]
    assert len(report.state.q) == 7


def test_a_world_that_cannot_be_seen_brakes_and_does_not_latch(robot: Any, panda_gate: Gate) -> None:
    drive = robot.drive(panda_gate)
    drive.handle(ChunkMessage(chunk=robot.chunk()))
    robot.faults["snapshot"] = OSError("no camera")
    blind = tick(robot, drive)
    assert (blind.mode, blind.verdict.rung, blind.command) == (Mode.BRAKING, Rung.BRAKING, None)
    assert "no camera" in blind.verdict.reason
    robot.faults.clear()
    assert tick(robot, drive).mode is Mode.AUTO
    assert robot.causes == []


@pytest.mark.parametrize("garbage", [None, "a scene", 7])
def test_what_is_no_scene_is_a_world_that_cannot_be_seen(
    garbage: object, robot: Any, panda_gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive = robot.drive(panda_gate)
    monkeypatch.setattr(robot, "snapshot", lambda: garbage)
    drive.handle(ChunkMessage(chunk=robot.chunk()))
    report = tick(robot, drive)
    assert (report.mode, report.command) == (Mode.BRAKING, None)
    assert "cannot be seen" in report.verdict.reason


def test_an_object_of_the_cell_that_was_never_seen_is_missed(robot: Any, panda_gate: Gate) -> None:
    everything = robot.objects
    drive = robot.drive(panda_gate, expected=[o.name for o in everything])
    robot.objects = tuple(o for o in everything if o.name != "pillar")
    assert fed(robot, drive, 3) == [Mode.BRAKING] * 3
    robot.objects = everything
    assert fed(robot, drive, 2) == [Mode.AUTO] * 2


@pytest.mark.parametrize(
    ("field", "value"),
    [("interpolation", Interpolation.HOLD), ("period_s", 0.02), ("joint_names", ("a", "b"))],
)
def test_a_driver_that_plays_something_else_than_is_judged_is_bad_input(
    field: str, value: object, robot: Any, panda_gate: Gate
) -> None:
    setattr(robot, field, value)
    with pytest.raises(BadInputError, match="does not play"):
        robot.drive(panda_gate)


def test_a_stop_that_the_driver_did_not_take_is_asked_for_again(robot: Any, panda_gate: Gate) -> None:
    drive = moving(robot, panda_gate)
    robot.faults["stop"] = OSError("bus off")
    drive.handle(StopMessage(category=StopCategory.REMOVE_POWER, cause="the cat"))
    for _ in range(3):
        tick(robot, drive)
    assert robot.stops == [StopCategory.REMOVE_POWER] * 4
    del robot.faults["stop"]
    for _ in range(3):
        tick(robot, drive)
    assert robot.stops == [StopCategory.REMOVE_POWER] * 5
    assert drive.latched[0] == "the cat"


def test_a_gate_that_leaves_the_process_is_a_fault_like_any_other(robot: Any, panda_gate: Gate) -> None:
    drive = moving(robot, panda_gate)
    drive._gate = BrokenGate(panda_gate, SystemExit(0))  # type: ignore[arg-type, assignment]
    report = tick(robot, drive)
    assert (report.mode, report.command) == (Mode.LATCHED, None)
    assert "SystemExit" in drive.latched[0]


def test_a_proposal_that_is_withdrawn_plays_the_stop(robot: Any, panda_gate: Gate) -> None:
    drive = moving(robot, panda_gate)
    drive.handle(ChunkMessage(chunk=None))
    report = tick(robot, drive)
    assert (report.mode, report.command, report.verdict.reason) == (Mode.BRAKING, None, "no proposal")


def test_an_obstacle_that_jumps_is_refused_until_its_window_has_passed(robot: Any, panda_gate: Gate) -> None:
    drive = robot.drive(panda_gate)
    post = next(o for o in robot.objects if o.name == "pillar")
    pose = np.array(post.object_in_world)
    pose[0, 3] += 0.1
    moved = replace(post, object_in_world=pose)
    assert fed(robot, drive, 5) == [Mode.AUTO] * 5
    robot.objects = tuple(moved if o.name == "pillar" else o for o in robot.objects)
    modes = fed(robot, drive, 30)
    assert modes[:20] == [Mode.BRAKING] * 20  # 0.2 s
    assert modes[-8:] == [Mode.AUTO] * 8
    assert robot.causes == []


def test_an_object_that_is_gone_is_missed_until_it_is_back(robot: Any, panda_gate: Gate) -> None:
    drive = robot.drive(panda_gate)
    everything = robot.objects
    assert fed(robot, drive, 2) == [Mode.AUTO] * 2
    robot.objects = tuple(o for o in everything if o.name != "pillar")
    assert fed(robot, drive, 40) == [Mode.BRAKING] * 40
    robot.objects = everything
    assert fed(robot, drive, 2) == [Mode.AUTO] * 2


def fed(robot: Any, drive: Drive, ticks: int) -> list[Mode]:
    """Modes of ticks with a fresh chunk each."""
    modes = []
    for _ in range(ticks):
        drive.handle(ChunkMessage(chunk=robot.chunk(seq=robot.now_ns)))
        modes.append(tick(robot, drive).mode)
    return modes


@pytest.mark.parametrize("category", StopCategory)
def test_a_stop_message_is_obeyed_before_anything_else(
    category: StopCategory, robot: Any, panda_gate: Gate
) -> None:
    drive = moving(robot, panda_gate)
    drive.handle(ChunkMessage(chunk=robot.chunk(seq=1, towards=0.1)))
    drive.handle(StopMessage(category=category, cause="the cat"))
    assert robot.calls == ["stop", "latch"]
    assert robot.stops == [category]
    report = tick(robot, drive)
    assert (report.mode, report.command, report.latch) == (Mode.LATCHED, None, ("the cat",))
    assert robot.calls == ["stop", "latch"]


def test_two_causes_are_both_kept_and_one_cause_is_kept_once(robot: Any, panda_gate: Gate) -> None:
    drive = robot.drive(panda_gate)
    for cause in ("the cat", "the dog", "the cat"):
        drive.handle(StopMessage(category=StopCategory.STOP_AND_HOLD, cause=cause))
    assert drive.latched == ("the cat", "the dog")
    assert robot.causes == ["the cat", "the dog"]
    assert len(robot.stops) == 3


def test_a_drive_that_starts_latched_stops_the_driver_and_never_writes(robot: Any, panda_gate: Gate) -> None:
    drive = robot.drive(panda_gate, causes=("yesterday's stop",))
    assert robot.calls == ["stop"]
    drive.handle(ChunkMessage(chunk=robot.chunk()))
    for _ in range(5):
        assert tick(robot, drive).mode is Mode.LATCHED
    assert robot.calls == ["stop"]


def test_a_latch_that_cannot_be_kept_delays_no_stop_and_is_itself_a_cause(
    robot: Any, panda_gate: Gate
) -> None:
    drive = moving(robot, panda_gate)
    robot.faults["latch"] = StorageError("no space left")
    drive.handle(STOP)
    assert robot.calls == ["stop", "latch"]
    assert drive.latched == (STOP.cause, "the latch cannot be kept: no space left")
    assert tick(robot, drive).command is None


def test_a_driver_that_refuses_to_stop_is_latched_all_the_same(robot: Any, panda_gate: Gate) -> None:
    drive = moving(robot, panda_gate)
    robot.faults["stop"] = ConnectionResetError("gone")
    drive.handle(STOP)
    assert robot.causes == [STOP.cause, "the driver refuses to stop: ConnectionResetError: gone"]
    assert tick(robot, drive).mode is Mode.LATCHED


def test_without_a_proposal_the_drive_brakes(robot: Any, panda_gate: Gate) -> None:
    report = tick(robot, robot.drive(panda_gate))
    assert (report.mode, report.chunk_seq, report.phase) == (Mode.BRAKING, -1, "idle")
    assert robot.written == []


def test_commands_carry_the_epoch_and_count_up_by_one(robot: Any, panda_gate: Gate) -> None:
    moving(robot, panda_gate)
    assert [(c.epoch, c.seq) for c in robot.written] == [(3, k) for k in range(5)]


def test_a_command_the_driver_refused_is_not_counted(robot: Any, panda_gate: Gate) -> None:
    drive = moving(robot, panda_gate)
    robot.faults["write"] = DriverFaultError("no")
    report = tick(robot, drive)
    assert report.command is None
    assert report.verdict.decision is Decision.REFUSE
    assert report.margins_m == {}


def test_a_report_survives_a_pipe(
    robot: Any, panda_gate: Gate, arrays_in: Callable[[object], list[np.ndarray]]
) -> None:
    drive = moving(robot, panda_gate)
    report = tick(robot, drive)
    again = pickle.loads(pickle.dumps(report))
    assert [f.name for f in fields(again)] == [f.name for f in fields(report)]
    assert again.certificate == report.certificate
    pairs = list(zip(arrays_in(report), arrays_in(again), strict=True))
    assert len(pairs) > 10
    assert all(np.array_equal(one, two) for one, two in pairs)


def test_a_decision_of_a_drive_fed_through_a_pipe_is_the_same_bit_by_bit(
    robot: Any, panda_gate: Gate
) -> None:
    ends = []
    for through in (lambda m: m, lambda m: pickle.loads(pickle.dumps(m))):
        other = type(robot)(robot.cell)
        drive = other.drive(panda_gate)
        drive.handle(through(ChunkMessage(chunk=other.chunk(towards=0.1))))
        for _ in range(5):
            tick(other, drive)
        ends.append([c.certificate for c in other.written])
    assert ends[0] == ends[1]


def test_a_chunk_changed_by_its_sender_afterwards_changes_nothing(robot: Any, panda_gate: Gate) -> None:
    drive = robot.drive(panda_gate)
    chunk = robot.chunk()
    drive.handle(ChunkMessage(chunk=chunk))
    chunk.samples.setflags(write=True)
    chunk.samples[:] = np.nan
    report = tick(robot, drive)
    assert report.verdict.decision is not Decision.REFUSE
    assert report.command is not None


def test_a_report_shares_no_array_with_the_driver_and_can_change_none(
    robot: Any, panda_gate: Gate, arrays_in: Callable[[object], list[np.ndarray]]
) -> None:
    drive = moving(robot, panda_gate)
    report = tick(robot, drive)
    arrays = arrays_in(report)
    assert not any(array.flags.writeable for array in arrays)
    kept = [*arrays_in(robot.written[-1]), robot.node]
    moved = arrays_in(report.command) + arrays_in(report.state)
    assert not any(np.shares_memory(one, two) for one in moved for two in kept)


def test_a_contact_is_in_force_only_after_its_phase_was_granted(robot: Any, panda_gate: Gate) -> None:
    drive = robot.drive(panda_gate)
    assert tick(robot, drive).phase == "idle"
    drive.handle(PhaseMessage(phase=PHASE))
    assert tick(robot, drive).phase == "grasp"


@pytest.mark.parametrize("late_ticks", [0, 1, 3])
def test_a_chunk_that_came_with_a_late_tick_is_judged_at_the_next_one(
    late_ticks: int, robot: Any, panda_gate: Gate
) -> None:
    drive = robot.drive(panda_gate)
    drive.handle(ChunkMessage(chunk=robot.chunk(towards=0.1)))
    reports = []
    for k in range(late_ticks + 3):
        reports.append(drive.tick(robot.now_ns, 20_000_000 if k < late_ticks else 0))
        robot.wait_next_tick()
    previews = [report.preview for report in reports]
    assert all(seen is not None and seen.result.again for seen in previews[:late_ticks])
    judged = previews[late_ticks]
    assert judged is not None
    assert judged.result.rung is Rung.AS_PROPOSED
    assert previews[late_ticks + 1 :] == [None, None]
    assert reports[-1].command is not None


def test_a_changed_chunk_is_what_the_ticks_follow(robot: Any, panda_gate: Gate) -> None:
    """A turn into a post: the whole is bent, and every tick of it says so."""
    drive = robot.drive(panda_gate)
    tool = drive.tool(robot.node[0])
    post = float(np.hypot(tool[0], tool[1])) * np.array([np.cos(0.65), np.sin(0.65), 0.0])
    robot.objects = (*robot.objects, box("post", [*post[:2], tool[2]], [0.02, 0.02, 0.06]))
    turn = np.array(robot.chunk().samples)
    turn[0, :, 0] += 1.2 * 0.04 * np.arange(len(turn[0]))
    drive.handle(ChunkMessage(chunk=replace(robot.chunk(), samples=turn)))
    reports = [tick(robot, drive) for _ in range(10)]
    first = reports[0].preview
    assert first is not None
    assert first.result.chunk is not first.proposed
    assert [report.preview for report in reports[1:]] == [None] * 9
    for report in reports:
        assert report.given is not None
        assert report.given.chunk is first.result.chunk
        assert report.given.reshaped == (first.result.guard, first.result.reason)
        assert report.command is not None
