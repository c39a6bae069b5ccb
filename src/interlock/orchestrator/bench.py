"""What this host can do: the tick, the gate against a raw solve, real time, the learned policy."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from interlock.errors import BadInputError
from interlock.guards.cross_check import SampleProgram
from interlock.guards.gate import Gate
from interlock.guards.verdict import Rung
from interlock.hal.arrays import FloatArray
from interlock.orchestrator.bench_clutter import Clutter, Spent, measure, measure_chunks
from interlock.orchestrator.bench_peer import PEER, ask_peer
from interlock.orchestrator.bench_policy import measure_policy
from interlock.orchestrator.bench_run import BenchRun, bench_run
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.clock import RealTimeClock
from interlock.orchestrator.gate_maker import build_gate
from interlock.orchestrator.gate_timing import PARTS, GateStopwatch
from interlock.orchestrator.nearest import nearest

__all__ = ["BENCHMARKS", "PEER", "run"]

Times = Sequence[float] | FloatArray
"""Times in one unit."""

_CELL = "panda_tabletop"
_TICKS = 800
_REAL_TICKS = 1000
_DECISIONS = 400
_OBSTACLES = 25
_CHUNKS, _CHUNK_OBSTACLES, _STEPS = 150, 50, (16, 50)
_CURVE = (5, 25, 75, 240)  # obstacles


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What benchmarks take: an interpreter that has cbfpy, and a checkpoint or None for random weights."""

    peer: Path
    checkpoint: Path | None


def run(name: str | None = None, peer: Path = PEER, checkpoint: Path | None = None) -> dict[str, Any]:
    """Run one benchmark, or all; times in microseconds of process CPU time unless a key says otherwise.

    Args:
        name: which one; None: all.
        peer: the interpreter of an environment that has cbfpy, for `gate`.
        checkpoint: folder of the weights for `policy`; None: random ones.

    Raises:
        BadInputError: if there is no such benchmark, or no such checkpoint.
    """
    if name is not None and name not in BENCHMARKS:
        raise BadInputError(
            "there is no such benchmark", field="name", value=name, mend=nearest(name, BENCHMARKS)
        )
    chosen = [name] if name is not None else list(BENCHMARKS)
    asked = _Asked(peer=peer, checkpoint=checkpoint)
    return {each: BENCHMARKS[each](asked) for each in chosen}


def _tick(_: _Asked) -> dict[str, Any]:
    """The tick's parts under the expert and under a reckless policy, against the control period."""
    period_us = Cell.load(_CELL).period_s * 1e6
    answer: dict[str, Any] = {"ticks": _TICKS, "period_us": period_us}
    for policy in ("scripted", "reckless"):
        seen, watch = _watched(policy)
        parts = {part: np.array([r.part_us[part] for r in seen.reports]) for part in seen.reports[0].part_us}
        total = np.sum(list(parts.values()), axis=0)
        answer[policy] = {f"{part}_us": _figures(times) for part, times in parts.items()}
        answer[policy] |= _inside(watch)
        answer[policy]["tick_us"] = _figures(total)
        answer[policy]["tick_p99_to_period_ratio"] = round(float(np.percentile(total, 99)) / period_us, 4)
    return answer


def _chunk(_: _Asked) -> dict[str, Any]:
    """Judging whole chunks of 16 and 50 steps among 50 obstacles: all, and those that were changed."""
    answer: dict[str, Any] = {"obstacles": _CHUNK_OBSTACLES}
    for steps in _STEPS:
        seen = measure_chunks(Clutter(Cell.load(_CELL), _CHUNK_OBSTACLES), _CHUNKS, steps)
        changed = [us for rung, us in seen if rung in (Rung.PROJECTED, Rung.SLOWED)]
        figures = {"preview_us": _figures([us for _, us in seen])}
        if changed:
            figures["changed_us"] = _figures(changed)
        answer[f"{steps}_steps"] = figures
        answer[f"{steps}_steps_changed_share"] = round(len(changed) / len(seen), 3)
    return answer


def _gate(asked: _Asked) -> dict[str, Any]:
    """One decision among 25 obstacles, its parts, a raw solve with the rows of all pairs, and cbfpy's."""
    spent = measure(Clutter(Cell.load(_CELL), _OBSTACLES), _DECISIONS)
    projector, raw = [s.projector for s in spent], [s.raw_solve for s in spent]
    return {
        "decisions": len(spent),
        "obstacles": _OBSTACLES,
        "rows": spent[0].pairs,
        "raw_solve_us": _figures(raw),
        "projector_us": _figures(projector),
        "verifier_us": _figures([s.verifier for s in spent]),
        "gate_us": _figures([s.gate for s in spent]),
        "projector_to_raw_solve_ratio": _ratio(projector, raw),
        **_beside_cbfpy(spent, asked.peer),
    }


def _beside_cbfpy(spent: Sequence[Spent], peer: Path) -> dict[str, Any]:
    """The same rows and the same objective, given to cbfpy and to the projector's program."""
    told = ask_peer([s.program for s in spent], peer)
    if isinstance(told, str):
        return {"cbfpy_ratio": None, "cbfpy": {"missing": told}}
    ours, answers = [s.given_rows for s in spent], np.array([s.answer for s in spent])

    def difference(theirs: FloatArray) -> float:
        return float(f"{np.nanmax(np.abs(theirs - answers)):.3g}")

    return {
        "cbfpy_ratio": _ratios(told.filter_us, ours),
        "cbfpy": {
            "version": told.version,
            "tolerance": told.tolerance,
            "ours_us": _figures(ours),
            "filter_us": _figures(told.filter_us),
            "filter_to_projector_ratio": _ratios(told.filter_us, [s.projector for s in spent]),
            "largest_difference": difference(told.filter_x),
            "largest_difference_when_tight": difference(told.tight_x),
            "solve_us": _figures(told.solve_us),
            "solve_to_raw_solve_ratio": _ratios(told.solve_us, [s.raw_solve for s in spent]),
            "elastiqp_us": _figures(told.elastiqp_us),
            "elastiqp_ratio": _ratios(told.elastiqp_us, ours),
            "elastiqp_largest_difference": difference(told.elastiqp_x),
        },
    }


