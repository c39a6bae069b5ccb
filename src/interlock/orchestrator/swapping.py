"""How a run's hot swap is put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from interlock.hal.camera_spec import CameraSpec
from interlock.orchestrator.candidate import candidate_from, second_gate
from interlock.orchestrator.hot_swap import HotSwap
from interlock.orchestrator.motion_history import MotionHistory
from interlock.orchestrator.proposer import Proposer, ThreadProposer, WaitingProposer
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.rig import Rig
from interlock.orchestrator.shadow import Shadow
from interlock.orchestrator.stream_proposer import streaming
from interlock.orchestrator.swap_request import SwapRequest
from interlock.orchestrator.trained_cell import LEARNED
from interlock.policy.policy import Policy, PolicyContext

__all__ = ["swapping"]


def swapping(
    policy: Policy,
    *,
    request: RunRequest,
    rig: Rig,
    context: PolicyContext,
    cameras: Iterable[CameraSpec],
    history: MotionHistory,
    tell: Callable[[str, str], None],
    stopped: Callable[[], bool],
) -> HotSwap:
    """The proposer of a run: `policy`, and whatever takes over from it.

    Args:
        policy: what the run begins with.
        request: of the run.
        rig: of the run.
        context: that `policy` was built from.
        cameras: those that take pictures in this run.
        history: of what was executed.
        tell: see `HotSwap`.
        stopped: whether somebody wants the robot to stop; looked at while a policy is waited for in lockstep.
    """
    own = replace(context, options=request.cell.options_of(LEARNED))
    roles = [camera.role for camera in cameras]

    def seat(policy: Policy) -> Proposer:
        asked = ThreadProposer(policy) if request.real_time else WaitingProposer(policy, stopped)
        return streaming(asked, policy, rig.clock.now_ns, history, real_time=request.real_time)

    def shadow(folder: Path) -> Shadow:
        return Shadow(lambda: candidate_from(folder, own, roles), lambda: second_gate(rig.gate, rig.cell))

    return HotSwap(
        seat(policy),
        seat=seat,
        shadow=shadow,
        inbox=SwapRequest(request.state_dir),
        rules=request.swap_rules,
        tell=tell,
        now_ns=rig.clock.now_ns,
        stopped=None if request.real_time else stopped,
    )
