"""One run, or one shard of a search, as one row of a table: plain values, ready for JSON."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from cases import PLAYED, Case

__all__ = ["EXTRA", "FIGURES", "Row", "blank", "figures_of"]

Row = dict[str, Any]
"""Fields: key, kind, cell, seed, outcome, those of `figures_of`, reason and wall_s.

Of a run: `released` is the share of ticks in which a proposal was released, `path_rad` the path of all joints
as commanded, `contacts` the episodes that began while the arm moved, `standing` those that began while it
stood, `violations` the sum of the referee's other counters, `counters` all of its counters that are not 0,
`margin_m` the smallest distance margin of anything released, `refused` the refused ticks, `refused_in_trace`
those of them that the trace tells of. In some tables also: `space` the action space, `nearest_m` the smallest
distance that the referee saw, what runs into a standing arm included; `stops` the predicted and the measured
way of each stop, [rad]; `on_outcome` and `on_ticks` of the same episode with the gate on.

Of a search: `asked` the triples, `released` those in which something was released, `acted` those in which it
was not what was proposed, `samples` the configurations looked at, `least_mm` the least distance left between
hulls after all that an obstacle may do, `near` the releases that left less than 1 cm, `violations` and
`limits` the releases that came too near or exceeded a limit, `unsteady` the triples answered otherwise when
asked again or when what was released was proposed, `mesh_checks` the releases judged on the meshes too,
`mesh_contacts` those in which these met something.

Of retreats: `starts`; `retreated` those that began to retreat, `recovered` those that ended with every margin
whole, `shrinking` ticks in which a broken distance shrank, `too_fast` retreats faster than they may be,
`moved` the pinched starts from which anything was released.

Of replays: `decisions` asked again in another process, `same` those answered alike bit for bit, `not_asked`
the ticks in which the gate had not been asked.
"""

_SEARCHED = ("asked", "released", "acted", "samples", "least_mm", "near", "violations", "limits")
FIGURES: dict[str, tuple[str, ...]] = {
    "released": (*_SEARCHED, "unsteady", "mesh_checks", "mesh_contacts"),
    "lying": _SEARCHED,
    "retreats": ("starts", "retreated", "recovered", "shrinking", "too_fast", "moved", "ticks"),
    "replay": ("ticks", "refused", "decisions", "same", "not_asked"),
}
"""What a row of a table that is no run in the simulator counts, in this order."""

EXTRA: dict[str, dict[str, Any]] = {
    "families": {"gate": ""},
    "gate_cost": {"on_outcome": "", "on_ticks": 0},
    "million": {"space": "", "nearest_m": None},
    "stops": {"stops": []},
}
"""What a row of some tables of runs tells beside the rest, before anything has happened."""

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
        **figures_of(case.table),
        **({name: getattr(case, name) for name in ("gate", "space") if name in EXTRA.get(case.table, {})}),
        "reason": flat if len(flat) <= _REASON else flat[: _REASON - 1] + "…",
        "wall_s": 0.0,
    }


def figures_of(table: str) -> dict[str, Any]:
    """What a row of this table tells in numbers, before anything has happened."""
    if table not in PLAYED:
        return {name: None if name == "least_mm" else 0 for name in FIGURES[table]}
    return {
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
        **deepcopy(EXTRA.get(table, {})),
    }
