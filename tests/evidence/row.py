"""One run as one row of a table: plain values, ready for JSON."""

from __future__ import annotations

from typing import Any

from cases import Case

__all__ = ["Row", "blank"]

Row = dict[str, Any]
"""Fields: see `blank`.

`released` is the share of ticks in which a proposal was released, `path_rad` the path of all joints as
commanded, `contacts` the episodes that began while the arm moved, `standing` those that began while it
stood, `violations` the sum of the referee's other counters, `counters` all of its counters that are not 0,
`margin_m` the smallest distance margin of anything released, `refused` the refused ticks, `refused_in_trace`
those of them that the trace tells of.
"""

_REASON = 90  # characters kept of a reason


def blank(case: Case, outcome: str, reason: str = "") -> Row:
    """The row of a case in which nothing moved; `outcome` may also be "error"."""
    flat = " ".join(reason.split())
    return {
        "key": case.key,
        "kind": case.kind,
        "cell": case.cell,
        "seed": case.seed,
        "outcome": outcome,
        "ticks": 0,
        "released": 0.0,
        "path_rad": 0.0,
        "contacts": 0,
        "standing": 0,
        "violations": 0,
        "counters": {},
        "margin_m": None,
        "refused": 0,
        "refused_in_trace": 0,
        "reason": flat if len(flat) <= _REASON else flat[: _REASON - 1] + "…",
        "wall_s": 0.0,
    }
