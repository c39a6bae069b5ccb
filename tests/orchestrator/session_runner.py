"""Runs a goal in this process, in folders of its own, and keeps what was told."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from interlock.guards.gate import Gate
from interlock.orchestrator import session
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.gate_maker import build_gate
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.messages import TickReport
from interlock.orchestrator.progress import SilentProgress
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.rig import Rig
from interlock.orchestrator.summary import RunSummary
from interlock.planners.plan import Task
from interlock.policy.policy import PolicyFactory
from interlock.traces.read import TraceReader

GOAL = "put the red block in the tray"


@cache
def cell_of(name: str) -> Cell:
    return Cell.load(name)


@cache
def gate_of(name: str) -> Gate:
    """One gate serves every run: it keeps no state."""
    return build_gate(cell_of(name))


class Notes(SilentProgress):
    """Keeps what it is told; `on_tick` may interfere."""

    def __init__(self, on_tick: Callable[[TickReport], None] = lambda report: None) -> None:
        self.events: list[str] = []
        self.reports: list[TickReport] = []
        self.tasks: list[str] = []
        self.summaries: list[RunSummary] = []
        self._on_tick = on_tick

    def task(self, task: Task) -> None:
        self.tasks.append(str(task))

    def tick(self, report: TickReport) -> None:
        self.reports.append(report)
        self._on_tick(report)

    def event(self, text: str) -> None:
        self.events.append(text)

    def done(self, summary: RunSummary) -> None:
        self.summaries.append(summary)


class Runner:
    """Runs in a folder of its own, without cameras and report."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state_dir = folder / "state"
        self.notes = Notes()
        self.counters: dict[str, int] = {}
        self._count = 0

    def run(
        self,
        goal: str = GOAL,
        *,
        cell: str = "panda_tabletop",
        seed: int = 1,
        sim_time_s: float | None = None,
        policy: str = "scripted",
        notes: Notes | None = None,
        interrupts: Interrupts | None = None,
        report: bool = False,
        gate: Gate | None = None,
        on_rig: Callable[[Rig], None] = lambda rig: None,
        make_policy: PolicyFactory | None = None,
    ) -> RunSummary:
        self._count += 1
        self.out = self.folder / f"out{self._count}"
        self.notes = notes or Notes()
        request = RunRequest(
            goal=goal,
            cell=cell_of(cell),
            policy=policy,
            seed=seed,
            real_time=False,
            gui=False,
            out=self.out,
            state_dir=self.state_dir,
            cameras=False,
            max_sim_time_s=sim_time_s,
            report=report,
        )

        def inspect(rig: Rig) -> None:
            self.counters = dict(rig.referee.report().counters)
            on_rig(rig)

        return session.run(
            request,
            self.notes,
            lambda _: gate or gate_of(cell),
            inspect,
            interrupts,
            make_policy=make_policy,
        )


def records(run: Path, topic: str) -> list[dict[str, Any]]:
    return [message.json() for message in TraceReader(run).messages({topic})]
