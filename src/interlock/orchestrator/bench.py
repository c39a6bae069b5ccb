"""What this host can do: the tick and its parts, the gate against a raw solve, and real time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from interlock.errors import BadInputError
from interlock.guards.cross_check import SampleProgram
from interlock.hal.arrays import FloatArray
from interlock.orchestrator.bench_run import bench_run
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.clock import RealTimeClock
from interlock.orchestrator.gate_timing import gate_parts
from interlock.orchestrator.nearest import nearest

__all__ = ["BENCHMARKS", "run"]

_CELL = "panda_tabletop"
_TICKS = 800
_REAL_TICKS = 1000


def run(name: str | None = None) -> dict[str, Any]:
    """Run one benchmark, or all; times in microseconds of process CPU time unless a key says otherwise.

    Raises:
        BadInputError: if there is no such benchmark.
    """
    if name is not None and name not in BENCHMARKS:
        raise BadInputError(
            "there is no such benchmark", field="name", value=name, mend=nearest(name, BENCHMARKS)
        )
    chosen = [name] if name is not None else list(BENCHMARKS)
    return {each: BENCHMARKS[each]() for each in chosen}


def _tick() -> dict[str, Any]:
    """The tick's parts under the expert and under a reckless policy, against the control period."""
    cell = Cell.load(_CELL)
    answer: dict[str, Any] = {"ticks": _TICKS, "period_us": cell.period_s * 1e6}
    for policy in ("scripted", "reckless"):
        reports = bench_run(cell, policy, _TICKS).reports
        parts = {part: np.array([r.part_us[part] for r in reports]) for part in reports[0].part_us}
        total = np.sum(list(parts.values()), axis=0)
        answer[policy] = {f"{part}_us": _figures(values) for part, values in parts.items()}
        answer[policy]["tick_us"] = _figures(total)
        answer[policy]["tick_to_period_ratio"] = round(
            float(np.percentile(total, 99)) / answer["period_us"], 4
        )
    return answer


def _gate() -> dict[str, Any]:
    """The gate's parts on recorded ticks, against a raw DAQP solve and CVXPY's own `solve()`, in one run."""
    parts = {name: np.array(values) for name, values in gate_parts(Cell.load(_CELL)).items()}
    sample = SampleProgram()
    generator = np.random.default_rng(1)
    values = [sample.draw(generator) for _ in range(60)]
    mapped = _timed(sample.ours, values * 5)
    solved = _timed(sample.reference, values[:30])
    raw = _timed(
        lambda matrices: sample.program.solve_matrices(*matrices),
        [sample.program.matrices(v) for v in values * 5],
    )
    answer: dict[str, Any] = {f"{name}_us": _figures(times) for name, times in parts.items()}
    answer |= {
        "raw_solve_us": _figures(raw),
        "map_and_solve_us": _figures(mapped),
        "cvxpy_solve_us": _figures(solved),
        "gate_to_raw_solve_ratio": round(float(np.median(parts["gate"]) / np.median(raw)), 2),
        "cvxpy_to_map_and_solve_ratio": round(float(np.median(solved) / np.median(mapped)), 2),
    }
    return answer


def _realtime() -> dict[str, Any]:
    """Ten seconds paced by this machine's clock, cameras off: is the control rate held?"""
    cell = Cell.load(_CELL)
    began = time.monotonic()
    clock = bench_run(cell, "scripted", _REAL_TICKS, real_time=True).rig.clock
    if not isinstance(clock, RealTimeClock):
        raise TypeError("a run in real time has a real clock")
    return {
        "wanted_hz": 1.0 / cell.period_s,
        "achieved_hz": round(clock.achieved_hz, 3),
        "ticks": clock.ticks,
        "late_by_over_a_period": clock.late_ticks,
        "worst_lateness_ms": round(clock.worst_ns * 1e-6, 3),
        "wall_s": round(time.monotonic() - began, 2),
    }


BENCHMARKS: dict[str, Callable[[], dict[str, Any]]] = {"tick": _tick, "gate": _gate, "realtime": _realtime}


def _timed(call: Callable[[Any], object], inputs: list[Any]) -> FloatArray:
    """Process CPU time of each call, [us]; the first tenth warms up and does not count."""
    times = []
    for each in inputs:
        before = time.process_time_ns()
        call(each)
        times.append((time.process_time_ns() - before) * 1e-3)
    return np.array(times[len(times) // 10 :])


def _figures(times: FloatArray) -> dict[str, float]:
    return {"median": round(float(np.median(times)), 1), "p99": round(float(np.percentile(times, 99)), 1)}
