"""The course of a run: tasks, attempts, stops, until the robot stands and all is told."""

from __future__ import annotations

import traceback
from dataclasses import replace

from interlock.errors import BadInputError
from interlock.hal.camera_spec import CameraSpec
from interlock.hal.driver import StopCategory
from interlock.hal.latch import StopRequest
from interlock.hal.lease import Lease
from interlock.hal.scene import Scene
from interlock.orchestrator.bystanders import Bystanders
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.loop import Loop
from interlock.orchestrator.messages import StopMessage, TickReport
from interlock.orchestrator.mode_watch import ModeWatch
from interlock.orchestrator.motion_history import MotionHistory
from interlock.orchestrator.phases import PhaseTracker, Progress, TaskState
from interlock.orchestrator.replanner import Replanner
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.rig import Rig
from interlock.orchestrator.sight import sight_for
from interlock.orchestrator.summary import Outcome, RunSummary
from interlock.orchestrator.swapping import swapping
from interlock.planners.domain import Domain
from interlock.planners.plan import Plan, Task
from interlock.policy.observation import TaskView
from interlock.policy.policy import Policy, PolicyContext
from interlock.policy.uncertainty.decision import UncertaintyGate
from interlock.policy.wording import Wording

__all__ = ["Pursuit"]

_STOP_S = 5.0  # a stop that has not come to measured rest after this long is reported as such
_ATTEMPTS = 5


