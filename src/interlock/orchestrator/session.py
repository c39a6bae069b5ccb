"""One run, from a goal in words to a summary."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

from interlock.hal.latch import StopLatch
from interlock.hal.lease import Lease
from interlock.hal.state_dir import open_state_dir
from interlock.orchestrator.asked_cameras import cameras_for
from interlock.orchestrator.bystanders import Bystanders
from interlock.orchestrator.closing_policy import closing_policy
from interlock.orchestrator.gate_maker import GateMaker, build_gate
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.progress import Progress as Display
from interlock.orchestrator.pursuit import Pursuit
from interlock.orchestrator.reachability import make_reachable
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.rig import Rig, build_rig
from interlock.orchestrator.summary import RunSummary
from interlock.orchestrator.swap_request import SwapRequest
from interlock.orchestrator.taught import require_taught
from interlock.planners.search import plan_goal
from interlock.policy.policy import PolicyContext, PolicyFactory
from interlock.policy.registry import create

__all__ = ["run"]


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
    lease = Lease(request.state_dir, robot.name)
    with (
        nullcontext(interrupts) if interrupts is not None else Interrupts() as interrupted,
        closing_policy(policy),
    ):
        require_taught(policy, plan)
        cameras = cameras_for(policy, cell.cameras(), real_time=request.real_time)
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
                pursuit = Pursuit(
                    request, rig, lease, policy, domain, bystanders, interrupted, cameras, context
                )
                try:
                    summary = pursuit.run(plan)
                finally:
                    pursuit.close()
                if inspect is not None:
                    inspect(rig)
                return summary
        finally:
            rig.close()
            lease.release()
