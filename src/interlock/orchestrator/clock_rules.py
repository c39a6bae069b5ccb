"""What must hold between the rates, deadlines and time limits of a cell."""

from __future__ import annotations

from interlock.errors import CellError
from interlock.orchestrator.cell_schema import CellFile

__all__ = ["check_clocks"]

_SECOND_NS = 1_000_000_000


def check_clocks(file: CellFile) -> None:
    """Return if every rule holds.

    Raises:
        CellError: at the first rule that does not hold, with the field, the value and the mend.
    """
    rates, guards, times = file.rates, file.guards, file.times
    period_s = 1.0 / rates.control_hz
    if _SECOND_NS % rates.control_hz:
        raise CellError(
            "a tick is not a whole number of nanoseconds",
            field="rates.control_hz",
            value=rates.control_hz,
            mend="Give a rate that divides 1 000 000 000, such as 100, 125, 200, 250 or 500.",
        )
    reach_s = rates.horizon / rates.chunk_rate_hz
    if not period_s <= rates.replan_s <= reach_s:
        raise CellError(
            "a new chunk is asked for more often than once a tick, or later than the last one reaches",
            field="rates.replan_s",
            value=rates.replan_s,
            mend=f"Give between {period_s} and {reach_s} s.",
        )
    deadlines = {
        "chunk_deadline_s": (guards.chunk_deadline_s, rates.replan_s),
        "state_deadline_s": (guards.state_deadline_s, period_s),
        "scene_deadline_s": (guards.scene_deadline_s, period_s),
    }
    for key, (deadline_s, shortest_s) in deadlines.items():
        if deadline_s < shortest_s:
            raise CellError(
                "everything would be too old on arrival",
                field=f"guards.{key}",
                value=deadline_s,
                mend=f"Give at least {shortest_s} s.",
            )
    if not times.stuck_after_s <= times.max_task_s <= times.max_run_s:
        raise CellError(
            "a task may not be stuck longer than it may last, nor last longer than the run",
            field="times.max_task_s",
            value=times.max_task_s,
            mend=f"Give between stuck_after_s, {times.stuck_after_s}, and max_run_s, {times.max_run_s}.",
        )