class Pursuit:
    """Takes a plan through its tasks, one tick at a time.

    Attributes:
        sight: the pictures that the policy asks for.
    """

    def __init__(
        self,
        request: RunRequest,
        rig: Rig,
        lease: Lease,
        policy: Policy,
        domain: Domain,
        bystanders: Bystanders,
        interrupted: Interrupts,
        cameras: tuple[CameraSpec, ...],
        context: PolicyContext,
    ) -> None:
        self._request = request
        self._rig = rig
        self._mode_watch = ModeWatch(
            lease,
            stuck_after_s=rig.cell.times.stuck_after_s,
            period_s=rig.cell.period_s,
            tell=lambda stamp_ns, text: bystanders.event(stamp_ns, "stuck", text, "warning"),
        )
        self._replanner = Replanner(
            rig.cell, domain, lambda text, level: bystanders.event(self._now_ns(), "plan", text, level)
        )
        self._bystanders = bystanders
        self._interrupted = interrupted
        self._stop_request = StopRequest(request.state_dir)
        self._times = rig.cell.times
        self._complaint = ""
        _reset(policy)
        uncertainty = getattr(policy, "uncertainty", None)
        self._uncertainty = uncertainty if isinstance(uncertainty, UncertaintyGate) else None
        self.sight = sight_for(cameras, rig, real_time=request.real_time, complain=self._complain)
        history = MotionHistory()
        self._swap = swapping(
            policy,
            request=request,
            rig=rig,
            context=context,
            cameras=cameras,
            history=history,
            tell=lambda text, level: bystanders.event(self._now_ns(), "swap", text, level),
            stopped=self._stop_wanted,
        )
        self._loop = Loop(
            proposer=self._swap,
            drive=rig.drive,
            clock=rig.clock,
            replan_s=rig.cell.rates.replan_s,
            witness=bystanders,
            state=rig.world.driver.observe(),
            scene=rig.source.snapshot(),
            complain=self._complain,
            frames=self.sight.frames,
            history=history,
            note=lambda text: bystanders.event(self._now_ns(), "policy", text),
        )
        self._last_phase = ""

    def close(self) -> None:
        """Let go of cameras and candidates."""
        self.sight.close()
        self._swap.close()

    def run(self, plan: Plan) -> RunSummary:
        """Run the plan, plan again from what is measured if a task fails, and say how it ended."""
        try:
            if self._request.swap_to is not None:
                self._swap.request(self._request.swap_to)
            reason = self._achieve(plan)
            if not self._settle():
                cause = f"no measured standstill after {_STOP_S:g} s"
                self._rig.drive.handle(StopMessage(category=StopCategory.STOP_AND_HOLD, cause=cause))
        except BaseException as error:  # whatever it is, the robot comes to rest first
            reason = f"the session failed: {type(error).__name__}: {error}"
            self._abandon(reason)
            if not isinstance(error, Exception):
                raise
            self._bystanders.event(self._now_ns(), "session", traceback.format_exc(), "fatal")
        outcome = Outcome.GAVE_UP if reason else Outcome.ACHIEVED
        if self._rig.drive.latched:
            outcome, reason = Outcome.STOPPED, "; ".join(self._rig.drive.latched)
        self._swap.look(over=True)
        unsure = {} if self._uncertainty is None else self._uncertainty.counts
        summary = self._bystanders.finish(outcome, reason, plan, unsure, self._swap.records)
        late = self._stop_cause()
        if late is not None and outcome is not Outcome.STOPPED:
            return self._stopped_late(summary, late)
        return summary

    def _achieve(self, plan: Plan) -> str:
        """Attempt by attempt; why the goal was not achieved, or ""."""
        current, reason = plan, ""
        for attempt in range(_ATTEMPTS):
            reason = self._run_tasks(current)
            if self._rig.drive.latched:
                break
            if not reason:
                self._settle()
                reason = self._replanner.missed(plan, self._scene())
            if not reason or self._out_of_time():
                break
            again = self._plan_again(plan, reason) if attempt + 1 < _ATTEMPTS else None
            if again is None:
                break
            current = again
        return reason

    def _abandon(self, cause: str) -> None:
        """Bring the robot to rest after a fault of our own; nobody but the drive is asked or told."""
        drive, clock = self._rig.drive, self._rig.clock
        drive.handle(StopMessage(category=StopCategory.STOP_AND_HOLD, cause=cause))
        for _ in range(round(_STOP_S / self._rig.cell.period_s)):
            try:
                clock.wait_next_tick()
            except Exception:
                return  # the world is gone: there is nothing left to wait for
            if drive.tick(clock.now_ns(), clock.lateness_ns()).state.standstill:
                return

    def _stopped_late(self, summary: RunSummary, cause: str) -> RunSummary:
        """A stop asked for while the report was written: the robot stands already, and the stop latches."""
        self._rig.drive.handle(StopMessage(category=StopCategory.STOP_AND_HOLD, cause=cause))
        self._bystanders.event(self._now_ns(), "stop", f"stop: {cause}")
        return replace(
            summary, outcome=Outcome.STOPPED, reason=f"{cause}, when the run had ended: {summary.outcome}"
        )

    def _run_tasks(self, plan: Plan) -> str:
        """Run every task; the reason why one failed, or ""."""
        for task in plan.tasks:
            self._swap.look()
            if self._swap.wants_hold:
                self._exchange(holds=self._settle())
            self._bystanders.task(task)
            began_ns = self._now_ns()
            failed = self._run_task(task, plan.goal)
            if not failed or not (self._rig.drive.latched or self._out_of_time()):
                self._swap.task_ended(failed, began_ns)
            if failed:
                self._bystanders.event(self._now_ns(), "task", f"{task} failed: {failed}", "warning")
                return failed
        return ""

    def _run_task(self, task: Task, goal: str) -> str:
        rig = self._rig
        tracker = PhaseTracker(
            task,
            rig.cell.robot_spec(),
            self._scene(),
            self._now_ns(),
            tool=rig.drive.tool,
            speed=rig.drive.tool_speed,
            hand=rig.drive.hand,
        )
        began_ns = self._now_ns()
        self._last_phase = ""
        while True:
            state, scene = self._loop.state, self._loop.scene
            progress = tracker.update(state, scene, self._now_ns())
            if progress.state is not TaskState.RUNNING:
                return self._because(progress.reason) if progress.reason else ""
            self._grant(progress)
            report = self._tick(_view(task, progress, goal, self._request.wording))
            if rig.drive.latched:
                return "; ".join(rig.drive.latched)
            if self._loop.plan_anew:
                return self._because(f"{task} was given up")
            if report.command is None and report.state.standstill:
                self._swap.look()
                self._exchange(holds=True)
            if (self._now_ns() - began_ns) * 1e-9 > self._times.max_task_s:
                return self._because(f"{task} took longer than {self._times.max_task_s:g} s")
            if self._out_of_time():
                return self._because("time is up")

    def _exchange(self, *, holds: bool) -> None:
        """Exchange the policies if that is due and the robot holds; then no proposal is in force.

        Not under a latched stop: nobody takes over a robot that a person has to look at.
        """
        if holds and not self._rig.drive.latched and self._swap.exchange():
            self._loop.withdraw()

    def _because(self, reason: str) -> str:
        """With what is wrong with the policy, if it is silent for a reason."""
        return f"{reason}; {self._loop.trouble}" if self._loop.trouble else reason

    def _grant(self, progress: Progress) -> None:
        if progress.phase.name != self._last_phase:
            self._loop.grant(progress.phase)
            self._last_phase = progress.phase.name

    def _tick(self, task: TaskView | None) -> TickReport:
        """One tick; a stop that a person asked for goes to the drive before anything else."""
        cause = self._stop_cause()
        if cause is not None and not self._rig.drive.latched:
            self._rig.drive.handle(StopMessage(category=StopCategory.STOP_AND_HOLD, cause=cause))
            self._bystanders.stop(self._now_ns(), StopCategory.STOP_AND_HOLD, self._rig.drive.latched)
        self.sight.refresh()
        report = self._loop.tick(task)
        self._swap.after_tick(report)
        self._mode_watch.add(report)
        return report

    def _stop_cause(self) -> str | None:
        """Why a person wants a stop, or None if nobody does."""
        if self._interrupted.cause:
            return self._interrupted.cause
        return self._stop_request.cause if self._stop_request.pending() else None

    def _stop_wanted(self) -> bool:
        return bool(self._interrupted.cause) or self._stop_request.pending()

    def _settle(self) -> bool:
        """Tick without a task or a proposal until the arm is measured at rest; whether it is."""
        self._loop.withdraw()
        ticks = round(_STOP_S / self._rig.cell.period_s)
        for _ in range(ticks):
            report = self._tick(None)
            if report.state.standstill and report.command is None:
                return True
        self._bystanders.event(self._now_ns(), "stop", f"no measured standstill after {_STOP_S:g} s", "error")
        return False

    def _plan_again(self, plan: Plan, reason: str) -> Plan | None:
        """A plan from what is measured now, or None if that cannot help."""
        self._exchange(holds=self._settle())
        again = self._replanner.again(plan, reason, self._loop.state, self._scene())
        if again is not None:
            self._bystanders.plan(again)
        return again

    def _complain(self, text: str) -> None:
        """A line about the policy, once for each new fault in a row."""
        if text != self._complaint:
            self._complaint = text
            self._bystanders.event(self._now_ns(), "policy", text, "error")

    def _out_of_time(self) -> bool:
        limit_s = self._request.max_sim_time_s or self._times.max_run_s
        return self._now_ns() * 1e-9 >= limit_s - 1e-9

    def _now_ns(self) -> int:
        return self._rig.clock.now_ns()

    def _scene(self) -> Scene:
        return self._loop.scene


def _reset(policy: Policy) -> None:
    try:
        policy.reset()
    except BaseException as error:  # signals are deferred here: whatever it is, it is the plug-in's
        raise BadInputError(
            f"the policy cannot be reset: {type(error).__name__}: {error}",
            field="policy.name",
            value=getattr(policy, "name", None),
            mend="Mend the plug-in.",
        ) from error


def _view(task: Task, progress: Progress, goal: str, wording: Wording) -> TaskView:
    return TaskView(
        task_id=task.id,
        skill=task.skill,
        arguments=task.arguments,
        phase=progress.phase.name,
        instruction=goal,
        target_in_world=task.target_in_world,
        step=wording.say(task.skill, task.arguments),
    )
