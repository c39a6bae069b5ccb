"""What a policy would do if nobody looked: a drive for a puppet in the simulator, and for nothing else.

It exists to be measured against (`interlock policy eval`). It holds no robot driver: a puppet is pulled by
`PyBulletDriver.pull`, which no other driver has, so that no setting and no code path leads from here to
a robot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from interlock.guards.body import BodyModel
from interlock.guards.curve import next_node
from interlock.guards.gate import GateOutput
from interlock.guards.proposal_space import JointSpace, ProposalSpace, ToolSpace
from interlock.guards.reference import Reference
from interlock.guards.surveyor import Surveyor
from interlock.guards.verdict import Decision, Rung, Verdict
from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk
from interlock.hal.driver import StopCategory
from interlock.hal.scene import SceneSource
from interlock.hal.simulator.driver import PyBulletDriver
from interlock.hal.state import RobotState
from interlock.orchestrator.aftermath import Aftermath
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.messages import (
    ChunkMessage,
    DriveMessage,
    PhaseMessage,
    StopMessage,
    TickReport,
)
from interlock.orchestrator.refusal import refusal, stopped

__all__ = ["PuppetDrive"]

_FEEDBACK = 30.0  # of the tracker, [1/s]: a tick takes 0.3 of the error away


class PuppetDrive:
    """Pulls a simulated arm along whatever a policy proposes; it rests once a chunk has run out.

    Messages and reports are those of `Drive`. What is not finite cannot be played: the arm holds.

    Args:
        driver: of the simulated arm.
        body: its model.
        cell: says what the policy proposes in.
        scene: the world as a policy sees it.
        latch: called with the cause of a stop.
    """

    def __init__(
        self,
        *,
        driver: PyBulletDriver,
        body: BodyModel,
        cell: Cell,
        scene: SceneSource,
        latch: Callable[[str], None],
    ) -> None:
        self._driver = driver
        self._source = scene
        self._latch = latch
        self._surveyor = Surveyor(body, cell.gate_config())
        embodiment = cell.embodiment()
        self._space: ProposalSpace = (
            JointSpace(body.n) if embodiment.tool_reference is None else ToolSpace(body, embodiment)
        )
        self._period_s = cell.period_s
        self._chunk: ActionChunk | None = None
        self._phase = "idle"
        self._causes: list[str] = []
        self._tick = 0

    @property
    def latched(self) -> tuple[str, ...]:
        """Causes of a stop, empty if none."""
        return tuple(self._causes)

    def tool(self, q: FloatArray) -> FloatArray:
        """Position of the TCP in the world, shape (3,), [m], at joint positions `q`, shape (n,), [rad]."""
        return self._surveyor.tool(q)

    def hand(self, q: FloatArray) -> FloatArray:
        """Pose of the tool's joint in the world, shape (4, 4), at joint positions `q`, shape (n,), [rad]."""
        return self._surveyor.hand(q)

    def tool_speed(self, q: FloatArray, v: FloatArray) -> float:
        """Speed of the TCP, [m/s], at joint positions `q` [rad] and velocities `v` [rad/s]."""
        return self._surveyor.tool_speed(q, v)

    def handle(self, message: DriveMessage) -> None:
        """Take one message."""
        match message:
            case ChunkMessage(chunk=chunk):
                self._chunk = chunk
            case PhaseMessage(phase=phase):
                self._phase = phase.name
            case StopMessage(category=category, cause=cause):
                self._stop(category, [cause])

    def tick(self, now_ns: int, lateness_ns: int = 0) -> TickReport:
        """Pull the arm on by one period."""
        state = self._driver.observe()
        reference = self._reference(state, now_ns)
        end = None if reference is None else self._end(state, reference)
        if self._causes:
            output = stopped(state, self._causes[0])
        elif reference is None or end is None or not np.isfinite(end).all():
            output = refusal(state, Rung.BRAKING, "none", "nothing that can be played is proposed")
            self._driver.pull(_standing(state), None)
        else:
            output = _as_proposed(end)
            self._driver.pull(end, reference.width_m)
        after = Aftermath.of(output, self._surveyor, latched=bool(self._causes))
        self._tick += 1
        return TickReport(
            tick=self._tick - 1,
            stamp_ns=now_ns,
            mode=after.mode,
            state=state,
            verdict=output.verdict,
            certificate=None,
            command=None,
            margins_m={},
            tool_in_world=after.tool_in_world,
            tool_speed_m_s=after.tool_speed_m_s,
            scene=self._source.snapshot(),
            given=None,
            preview=None,
            phase=self._phase,
            chunk_seq=self._chunk.seq if self._chunk is not None else -1,
            latch=tuple(self._causes),
            part_us={},
        )

    def _reference(self, state: RobotState, now_ns: int) -> Reference | None:
        if self._chunk is None:
            return None
        end_ns = now_ns + round(self._period_s * 1e9)
        with np.errstate(all="ignore"):
            ahead = state.q_commanded + self._period_s * state.v_commanded
            return self._space.reference_at(self._chunk, end_ns, ahead)

    def _end(self, state: RobotState, reference: Reference) -> FloatArray:
        """The node one period on.

        Nodes are joined by cubics: whoever prescribes the next node's position or speed exactly, tick by
        tick, lets the acceleration swing up.
        """
        h, v, a = self._period_s, state.v_commanded, state.a_commanded
        with np.errstate(all="ignore"):
            wanted = reference.v + _FEEDBACK * (reference.q - (state.q_commanded + h * v))
            node = np.array([state.q_commanded, v, a])
            return next_node(node, np.asarray((wanted - v - 0.5 * h * a) / h), h)

    def _stop(self, category: StopCategory, causes: Iterable[str]) -> None:
        self._driver.stop(category)
        for cause in causes:
            self._causes.append(cause)
            self._latch(cause)


def _as_proposed(end: FloatArray) -> GateOutput:
    verdict = Verdict(
        decision=Decision.ALLOW,
        rung=Rung.AS_PROPOSED,
        guard="",
        reason="",
        refusals=(),
        before=end,
        after=end,
    )
    return GateOutput(verdict=verdict, command=None, certificate=None, margins=())


def _standing(state: RobotState) -> FloatArray:
    node = np.zeros((3, len(state.q_commanded)))
    node[0] = state.q_commanded
    return node
