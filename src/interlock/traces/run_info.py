"""What a run is, said once at its start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from interlock.guards.config import GateConfig
from interlock.hal.robot import RobotSpec

__all__ = ["RunInfo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """Everything a reader of the trace must know before the first tick.

    Attributes:
        goal: the goal in words, as the operator typed it (hostile text included).
        cell: name of the cell.
        policy: name of the policy.
        seed: the run's seed.
        robot: the body and its limits.
        period_s: control period, [s].
        real_time: whether the clock is real; in real time a full queue drops, in lockstep nothing is lost.
        start_ns: monotonic time at which the run begins, [ns]; zero of the report's time axis.
        gate: margins and deadlines of the gate, or None.
        cell_text: the cell's file as it was read, or ""; without it a replay has to be given one.
        versions: package name to version, for re-execution.
        started_at: wall-clock time as ISO 8601 text, or ""; kept out of every hash.
    """

    goal: str
    cell: str
    policy: str
    seed: int
    robot: RobotSpec
    period_s: float
    real_time: bool = False
    start_ns: int = 0
    gate: GateConfig | None = None
    cell_text: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    started_at: str = ""
