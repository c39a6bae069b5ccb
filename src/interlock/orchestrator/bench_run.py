"""A short run for measuring: the whole machine but for recorder, cameras and report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from interlock.hal.chunk import ActionChunk
from interlock.hal.phase import Phase
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.gate_maker import GateMaker, build_gate
from interlock.orchestrator.loop import Loop
from interlock.orchestrator.messages import TickReport
from interlock.orchestrator.motion_history import MotionHistory
from interlock.orchestrator.proposer import InlineProposer, ThreadProposer
from interlock.orchestrator.rig import Rig, build_rig
from interlock.orchestrator.stream_proposer import streaming
from interlock.policy.observation import TaskView
from interlock.policy.policy import PolicyContext, PolicyFactory
from interlock.policy.registry import create

__all__ = ["BenchRun", "bench_run"]

_PHASE = Phase(
    task_id="t1",
    skill="pick",
    name="approach",
    allowed=(),
    expires_ns=0,
    held=None,
    maybe_held=None,
    max_force_n=20.0,
)
_WARM_UP = 20  # ticks before the first that counts: kernels load, caches fill


@dataclass(slots=True)
class BenchRun:
    """What was seen, tick by tick.

    Attributes:
        rig: what ran; its world is closed.
        reports: one report a tick.
        late_ns: how late each tick began, [ns].
    """

    rig: Rig
    reports: list[TickReport] = field(default_factory=list)
    late_ns: list[int] = field(default_factory=list)

    def phase(self, phase: Phase, now_ns: int) -> None:
        """Nothing to note."""

    def chunk(self, chunk: ActionChunk) -> None:
        """Nothing to note."""

    def tick(self, report: TickReport) -> None:
        """Keep the report."""
        self.reports.append(report)
        self.late_ns.append(self.rig.clock.lateness_ns())


def bench_run(
    cell: Cell,
    policy: str,
    ticks: int,
    *,
    real_time: bool = False,
    make_gate: GateMaker = build_gate,
    make_policy: PolicyFactory | None = None,
    warmed_up: Callable[[], None] = lambda: None,
) -> BenchRun:
    """Let `policy`, or what `make_policy` makes, approach the first movable object for `ticks` ticks.

    A few ticks before them warm up and are not reported; `warmed_up` is called after them.
    """
    rig = build_rig(cell, seed=0, latch=lambda cause: None, real_time=real_time, make_gate=make_gate)
    try:
        seen = BenchRun(rig)
        context = PolicyContext(
            robot=cell.robot_spec(), embodiment=cell.embodiment(), seed=0, options={}, real_time=real_time
        )
        target = next(o.name for o in cell.domain(0).objects if o.role == "movable")
        task = TaskView(
            task_id="t1",
            skill="pick",
            arguments={"object": target},
            phase="approach",
            instruction=f"pick up the {target}",
            target_in_world=None,
        )
        made = create(policy, context) if make_policy is None else make_policy(context)
        history = MotionHistory()
        asked = ThreadProposer(made) if real_time else InlineProposer(made)
        loop = Loop(
            proposer=streaming(asked, made, rig.clock.now_ns, history, real_time=real_time),
            drive=rig.drive,
            clock=rig.clock,
            replan_s=cell.rates.replan_s,
            witness=seen,
            state=rig.world.driver.observe(),
            scene=rig.source.snapshot(),
            complain=lambda text: None,
            history=history,
        )
        loop.grant(_PHASE)
        for _ in range(_WARM_UP):
            loop.tick(task)
        warmed_up()
        seen.reports.clear()
        seen.late_ns.clear()
        for _ in range(ticks):
            loop.tick(task)
    finally:
        rig.close()
    return seen
