"""One run, from a goal in words to a summary."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from interlock.errors import RefusedError
from interlock.hal.driver import StopCategory
from interlock.hal.latch import StopLatch, StopRequest
from interlock.hal.lease import Lease
from interlock.hal.mode import Mode
from interlock.hal.scene import Scene
from interlock.hal.state_dir import open_state_dir
from interlock.orchestrator.bystanders import Bystanders
from interlock.orchestrator.loop import Loop
from interlock.orchestrator.messages import StopMessage, TickReport
from interlock.orchestrator.phases import PhaseTracker, Progress, TaskState
from interlock.orchestrator.progress import Progress as Display
from interlock.orchestrator.reachability import make_reachable
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.rig import GateMaker, Rig, build_gate, build_rig
from interlock.orchestrator.summary import Outcome, RunSummary
from interlock.orchestrator.world_state import broken_goals, refreshed
from interlock.planners.domain import Domain
from interlock.planners.search import plan_goal
from interlock.planners.plan import Plan, Task
from interlock.policy.observation import TaskView
from interlock.policy.policy import Policy, PolicyContext
from interlock.policy.registry import create

__all__ = ["Session", "run"]

_STOP_S = 5.0  # a stop that has not come to measured rest after this long is reported as such
_ATTEMPTS = 5


def run(
    request: RunRequest,
    display: Display,
    make_gate: GateMaker = build_gate,
    inspect: Callable[[Rig], None] | None = None,
) -> RunSummary:
    """Plan, then move under the gate, then report; the robot is at measured standstill when this returns.

    Args:
        request: what is asked for.
        display: is told how it goes.
        make_gate: how to build the gate.
        inspect: called with the rig after the run, before the world is let go.

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
        robot=robot, embodiment=cell.embodiment(), seed=request.seed, options=request.policy_options
    )
    policy = create(request.policy, context)
    lease = Lease(request.state_dir, robot.name)
    with lease, _interrupts() as interrupted:
        rig = build_rig(
            cell,
            seed=request.seed,
            latch=lambda cause: latch.latch(cause, rig.world.now_ns),
            epoch=lease.epoch,
            real_time=request.real_time,
            gui=request.gui,
            make_gate=make_gate,
        )
        try:
            with Bystanders(request, rig, display) as bystanders:
                display.plan(plan)
                bystanders.plan(plan)
                session = Session(request, rig, lease, policy, domain, bystanders, interrupted)
                summary = session.run(plan)
                if inspect is not None:
                    inspect(rig)
                return summary
        finally:
            rig.close()


