"""Runs of today against the committed rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cases import PLAYED, Case
from ledger import fingerprint, source_digest
from row import FIGURES, Row

__all__ = ["differences"]

ALWAYS = ("outcome", "contacts", "violations")
"""Compared everywhere; elsewhere than on the table's own machine a count is only compared as none or some."""
ALWAYS_SEARCHED = {
    "released": ("violations", "limits", "unsteady", "mesh_contacts"),
    "lying": ("violations", "limits"),
    "retreats": ("retreated", "recovered", "shrinking", "too_fast", "moved"),
    "replay": ("decisions",),
}
"""The same of the tables that are no runs in the simulator, beside their outcome."""
SAME_MACHINE = ("ticks", "released", "path_rad", "standing", "margin_m", "counters", "refused")
"""Compared only where processor, sources and numeric packages are those of the committed table."""
ALSO = {"million": ("nearest_m",), "stops": ("stops",)}
"""The same of what only the rows of one table tell."""


def differences(played: Sequence[tuple[Case, Row]], content: dict[str, Any]) -> list[str]:
    """One line for each field that differs from the committed table, named by case."""
    table = content["table"]
    same = content["fingerprint"] == fingerprint() and content["sources"] == source_digest(table)
    always = ALWAYS if table in PLAYED else ("outcome", *ALWAYS_SEARCHED[table])
    more = (*SAME_MACHINE, *ALSO.get(table, ())) if table in PLAYED else FIGURES[table]
    names = [name for name in ("kind", "cell", "seed", "gate") if name in content["columns"]]
    committed = {tuple(row[name] for name in names): row for row in content["rows"]}
    lines = []
    for case, row in played:
        was = committed.get(tuple(getattr(case, name) for name in names))
        if was is None:
            lines.append(f"{case.table} {case.key}: not in the committed table")
            continue
        for field in dict.fromkeys((*always, *more)) if same else always:
            alike = row[field] == was[field] if same else _rough(row[field]) == _rough(was[field])
            if not alike:
                why = f" ({row['reason']})" if field == "outcome" and row["reason"] else ""
                lines.append(
                    f"{case.table} {case.key}: {field} was {was[field]!r} and is {row[field]!r}{why}"
                )
    return lines


def _rough(value: object) -> object:
    """Counts go by the last bit of floating-point numbers, which differs between processors."""
    return bool(value) if isinstance(value, int) else value