def _growth(_: _Asked) -> dict[str, Any]:
    """What a decision costs as the number of pairs grows, and the growth for ten times as many."""
    cell, curve = Cell.load(_CELL), []
    answer: dict[str, Any] = {}
    for count in _CURVE:
        spent = measure(Clutter(cell, count), max(1, _DECISIONS // 3))
        answer[f"{spent[0].pairs}_pairs_us"] = _figures([s.gate for s in spent])
        curve.append((spent[0].pairs, float(np.median([s.gate for s in spent]))))
    (few, fast), (many, slow) = curve[0], curve[-1]
    answer["pairs_ratio"] = round(many / few, 2)
    answer["gate_ratio"] = round(slow / fast, 2)
    return answer


def _program(_: _Asked) -> dict[str, Any]:
    """The gate under a reckless policy, against the programs it solved there: raw, mapped, and by CVXPY."""
    seen, watch = _watched("reckless")
    rows = [len(values[4]) for values in watch.programs]
    sample = SampleProgram(len(watch.programs[0][0]), max(rows))
    raw = _timed(lambda qp: sample.program.solve_matrices(*qp), [*map(sample.assembled, watch.programs)])
    mapped = _timed(sample.ours, watch.programs)
    solved = _timed(sample.usual, watch.programs[:60])
    gate = [report.part_us["gate"] for report in seen.reports]
    return {
        "programs": len(watch.programs),
        "rows": _figures(rows),
        "gate_us": _figures(gate),
        **_inside(watch),
        "raw_solve_us": _figures(raw),
        "map_and_solve_us": _figures(mapped),
        "cvxpy_solve_us": _figures(solved),
        "gate_to_raw_solve_ratio": _ratio(gate, raw),
        "cvxpy_to_map_and_solve_ratio": _ratio(solved, mapped),
    }


def _realtime(_: _Asked) -> dict[str, Any]:
    """Ten seconds paced by this machine's clock, cameras off: is the control rate held?"""
    cell = Cell.load(_CELL)
    began_ns = time.monotonic_ns()
    seen = bench_run(cell, "scripted", _REAL_TICKS, real_time=True)
    clock = seen.rig.clock
    if not isinstance(clock, RealTimeClock):
        raise TypeError("a run in real time has a real clock")
    return {
        "wanted_hz": 1.0 / cell.period_s,
        "achieved_hz": round(clock.achieved_hz, 3),
        "ticks": clock.ticks,
        "late_by_over_a_period": clock.late_ticks,
        "lateness_us": _figures(np.array(seen.late_ns) * 1e-3),
        "worst_lateness_us": round(clock.worst_ns * 1e-3, 1),
        "wall_s": round((time.monotonic_ns() - began_ns) * 1e-9, 2),
    }


def _policy(asked: _Asked) -> dict[str, Any]:
    """The learned policy; its times are milliseconds."""
    return measure_policy(asked.checkpoint)


BENCHMARKS: dict[str, Callable[[_Asked], dict[str, Any]]] = {
    "tick": _tick,
    "gate": _gate,
    "chunk": _chunk,
    "growth": _growth,
    "program": _program,
    "realtime": _realtime,
    "policy": _policy,
}


def _watched(policy: str) -> tuple[BenchRun, GateStopwatch]:
    """A run with a stopwatch in its gate, both without the ticks that warm up."""
    watches: list[GateStopwatch] = []

    def make_gate(cell: Cell) -> Gate:
        gate = build_gate(cell)
        watches.append(GateStopwatch(gate))
        return gate

    seen = bench_run(
        Cell.load(_CELL), policy, _TICKS, make_gate=make_gate, warmed_up=lambda: watches[0].restart()
    )
    return seen, watches[0]


def _inside(watch: GateStopwatch) -> dict[str, Any]:
    """Each part of the gate over the ticks that asked it, and their share of all ticks."""
    answer = {}
    for part in PARTS:
        times = [spent[part] for spent in watch.decisions if part in spent]
        share = len(times) / max(len(watch.decisions), 1)
        answer[f"gate_{part}_us"] = _figures(times or [0.0]) | {"in_ticks": round(share, 3)}
    return answer


def _timed(call: Callable[[Any], object], inputs: Sequence[Any]) -> FloatArray:
    """Process CPU time of each call, [us]; the first tenth warms up and does not count."""
    times = []
    for each in inputs:
        before = time.process_time_ns()
        call(each)
        times.append((time.process_time_ns() - before) * 1e-3)
    return np.array(times[len(times) // 10 :])


def _figures(times: Times) -> dict[str, float]:
    return {"median": round(float(np.median(times)), 1), "p99": round(float(np.percentile(times, 99)), 1)}


def _ratios(one: Times, other: Times) -> dict[str, float]:
    """How many times as long `one` takes, at the median and at the 99th percentile."""
    return {
        "median": round(float(np.median(one) / np.median(other)), 2),
        "p99": round(float(np.percentile(one, 99) / np.percentile(other, 99)), 2),
    }


def _ratio(one: Times, other: Times) -> float:
    return round(float(np.median(one) / np.median(other)), 2)
