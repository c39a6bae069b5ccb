"""One run, from a goal in words to a summary."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace

from interlock.errors import BadInputError, InterlockError
from interlock.hal.camera_spec import CameraSpec
from interlock.hal.driver import StopCategory
from interlock.hal.latch import StopLatch, StopRequest
from interlock.hal.lease import Lease
from interlock.hal.mode import Mode
from interlock.hal.scene import Scene
from interlock.hal.state_dir import open_state_dir
from interlock.orchestrator.bystanders import Bystanders
from interlock.orchestrator.gate_maker import GateMaker, build_gate
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.loop import Loop
from interlock.orchestrator.messages import StopMessage, TickReport
from interlock.orchestrator.motion_history import MotionHistory
from interlock.orchestrator.phases import PhaseTracker, Progress, TaskState
from interlock.orchestrator.progress import Progress as Display
from interlock.orchestrator.reachability import make_reachable
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.rig import Rig, build_rig
from interlock.orchestrator.sight import cameras_for, sight_for
from interlock.orchestrator.summary import Outcome, RunSummary
from interlock.orchestrator.swap_request import SwapRequest
from interlock.orchestrator.swapping import swapping
from interlock.orchestrator.world_state import broken_goals, refreshed
from interlock.planners.domain import Domain
from interlock.planners.plan import Plan, Task
from interlock.planners.search import plan_goal
from interlock.policy.observation import TaskView
from interlock.policy.policy import Policy, PolicyContext, PolicyFactory
from interlock.policy.registry import create
from interlock.policy.uncertainty.decision import UncertaintyGate
from interlock.policy.wording import Wording

__all__ = ["Session", "run"]

_STOP_S = 5.0  # a stop that has not come to measured rest after this long is reported as such
_ATTEMPTS = 5


def run(
    request: RunRequest,
    display: Display,
    make_gate: GateMaker = build_gate,
    inspect: Callable[[Rig], None] | None = None,
    interrupts: Interrupts | None = None,
    make_policy: PolicyFactory | None = None,
    *,
    puppet: bool = False,
) -> RunSummary:
    """Plan, then move under the gate, then report; the robot is at measured standstill when this returns.

    Args:
        request: what is asked for.
        display: is told how it goes.
        make_gate: how to build the gate.
        inspect: called with the rig after the run, before the world is let go.
        interrupts: Ctrl-C and SIGTERM as caught since the start of the process; else caught here.
        make_policy: builds the policy; else the registry does, by the name in the request.
        puppet: pull a simulated arm along the proposals as they are, to be measured against.

    Raises:
        BadInputError: if the goal, the policy or a folder cannot be used; nothing was started.
        RefusedError: if the goal is understood but may not be done; nothing moved.
        StoppedError: if a stop is latched or another run owns the robot.
    """
    cell = request.cell
    robot, domain = cell.robot_spec(), cell.domain(request.seed)
    open_state_dir(request.state_dir)
    latch = StopLatch(request.state_dir)
    latch.require_clear()
    plan = plan_goal(request.goal, domain, make_reachable(robot, cell.zones()))
    context = PolicyContext(
        robot=robot,
        embodiment=cell.embodiment(),
        seed=request.seed,
        options=request.policy_options,
        cameras=cell.cameras(),
        real_time=request.real_time,
    )
    policy = create(request.policy, context) if make_policy is None else make_policy(context)
    cameras = cameras_for(policy, cell.cameras())
    lease = Lease(request.state_dir, robot.name)
    with (
        nullcontext(interrupts) if interrupts is not None else Interrupts() as interrupted,
        _closing(policy),
    ):
        try:
            lease.acquire()
            latch.require_clear()  # again: whoever held the lease until now may have latched
            SwapRequest(request.state_dir).drop()  # asked of an earlier run; from now on one may come for us
            rig = build_rig(
                cell,
                seed=request.seed,
                latch=lambda cause: latch.latch(cause, rig.world.now_ns),
                epoch=lease.epoch,
                real_time=request.real_time,
                gui=request.gui,
                make_gate=make_gate,
                puppet=puppet,
                look=request.look,
            )
            interrupted.defer()
        except BaseException as error:
            try:
                if isinstance(error, KeyboardInterrupt) and lease.epoch:  # the robot was ours already
                    latch.latch(interrupted.cause, 0)
                    interrupted.latched = True
            finally:
                lease.release()
            raise
        try:
            with Bystanders(request, rig, display) as bystanders:
                bystanders.plan(plan)
                session = Session(
                    request, rig, lease, policy, domain, bystanders, interrupted, cameras, context
                )
                try:
                    summary = session.run(plan)
                finally:
                    session.close()
                if inspect is not None:
                    inspect(rig)
                return summary
        finally:
            rig.close()
            lease.release()


class Session:
    """Takes a plan through its tasks, one tick at a time."""

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
        self._lease = lease
        self._domain = domain
        self._bystanders = bystanders
        self._interrupted = interrupted
        self._stop_request = StopRequest(request.state_dir)
        self._times = rig.cell.times
        self._mode: Mode | None = None
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
        self._resting_ticks = 0
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
                reason = "; ".join(broken_goals(plan, self._domain, self._scene()))
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
            task, rig.cell.robot_spec(), self._scene(), self._now_ns(), rig.drive.tool, rig.drive.tool_speed
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
        self._watch(report)
        return report

    def _stop_cause(self) -> str | None:
        """Why a person wants a stop, or None if nobody does."""
        if self._interrupted.cause:
            return self._interrupted.cause
        return self._stop_request.cause if self._stop_request.pending() else None

    def _stop_wanted(self) -> bool:
        return bool(self._interrupted.cause) or self._stop_request.pending()

    def _watch(self, report: TickReport) -> None:
        if report.mode is not self._mode:
            self._mode = report.mode
            self._lease.publish(report.mode)
        resting = report.mode is Mode.BRAKING and report.state.standstill
        self._resting_ticks = self._resting_ticks + 1 if resting else 0
        if self._resting_ticks == round(self._times.stuck_after_s / self._rig.cell.period_s):
            text = (
                f"stuck for {self._times.stuck_after_s:g} s: {report.verdict.guard}: {report.verdict.reason}"
            )
            self._bystanders.event(report.stamp_ns, "stuck", text, "warning")

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
        state = self._loop.state
        if state.gripper is not None and state.gripper.force_n > 1.0:
            return None  # something is still in the hand; a person should look
        cell = self._rig.cell
        try:
            again = plan_goal(
                plan.goal,
                refreshed(self._domain, self._scene()),
                make_reachable(cell.robot_spec(), cell.zones()),
            )
        except InterlockError as error:
            self._bystanders.event(self._now_ns(), "plan", f"cannot plan again: {error.message}", "warning")
            return None
        self._bystanders.event(self._now_ns(), "plan", f"planned again after: {reason}")
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


@contextmanager
def _closing(policy: Policy) -> Iterator[None]:
    """Let a policy let go of what it holds (a connection, a process), if it knows how to."""
    try:
        yield
    finally:
        close = getattr(policy, "close", None)
        if callable(close):
            with suppress(Exception):  # the run is over, and its outcome stands
                close()


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
