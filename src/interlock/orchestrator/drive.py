"""The drive: guards and driver in one control cycle. It owns the robot, and hears only plain messages.

It imports neither traces nor torch: nothing stands between a stop and the motor.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from interlock.errors import BadInputError, ShapeError
from interlock.guards.gate import Gate, GateOutput
from interlock.guards.intake import GateInput
from interlock.guards.surveyor import Surveyor
from interlock.guards.verdict import Rung
from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk
from interlock.hal.command import GuardedCommand
from interlock.hal.driver import Interpolation, RobotDriver, StopCategory
from interlock.hal.phase import Phase
from interlock.hal.scene import Scene, SceneSource
from interlock.hal.state import RobotState
from interlock.orchestrator.aftermath import Aftermath
from interlock.orchestrator.messages import (
    ChunkMessage,
    DriveMessage,
    Overruled,
    PhaseMessage,
    PreviewReport,
    SentCommand,
    StopMessage,
    TickReport,
)
from interlock.orchestrator.refusal import UNSEEN, gate_fault, said, stopped, unseen
from interlock.orchestrator.seen import Seen

__all__ = ["Drive"]

_PARTS = ("observe", "gate", "write", "report")
_IDLE = Phase(
    task_id="", skill="", name="idle", allowed=(), expires_ns=0, held=None, maybe_held=None, max_force_n=0.0
)


class Drive:
    """One control cycle a tick: observe, gate, write, report.

    Args:
        driver: the robot.
        gate: the only source of commands.
        scene: the one door through which the world comes in.
        latch: called with a cause when a stop latches; it persists the cause.
        causes: causes of a stop latched before; the drive does not move while there is one.
        epoch: epoch of this arming.
        expected: names of the objects that the world has to report; without one of them it is not seen.

    Raises:
        BadInputError: if the driver's joints, period or interpolation are not those that the gate judges by.
    """

    def __init__(
        self,
        *,
        driver: RobotDriver,
        gate: Gate,
        scene: SceneSource,
        latch: Callable[[str], None],
        causes: tuple[str, ...] = (),
        epoch: int = 0,
        expected: Iterable[str] = (),
    ) -> None:
        _check_driver(driver, gate)
        self._driver = driver
        self._expected = frozenset(expected)
        self._owed: StopCategory | None = None
        self._gate = gate
        self._source = scene
        self._latch = latch
        self._causes = list(causes)
        self._epoch = epoch
        self._surveyor = Surveyor(gate.body, gate.config)
        self._phase = _IDLE
        self._chunk: ActionChunk | None = None
        self._unjudged = False
        self._reshaped: tuple[str, str] | None = None
        self._last_seq = -1
        self._released_seq = -1
        self._tick = 0
        self._seq = 0
        self._state: RobotState | None = None
        self._seen = Seen(gate.config.sight_window_s)
        if self._causes:
            driver.stop(StopCategory.STOP_AND_HOLD)

    def tool(self, q: FloatArray) -> FloatArray:
        """Position of the TCP in the world, shape (3,), [m], at joint positions `q`, shape (n,), [rad]."""
        return self._surveyor.tool(q)

    def hand(self, q: FloatArray) -> FloatArray:
        """Pose of the tool's joint in the world, shape (4, 4), at joint positions `q`, shape (n,), [rad]."""
        return self._surveyor.hand(q)

    def tool_speed(self, q: FloatArray, v: FloatArray) -> float:
        """Speed of the TCP, [m/s], at joint positions `q` [rad] and velocities `v` [rad/s]."""
        return self._surveyor.tool_speed(q, v)

    @property
    def latched(self) -> tuple[str, ...]:
        """Causes of the latched stop, empty if none."""
        return tuple(self._causes)

    def handle(self, message: DriveMessage) -> None:
        """Take one message; a stop is obeyed at once. A chunk is copied: its sender may keep the original."""
        match message:
            case ChunkMessage(chunk=chunk):
                self._chunk = None if chunk is None else replace(chunk)
                self._last_seq = self._released_seq
                self._reshaped = None
                self._unjudged = chunk is not None
            case PhaseMessage(phase=phase):
                self._phase = phase
            case StopMessage(category=category, cause=cause):
                self._stop(category, cause)

    def tick(self, now_ns: int, lateness_ns: int = 0) -> TickReport:
        """Run one control cycle; never raises on a bad value, nor on a fault of driver, world or guard.

        Raises:
            Exception: what the driver raised, if it has never been heard; it is stopped first.
        """
        marks = [time.process_time_ns()]
        if self._owed is not None:
            self._stop(self._owed, self._causes[0])
        state = self._observe()
        blind = self._look()
        scene = self._seen.scene or Scene(stamp_ns=now_ns, objects=())
        marks.append(time.process_time_ns())
        given: GateInput | None = None
        preview: PreviewReport | None = None
        overruled: Overruled | None = None
        if self._causes:
            output = stopped(state, self._causes[0])
        elif blind:
            output = unseen(state, blind)
        else:
            given = self._question(state, scene, now_ns, lateness_ns)
            preview, output = self._decide(given)
            if preview is not None:
                given = replace(given, chunk=self._chunk, reshaped=self._reshaped)
        marks.append(time.process_time_ns())
        if output.command is not None and not self._write(output.command):
            overruled, output = _overruled(output), stopped(state, self._causes[-1])
        marks.append(time.process_time_ns())
        report = self._report(state, scene, given, preview, output, overruled, now_ns)
        marks.append(time.process_time_ns())
        self._tick += 1
        spent = np.diff(marks) * 1e-3
        return replace(report, part_us=dict(zip(_PARTS, spent.tolist(), strict=True)))

    def _observe(self) -> RobotState:
        """The state of the robot; what was last heard of it, once its driver has failed."""
        try:
            state = self._driver.observe()
            if len(state.q) != self._gate.body.n:
                raise ShapeError(
                    f"the robot has {self._gate.body.n} joints", field="state.q", value=len(state.q)
                )
            self._state = state
        except Exception as error:
            self._stop(StopCategory.STOP_THEN_REMOVE_POWER, f"driver fault: {said(error)}")
            if self._state is None:
                raise
            self._state = replace(self._state, standstill=False)
        return self._state

    def _look(self) -> str:
        """Take in the world; why it cannot be seen, or ""."""
        try:
            scene = self._source.snapshot()
            if not isinstance(scene, Scene):
                raise TypeError(f"a snapshot is a Scene, this is a {type(scene).__name__}")
            missing = self._expected.difference(thing.name for thing in scene.objects)
        except Exception as error:
            return f"{UNSEEN}{said(error)}"
        if missing:
            return f"{UNSEEN}nobody reports {', '.join(sorted(missing))}"
        self._seen.take(scene)
        return ""

    def _question(self, state: RobotState, scene: Scene, now_ns: int, lateness_ns: int) -> GateInput:
        return GateInput(
            seq=self._seq,
            epoch=self._epoch,
            now_ns=now_ns,
            lateness_ns=lateness_ns,
            state=state,
            scene=scene,
            chunk=self._chunk,
            last_seq=self._last_seq,
            phase=self._phase,
            reshaped=self._reshaped,
            earlier=self._seen.earlier(),
        )

    def _decide(self, given: GateInput) -> tuple[PreviewReport | None, GateOutput]:
        """What the gate makes of a new chunk as a whole, and what it releases now."""
        seen: PreviewReport | None = None
        try:
            if self._unjudged and given.chunk is not None:
                seen = PreviewReport(proposed=given.chunk, result=self._gate.preview(given))
                self._unjudged, self._chunk = seen.result.again, seen.result.chunk
                if seen.result.rung in (Rung.PROJECTED, Rung.SLOWED):
                    self._reshaped = (seen.result.guard, seen.result.reason)
                given = replace(given, chunk=self._chunk, reshaped=self._reshaped)
            return seen, self._gate.decide(given)
        except BaseException as error:  # nobody knows what this guard would have refused next
            self._stop(StopCategory.STOP_THEN_REMOVE_POWER, gate_fault(error))
            return seen, stopped(given.state, self._causes[0])

    def _write(self, command: GuardedCommand) -> bool:
        try:
            self._driver.write(command)
        except Exception as error:
            self._stop(StopCategory.STOP_THEN_REMOVE_POWER, f"driver fault: {said(error)}")
            return False
        self._seq += 1
        if self._chunk is not None:
            self._released_seq = self._chunk.seq
        return True

    def _stop(self, category: StopCategory, cause: str) -> None:
        """Stop first, then write; neither a driver nor a disk that fails keeps the other from being told."""
        causes = [cause if cause.strip() else "a stop was asked for, without a reason"]
        self._owed = category if self._owed is None else min(category, self._owed)
        try:
            self._driver.stop(self._owed)
            self._owed = None
        except Exception as error:  # tried again at each tick
            causes.append(f"the driver refuses to stop: {said(error)}")
        new = [each for each in causes if each not in self._causes]
        self._causes += new
        try:
            for each in new:
                self._latch(each)
        except Exception as error:
            self._causes.append(f"the latch cannot be kept: {said(error)}")

    def _report(
        self,
        state: RobotState,
        scene: Scene,
        given: GateInput | None,
        preview: PreviewReport | None,
        output: GateOutput,
        overruled: Overruled | None,
        now_ns: int,
    ) -> TickReport:
        after = Aftermath.of(output, self._surveyor, latched=bool(self._causes))
        return TickReport(
            tick=self._tick,
            stamp_ns=now_ns,
            mode=after.mode,
            state=state,
            verdict=output.verdict,
            certificate=output.certificate,
            command=None if output.command is None else _sent(output.command),
            margins_m=after.margins_m,
            tool_in_world=after.tool_in_world,
            tool_speed_m_s=after.tool_speed_m_s,
            scene=scene,
            given=given,
            preview=preview,
            phase=self._phase.name,
            chunk_seq=self._chunk.seq if self._chunk is not None else -1,
            latch=tuple(self._causes),
            part_us={},
            overruled=overruled,
        )


def _sent(command: GuardedCommand) -> SentCommand:
    return SentCommand(
        seq=command.seq,
        epoch=command.epoch,
        stamp_ns=command.stamp_ns,
        period_s=command.period_s,
        start=command.start,
        end=command.end,
        tail=command.tail,
        gripper=command.gripper,
        certificate=command.certificate,
    )


def _overruled(output: GateOutput) -> Overruled:
    return Overruled(
        verdict=output.verdict,
        certificate=output.certificate,
        command=None if output.command is None else _sent(output.command),
    )


def _check_driver(driver: RobotDriver, gate: Gate) -> None:
    """What is verified has to be what is played."""
    names = gate.body.robot.limits.names
    for field, value, wanted in (
        ("joint_names", tuple(driver.joint_names), tuple(names)),
        ("period_s", driver.period_s, gate.config.period_s),
        ("interpolation", driver.interpolation, Interpolation.CUBIC),
    ):
        if value != wanted:
            raise BadInputError(
                "the driver does not play what the gate judges",
                field=f"driver.{field}",
                value=value,
                mend=f"Give a driver whose {field} is {wanted}.",
            )
