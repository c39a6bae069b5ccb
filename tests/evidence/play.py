"""Plays one case through the same session that `interlock run` uses, and says in one row how it went."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from cases import Case
from composed import cell_of
from family_off import TRIALS
from row import Row, blank
from stopping import Stopper
from tailored import TAILORED
from ungated import Ungated

from interlock.errors import InterlockError
from interlock.guards.gate import Gate
from interlock.hal.command import GuardedCommand
from interlock.orchestrator import session
from interlock.orchestrator.gate_maker import build_gate
from interlock.orchestrator.progress import SilentProgress
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.rig import Rig, build_rig
from interlock.orchestrator.summary import RunSummary
from interlock.policy.policy import Policy, PolicyContext
from interlock.policy.registry import create
from interlock.traces.read import TraceReader

__all__ = ["play"]


def play(case: Case, folder: Path, keep: Callable[[Row], Path | None] = lambda row: None) -> Row:
    """Play one case.

    Args:
        case: what to play.
        folder: an empty folder for its trace and state; it is removed afterwards.
        keep: says where to, if anywhere, the trace of a run with this row is moved.
    """
    began_s = time.monotonic()
    folder.mkdir(parents=True)
    try:
        row = _played(case, folder)
    except Exception as error:  # a run that breaks is a row like any other, and is listed at the end
        row = blank(case, "error", f"{type(error).__name__}: {error}")
    if row["reason"].startswith("operator: "):  # a signal stopped this process: it says nothing of the policy
        row = blank(case, "error", row["reason"])
    row["wall_s"] = round(time.monotonic() - began_s, 2)
    kept = keep(row)
    if kept is not None:
        shutil.rmtree(kept, ignore_errors=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(folder, kept)
    shutil.rmtree(folder, ignore_errors=True)
    return row


def _played(case: Case, folder: Path) -> Row:
    seen: dict[str, int] = {}
    stoppers: list[Stopper] = []

    def inspect(rig: Rig) -> None:
        report = rig.referee.report()
        seen.update({name: count for name, count in report.counters.items() if count})

    out, state_dir = folder / "out", folder / "state"
    out.mkdir()
    state_dir.mkdir()
    request = RunRequest(
        goal=case.goal,
        cell=cell_of(case.cell, case.space),
        policy=case.policy,
        seed=case.seed,
        real_time=False,
        gui=False,
        out=out,
        state_dir=state_dir,
        cameras=False,
        max_sim_time_s=case.sim_time_s,
        report=False,
    )
    try:
        with _policies(), _listening(case, stoppers):
            gate = _gate(case.cell, case.gate, case.space)
            summary = session.run(request, SilentProgress(), lambda cell: gate, inspect)
    except InterlockError as error:
        refused = RunSummary.not_started(error, goal=case.goal, seed=case.seed)
        if refused is None:
            raise
        return blank(case, str(refused.outcome), refused.reason)
    row = _summed(case, summary, seen)
    if case.table == "million":
        row["nearest_m"] = _rounded(summary.referee.min_distance_m)
    if case.table == "stops":
        row["stops"] = [stop for stopper in stoppers for stop in stopper.stops]
    if case.gate == "on":
        row["refused_in_trace"] = _refused_in(out)
    return row


def _summed(case: Case, summary: RunSummary, seen: dict[str, int]) -> Row:
    row = blank(case, str(summary.outcome), summary.reason)
    row.update(
        ticks=summary.ticks,
        released=round(summary.released_fraction, 4),
        path_rad=round(summary.path_length_rad, 3) if math.isfinite(summary.path_length_rad) else None,
        contacts=summary.referee.contacts,
        standing=summary.referee.contacts_into_standing_arm,
        violations=summary.referee.limit_violations,
        counters=seen,
        margin_m=_rounded(summary.min_margin_m),
        refused=sum(summary.refusals.values()),
        refusals=dict(summary.refusals),
        interventions=dict(summary.interventions),
    )
    return row


def _rounded(distance_m: float | None) -> float | None:
    return None if distance_m is None else round(distance_m, 5)


def _refused_in(folder: Path) -> int:
    """Refused ticks that the trace tells of."""
    verdicts = TraceReader(folder).messages({"/verdict"})
    return sum(message.json()["decision"] == "refuse" for message in verdicts)


@cache
def _gate(cell_name: str, which: str, space: str) -> Gate | Ungated:
    """The gate of a cell. One serves every run of this process: a gate keeps no state."""
    cell = cell_of(cell_name, space)
    if which == "on":
        return build_gate(cell)
    body = _gate(cell_name, "on", space).body
    if which == "off":
        return Ungated(body, cell.gate_config())
    return TRIALS[which].doctor(cell, body)


@contextmanager
def _policies() -> Iterator[None]:
    """Let the session find the tailored policies beside the registered ones."""

    def find(name: str, context: PolicyContext) -> Policy:
        return TAILORED[name](context) if name in TAILORED else create(name, context)

    with patch.object(session, "create", find):
        yield


@contextmanager
def _listening(case: Case, stoppers: list[Stopper]) -> Iterator[None]:
    """In the runs of the families the referee also hears what is sent and not finite: no driver takes it.

    In those of the stops somebody stops the arm now and then.
    """

    def stopped_rig(*arguments: Any, **options: Any) -> Rig:
        rig = build_rig(*arguments, **options)
        stoppers.append(Stopper(rig, case.seed))
        return rig

    rigs = {"families": _tapped_rig, "stops": stopped_rig}
    with ExitStack() as stack:
        if case.table in rigs:
            stack.enter_context(patch.object(session, "build_rig", rigs[case.table]))
        yield


def _tapped_rig(*arguments: Any, **options: Any) -> Rig:
    rig = build_rig(*arguments, **options)
    write = rig.world.driver.write

    def tapped(command: GuardedCommand) -> None:
        if not (np.isfinite(command.start).all() and np.isfinite(command.end).all()):
            rig.referee.command(command.stamp_ns, command.start, command.end)
        write(command)

    rig.world.driver.write = tapped
    return rig
