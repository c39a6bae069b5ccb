"""What this host needs for a tick, and how late it wakes up."""

from __future__ import annotations

import time

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.orchestrator.bench_run import bench_run
from interlock.orchestrator.cell import Cell

__all__ = ["sleep_lateness_us", "tick_parts_us"]


def tick_parts_us(cell: Cell, ticks: int, policy: str = "scripted") -> dict[str, FloatArray]:
    """Process CPU time of each part of `ticks` ticks, physics apart, each shape (ticks,), [us]."""
    reports = bench_run(cell, policy, ticks).reports
    return {part: np.array([r.part_us[part] for r in reports]) for part in reports[0].part_us}


def sleep_lateness_us(period_s: float, wakes: int) -> FloatArray:
    """How late the process wakes from a sleep to the next period, shape (wakes,), [us]."""
    period_ns = round(period_s * 1e9)
    due = time.monotonic_ns() + period_ns
    late = []
    for _ in range(wakes):
        left = due - time.monotonic_ns()
        if left > 0:
            time.sleep(left * 1e-9)
        late.append(max(0, time.monotonic_ns() - due) * 1e-3)
        due = max(due + period_ns, time.monotonic_ns())
    return np.array(late)