class Interrupts:
    """Counts Ctrl-C and SIGTERM; the loop looks at it each tick, so the robot stops first."""

    def __init__(self) -> None:
        self.cause = ""

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Remember the signal."""
        name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        self.cause = self.cause or f"operator: {name}"


@contextmanager
def _interrupts() -> Iterator[Interrupts]:
    """Catch SIGINT and SIGTERM for the length of a run, where signals can be caught (the main thread)."""
    caught = Interrupts()
    before = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            before[number] = signal.signal(number, caught)
        except ValueError:  # not the main thread: whoever runs us there stops us by the state folder
            break
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
        policy.reset()
        self._loop = Loop(
            policy=policy,
            drive=rig.drive,
            clock=rig.clock,
            replan_s=rig.cell.rates.replan_s,
            witness=bystanders,
            state=rig.world.driver.observe(),
            scene=rig.source.snapshot(),
            complain=lambda text: bystanders.event(rig.world.now_ns, "policy", text, "error"),
        )
        self._resting_ticks = 0
        self._last_phase = ""

    def run(self, plan: Plan) -> RunSummary:
        """Run the plan, plan again from what is measured if a task fails, and say how it ended."""
        current, reason = plan, ""
        outcome = Outcome.ACHIEVED
        for attempt in range(_ATTEMPTS):
            failed = self._run_tasks(current)
            if self._rig.drive.latched or self._out_of_time():
                reason = failed or "time is up"
                break
            if not failed:
                self._settle()
                reason = "; ".join(broken_goals(plan, self._domain, self._scene()))
                if not reason:
                    break
            else:
                reason = failed
            again = self._plan_again(plan, reason) if attempt + 1 < _ATTEMPTS else None
            if again is None:
                break
            current = again
        self._settle()
        if self._rig.drive.latched:
            outcome, reason = Outcome.STOPPED, "; ".join(self._rig.drive.latched)
        elif reason:
            outcome = Outcome.GAVE_UP
        return self._bystanders.finish(outcome, reason, plan)

    def _run_tasks(self, plan: Plan) -> str:
        """Run every task; the reason why one failed, or ""."""
        for task in plan.tasks:
            self._bystanders.task(task)
            failed = self._run_task(task, plan.goal)
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
                return progress.reason
            self._grant(progress)
            self._tick(_view(task, progress, goal))
            if rig.drive.latched:
                return "; ".join(rig.drive.latched)
            if (self._now_ns() - began_ns) * 1e-9 > self._times.max_task_s:
                return f"{task} took longer than {self._times.max_task_s:g} s"
            if self._out_of_time():
                return "time is up"

    def _grant(self, progress: Progress) -> None:
        if progress.phase.name != self._last_phase:
            self._loop.grant(progress.phase)
            self._last_phase = progress.phase.name

    def _tick(self, task: TaskView | None) -> TickReport:
        """One tick; a stop that a person asked for goes to the drive before anything else."""
        cause = self._interrupted.cause
        if not cause and self._stop_request.pending():
            cause = self._stop_request.cause
        if cause and not self._rig.drive.latched:
            self._rig.drive.handle(StopMessage(category=StopCategory.STOP_AND_HOLD, cause=cause))
            self._bystanders.stop(self._now_ns(), StopCategory.STOP_AND_HOLD, self._rig.drive.latched)
        report = self._loop.tick(task)
        self._watch(report)
        return report

    def _watch(self, report: TickReport) -> None:
        if report.mode is not self._mode:
            self._mode = report.mode
            self._lease.publish(report.mode)
        resting = report.mode is Mode.BRAKING and report.state.standstill
        self._resting_ticks = self._resting_ticks + 1 if resting else 0
        if self._resting_ticks == round(self._times.stuck_after_s / self._rig.cell.period_s):
            text = f"stuck for {self._times.stuck_after_s:g} s: {report.verdict.guard}: {report.verdict.reason}"
            self._bystanders.event(report.stamp_ns, "stuck", text, "warning")

    def _settle(self) -> None:
        """Tick without a task until the arm is measured at rest."""
        ticks = round(_STOP_S / self._rig.cell.period_s)
        for _ in range(ticks):
            report = self._tick(None)
            if report.state.standstill and report.command is None:
                return
        self._bystanders.event(self._now_ns(), "stop", f"no measured standstill after {_STOP_S:g} s", "error")

    def _plan_again(self, plan: Plan, reason: str) -> Plan | None:
        """A plan from what is measured now, or None if that cannot help."""
        self._settle()
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
        except RefusedError as error:
            self._bystanders.event(self._now_ns(), "plan", f"cannot plan again: {error.message}", "warning")
            return None
        self._bystanders.event(self._now_ns(), "plan", f"planned again after: {reason}")
        self._bystanders.plan(again)
        return again

    def _out_of_time(self) -> bool:
        limit_s = self._request.max_sim_time_s or self._times.max_run_s
        return self._now_ns() * 1e-9 >= limit_s - 1e-9

    def _now_ns(self) -> int:
        return self._rig.clock.now_ns()

    def _scene(self) -> Scene:
        return self._loop.scene


def _view(task: Task, progress: Progress, goal: str) -> TaskView:
    return TaskView(
        task_id=task.id,
        skill=task.skill,
        arguments=task.arguments,
        phase=progress.phase.name,
        instruction=goal,
        target_in_world=task.target_in_world,
    )
