"""Everyone who is told and decides nothing: recorder, referee, camera, tally, display."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Self

from interlock.guards.verdict import Decision
from interlock.hal.chunk import ActionChunk
from interlock.hal.driver import StopCategory
from interlock.hal.phase import FELT_N, Phase
from interlock.hal.simulator.camera import SimulatedCamera
from interlock.orchestrator.contact_grant import ContactGrant
from interlock.orchestrator.messages import TickReport
from interlock.orchestrator.off_record import OffRecord
from interlock.orchestrator.progress import Progress as Display
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.rig import Rig
from interlock.orchestrator.summary import Outcome, RefereeSummary, RunSummary
from interlock.orchestrator.swap_record import SwapRecord
from interlock.orchestrator.tally import Tally
from interlock.planners.plan import Plan, Task
from interlock.traces.recorder import Recorder
from interlock.traces.run_info import RunInfo
from interlock.traces.telemetry import Telemetry

__all__ = ["Bystanders"]

_MAX_PICTURES = 24
_SCENE_EVERY = 10  # ticks
_VERSIONS = ("interlock", "pin", "cvxpy", "daqp", "numba", "numpy", "pybullet")


class Bystanders:
    """Tells every bystander of a run what happened; what goes wrong with them never reaches the drive.

    A display or camera that fails is told nothing more. The referee is different: without it a run proves
    nothing, so its faults end the run.
    """

    def __init__(self, request: RunRequest, rig: Rig, display: Display) -> None:
        self._request = request
        self._rig = rig
        self._display = display
        self._tally = Tally()
        self._chunk: ActionChunk | None = None
        self._phase: Phase | None = None
        self._grant = ContactGrant()
        self._pictures = 0
        self._refused = False
        self._gone: set[str] = set()
        specs = rig.cell.cameras() if request.cameras and not request.real_time else ()
        self._camera = SimulatedCamera(rig.world, specs[0], rig.look) if specs else None
        self._recorder = _recorder(request, rig) if request.record else OffRecord(request.out)

    def __enter__(self) -> Self:
        """Take the first picture."""
        self._picture()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the trace, whatever happened."""
        self._recorder.close()

    def plan(self, plan: Plan) -> None:
        """A plan was made."""
        self._recorder.plan(plan)
        self._tell("display", self._display.plan, plan)

    def task(self, task: Task) -> None:
        """A task begins."""
        self._tell("display", self._display.task, task)

    def event(self, stamp_ns: int, kind: str, text: str, level: str = "info") -> None:
        """Something worth a line happened."""
        self._recorder.event(stamp_ns, kind, text, level)
        self._tell("display", self._display.event, text)

    def stop(self, stamp_ns: int, category: StopCategory, causes: tuple[str, ...]) -> None:
        """A stop was obeyed."""
        self._recorder.stop(stamp_ns, int(category), causes)
        self._tell("display", self._display.event, f"stop: {'; '.join(causes)}")

    def phase(self, phase: Phase, now_ns: int) -> None:
        """A phase was granted."""
        self._phase = phase
        self._recorder.phase(phase, now_ns)
        self._picture()

    def chunk(self, chunk: ActionChunk) -> None:
        """A proposal went to the drive."""
        self._chunk = chunk
        self._recorder.chunk(chunk)

    def tick(self, report: TickReport) -> None:
        """A tick is over; the world has not moved yet."""
        self._tally.add(report)
        self._refer(report)
        self._recorder.tick(report)
        if report.tick % _SCENE_EVERY == 0:
            self._recorder.scene(report.scene)
        refused = report.verdict.decision is Decision.REFUSE
        if refused and not self._refused and self._tally.ticks > 1:
            self._picture()
        self._refused = refused
        self._tell("display", self._display.tick, report)

    def finish(
        self,
        outcome: Outcome,
        reason: str,
        plan: Plan,
        uncertainty: Mapping[str, int],
        swaps: tuple[SwapRecord, ...] = (),
    ) -> RunSummary:
        """Close the trace, write the report, and sum up; the last two are as in `RunSummary`."""
        self._picture()
        tally, seen = self._tally, self._rig.referee.report()
        summary = RunSummary(
            outcome=outcome,
            goal=self._request.goal,
            plan=tuple(str(task) for task in plan.tasks),
            reason=reason,
            ticks=tally.ticks,
            sim_time_s=self._rig.clock.now_ns() * 1e-9,
            interventions=dict(sorted(tally.interventions.items())),
            refusals=dict(sorted(tally.refusals.items())),
            released_fraction=tally.released_fraction,
            uncertainty=dict(uncertainty),
            path_length_rad=tally.path_length_rad,
            min_margin_m=tally.min_margin_m,
            referee=RefereeSummary(
                contacts=seen.contacts,
                contacts_into_standing_arm=seen.contacts_into_standing_arm,
                min_distance_m=seen.min_distance_m,
                limit_violations=seen.limit_violations,
                max_tcp_speed_m_s=seen.max_tcp_speed_m_s,
            ),
            trace=str(self._recorder.path),
            report=str(self._request.out / "report.html") if self._request.report else None,
            seed=self._request.seed,
            swaps=swaps,
        )
        self._recorder.outcome(json.loads(summary.to_json()))
        recorded = self._recorder.close()
        if recorded.fault is not None:
            self._tell("display", self._display.event, f"the trace is incomplete: {recorded.fault}")
        if self._request.report and not self._tell("report", self._build_report):
            summary = replace(summary, report=None)
        self._tell("display", self._display.done, summary)
        return summary

    def _build_report(self) -> None:
        from interlock.traces.report import build_report

        build_report(self._request.out)

    def _tell(self, who: str, what: Callable[..., None], *told: object) -> bool:
        """Tell a bystander something, unless it has failed before; whether that went well."""
        if who in self._gone:
            return False
        try:
            what(*told)
        except (Exception, SystemExit) as error:  # rich leaves the process when its pipe is closed
            self._gone.add(who)
            self.event(self._rig.clock.now_ns(), who, f"{type(error).__name__}: {error}", "error")
            return False
        return True

    def _refer(self, report: TickReport) -> None:
        """Tell the referee what may touch and what was sent."""
        referee, phase = self._rig.referee, self._phase
        referee.begin_tick(self._grant.allowed(phase, report), _holding(phase, report))
        sent = report.command
        if sent is None:  # the referee judges the stop as the driver plays it
            return
        chunk = self._chunk
        referee.command(
            report.stamp_ns,
            sent.start,
            sent.end,
            chunk_age_s=(report.stamp_ns - chunk.t_obs_ns) * 1e-9 if chunk is not None else 0.0,
            chunk_deadline_s=self._rig.gate.config.chunk_deadline_s,
        )

    def _picture(self) -> None:
        if self._camera is not None and self._pictures < _MAX_PICTURES:
            self._pictures += 1
            camera, recorder = self._camera, self._recorder
            self._tell("camera", lambda: recorder.frame(camera.capture()))


def _holding(phase: Phase | None, report: TickReport) -> str | None:
    """What the gripper holds: what may be held counts only while the fingers feel something between them."""
    if phase is None or phase.held is not None:
        return phase.held if phase is not None else None
    gripper = report.state.gripper
    return phase.maybe_held if gripper is not None and gripper.force_n >= FELT_N else None


def _recorder(request: RunRequest, rig: Rig) -> Recorder:
    return Recorder(
        request.out,
        RunInfo(
            goal=request.goal,
            cell=rig.cell.name,
            policy=request.policy,
            seed=request.seed,
            robot=rig.gate.body.robot,
            period_s=rig.cell.period_s,
            real_time=request.real_time,
            start_ns=rig.clock.now_ns(),
            gate=rig.gate.config,
            cell_text=rig.cell.text,
            versions={name: importlib.metadata.version(name) for name in _VERSIONS},
        ),
        telemetry=Telemetry.chosen(request.telemetry),
    )
