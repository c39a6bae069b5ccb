"""Start reading here: one tick of the whole machine.

observe → next proposal → gate admits → driver sends → recorder records
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Protocol

from interlock.errors import RefusedError, UnsureError
from interlock.hal.chunk import ActionChunk
from interlock.hal.frame import Frame
from interlock.hal.phase import Phase
from interlock.hal.scene import Scene
from interlock.hal.state import RobotState
from interlock.orchestrator.clock import Clock
from interlock.orchestrator.cycle import Cycle
from interlock.orchestrator.messages import ChunkMessage, PhaseMessage, TickReport
from interlock.orchestrator.motion_history import MotionHistory
from interlock.orchestrator.proposal import not_a_chunk
from interlock.orchestrator.proposer import Proposer
from interlock.orchestrator.refusal import said
from interlock.policy.observation import Observation, TaskView

__all__ = ["Loop", "Witness"]


class Witness(Protocol):
    """Someone who is told everything and decides nothing: recorder, referee, progress, tally."""

    def phase(self, phase: Phase, now_ns: int) -> None:
        """A phase was granted."""
        ...

    def chunk(self, chunk: ActionChunk) -> None:
        """A proposal went to the drive."""
        ...

    def tick(self, report: TickReport) -> None:
        """A tick is over; the world has not moved yet."""
        ...


class Loop:
    """One policy, one drive, one clock.

    Args:
        proposer: asks the policy; nothing it says is trusted, and what it raises is caught.
        drive: admits and sends.
        clock: says what time it is and waits for the next tick.
        replan_s: time between proposals, [s].
        witness: is told everything.
        state: the robot's state before the first tick.
        scene: the world before the first tick.
        complain: called with a sentence when the policy raises.
        frames: the pictures that the policy asks for, as they are now; never waits in real time.
        history: takes in every tick, and tells the policy what was executed; else one of the loop's own.
        note: called with a sentence when an answer comes for what is no longer granted.

    Attributes:
        state: the robot's state as last reported.
        scene: the world as last reported.
        trouble: why the last question brought no chunk, or "".
        plan_anew: whether the policy has asked, in the phase that is granted, that the goal be planned anew.
    """

    def __init__(
        self,
        *,
        proposer: Proposer,
        drive: Cycle,
        clock: Clock,
        replan_s: float,
        witness: Witness,
        state: RobotState,
        scene: Scene,
        complain: Callable[[str], None],
        frames: Callable[[], tuple[Frame, ...]] = tuple,
        history: MotionHistory | None = None,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._proposer = proposer
        self._drive = drive
        self._clock = clock
        self._replan_ns = round(replan_s * 1e9)
        self._witness = witness
        self.state = state
        self.scene = scene
        self._complain = complain
        self._frames = frames
        self._history = history or MotionHistory()
        self._due_ns = 0
        self.trouble = ""
        self.plan_anew = False
        self._note = note
        self._grant = 0
        self._asked: tuple[int, TaskView] | None = None

    def tick(self, task: TaskView | None) -> TickReport:
        """One tick; without a task nothing is proposed.

        While a question is unanswered none is asked; an overdue one is asked at the first tick after that,
        from what is then observed.
        """
        now_ns = self._clock.now_ns()
        if task is not None and now_ns >= self._due_ns and self._proposer.free():
            self._proposer.ask(self._observe(task))
            self._asked = (self._grant, task)
            self._due_ns = now_ns + self._replan_ns
        self._hand_over(self._proposer.answer())
        report = self._drive.tick(now_ns, self._clock.lateness_ns())
        self.state, self.scene = report.state, report.scene
        self._history.add(report)
        self._witness.tick(report)
        self._clock.wait_next_tick()
        return report

    def grant(self, phase: Phase) -> None:
        """Put a phase in force; the next tick asks for a new proposal; answers to older ones are dropped."""
        self._grant += 1
        self.plan_anew = False
        self._drive.handle(PhaseMessage(phase=phase))
        self._witness.phase(phase, self._clock.now_ns())
        self._due_ns = 0

    def _observe(self, task: TaskView) -> Observation:
        """A copy: whatever a policy does to it, the world of the drive stays as it is."""
        state, scene = copy.deepcopy((self.state, self.scene))
        return Observation(
            stamp_ns=state.stamp_ns,
            state=state,
            scene=scene,
            frames=self._frames(),
            task=task,
            executed=self._history.executed(),
        )

    def withdraw(self) -> None:
        """No proposal is in force from now on, nor one still on its way: the verified stop plays."""
        self._grant += 1
        self._drive.handle(ChunkMessage(chunk=None))

    def _hand_over(self, proposed: object) -> None:
        if proposed is None or self._comes_too_late():
            return
        if isinstance(proposed, UnsureError):  # nor does it follow further what it said before
            self._drive.handle(ChunkMessage(chunk=None))
            self.plan_anew = proposed.plan_anew
        if isinstance(proposed, RefusedError):
            self.trouble = f"proposal refused before the gate: {proposed}"
            self._complain(self.trouble)
            return
        if isinstance(proposed, BaseException):
            self.trouble = f"policy raised {said(proposed)}"
            self._complain(self.trouble)
            return
        wrong = not_a_chunk(proposed)
        if wrong or not isinstance(proposed, ActionChunk):
            self.trouble = f"policy returned no chunk: {wrong}"
            self._complain(self.trouble)
            return
        self.trouble = ""
        self._drive.handle(ChunkMessage(chunk=proposed))
        self._witness.chunk(proposed)

    def _comes_too_late(self) -> bool:
        """Whether what was asked for has been followed by another grant, or was withdrawn."""
        if self._asked is None:
            return True
        grant, task = self._asked
        if grant == self._grant:
            return False
        self._note(
            f"an answer for {task.task_id}, phase {task.phase}, came when another was granted: dropped"
        )
        return True
