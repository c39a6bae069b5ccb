"""The committed tables as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from cases import CELLS, GOALS, PLAYED, STOPPED, TABLES, cases_of
from claims import claims
from family_off import TRIALS
from gate_cost import MOST as MOST_TIME
from gate_cost import CostFigures
from ledger import COMMITTED, read_table, table_path, wilson
from row import FIGURES, Row
from stops import LONG_RAD, MOST, StopFigures

__all__ = ["print_tables", "text_of"]

_TITLES = {
    "expert": "The expert under the gate: 5 goals, 20 seeds, 2 cells",
    "hostile": "Hostile policies under the gate, 10 simulated seconds each",
    "gate_off": "The same policies with the gate off (a fixture of the tests alone)",
    "families": "Each guard family off alone: does the referee's own counter trip?",
    "gate_cost": "The expert's episodes with the gate off, and what becomes of them with the gate on",
    "stops": "Stops at random moments of motion: the way predicted by the certificate, and the one measured",
    "million": "A million ticks under hostile policies: four robots, four action spaces, a moving obstacle",
    "released": "Random triples of state, proposal and scene: is what is released clear, on coal's hulls?",
    "lying": "The same search with a solver that lies",
    "retreats": "Starts from a broken margin: with a way out, and pinched",
    "replay": "Recorded decisions made again by another process",
}
_HEAD = (
    "runs",
    "achieved",
    "contacts",
    "into standing arm",
    "ticks pushed",
    "violations",
    "released med/min",
    "path rad med/min",
)


def print_tables(only: str | None = None, folder: Path = COMMITTED) -> bool:
    """Print one table or all; False if one is not there."""
    complete = True
    for table in [only] if only else TABLES:
        content = read_table(table, folder)
        if content is None:
            print(f"{table_path(table, folder)} is not there yet: `make evidence` makes it.\n")
            complete = False
        else:
            print(text_of(table, content) + "\n")
    return complete


def text_of(table: str, content: dict[str, Any]) -> str:
    """One table with its totals and claims."""
    rows: list[Row] = content["rows"]
    commit = content["commit"] or "none"
    lines = [_TITLES[table], f"commit {commit[:12]}, {content['fingerprint']['cpu']}", ""]
    if table not in PLAYED:
        lines += _sum_lines(table, rows)
    else:
        special = {"families": _family_lines, "gate_cost": _cost_lines, "stops": _stop_lines}
        lines += special[table](rows) if table in special else _kind_lines(table, rows)
    if table in ("expert", "hostile", "million"):
        totals = content["totals"].items()
        lines += [_in_traces(cell, total) for cell, total in totals if "refused_ticks" in total]
    lines.append("")
    for claim in claims(table, rows):
        lines.append(f"  {'holds' if claim.holds else 'FAILS'}  {claim.text}")
        lines += [f"           {line}" for line in claim.against]
    return "\n".join(lines)


def _in_traces(cell: str, total: dict[str, Any]) -> str:
    refused, told = total["refused_ticks"], total["refused_ticks_in_traces"]
    return f"{cell}: {refused} ticks refused, {told} of them found in the traces"


def _kind_lines(table: str, rows: Sequence[Row]) -> list[str]:
    kinds = list(dict.fromkeys(case.kind for case in cases_of(table)))
    grid = [("cell", "goal" if table == "expert" else "policy", *_HEAD)]
    for cell in dict.fromkeys(case.cell for case in cases_of(table)):
        here = [row for row in rows if row["cell"] == cell]
        groups = [(kind, [row for row in here if row["kind"] == kind]) for kind in kinds]
        if table == "million":
            spaces = dict.fromkeys(row["space"] for row in here)
            groups += [
                (f"all in {space}", [row for row in here if row["space"] == space]) for space in spaces
            ]
        grid += [(cell, name, *_summary(mine)) for name, mine in (*groups, ("all", here)) if mine]
    lines = _aligned(grid)
    if table == "expert":
        for cell in CELLS:
            mine = [row for row in rows if row["cell"] == cell]
            low, high = wilson(sum(row["outcome"] == "achieved" for row in mine), len(mine))
            lines.append(f"{cell}: success {low:.1%} to {high:.1%} (Wilson, 95 %)")
        lines += [f"{kind}: {goal}" for kind, goal in GOALS.items()]
    return lines


def _sum_lines(table: str, rows: Sequence[Row]) -> list[str]:
    """A line for each kind and robot: what its rows count together, and the least of their distances."""
    names = FIGURES[table]
    grid = [("kind", "robot", "rows", *(name.replace("_", " ") for name in names))]
    for kind in dict.fromkeys(case.kind for case in cases_of(table)):
        for cell in dict.fromkeys(case.cell for case in cases_of(table)):
            mine = [row for row in rows if (row["kind"], row["cell"]) == (kind, cell)]
            if mine:
                grid.append((kind, cell, str(len(mine)), *(_summed(mine, name) for name in names)))
    return _aligned(grid)


def _summed(rows: Sequence[Row], name: str) -> str:
    known = [row[name] for row in rows if row[name] is not None]
    if name == "least_mm":
        return f"{min(known):.3f}" if known else "-"
    return str(sum(known))


def _summary(rows: Sequence[Row]) -> tuple[str, ...]:
    paths = [row["path_rad"] for row in rows if row["path_rad"] is not None]
    released = [row["released"] for row in rows]
    hit = sum(bool(row["contacts"]) for row in rows)
    contacts = sum(row["contacts"] for row in rows)
    return (
        str(len(rows)),
        str(sum(row["outcome"] == "achieved" for row in rows)),
        f"{contacts} in {hit} runs" if contacts else "0",
        str(sum(row["standing"] for row in rows)),
        str(sum(row["counters"].get("pushed", 0) for row in rows)),
        str(sum(row["violations"] for row in rows)),
        f"{median(released):.1%} / {min(released):.1%}",
        f"{median(paths):.2f} / {min(paths):.2f}" if paths else "-",
    )


def _cost_lines(rows: Sequence[Row]) -> list[str]:
    shares = ("least", "5 %", "median", "95 %", "largest", f"over {MOST_TIME}")
    grid = [("cell", "goal", "runs", "free with gate off", "succeed with gate on", "time in all", *shares)]
    for cell in CELLS:
        here = [row for row in rows if row["cell"] == cell]
        groups = [(goal, [row for row in here if row["kind"] == goal]) for goal in GOALS]
        for name, mine in (*groups, ("all", here)):
            if mine:
                found = CostFigures.of(mine)
                counts = len(mine), len(found.free), len(found.free) - len(found.lost)
                times = (f"{ratio:.3f}" for ratio in (found.total, *found.ratios))
                grid.append((cell, name, *map(str, counts), *times, str(found.above)))
    return _aligned(grid)


def _stop_lines(rows: Sequence[Row]) -> list[str]:
    head = ("runs", "stops", "median way rad", "predicted short", "least left rad")
    ratios = ("ratio median", "ratio 95 %", "ratio largest", f"at most {MOST}")
    grid = [("cell", "policy", *head, *ratios, f"stops over {LONG_RAD} rad", f"of them at most {MOST}")]
    for cell in CELLS:
        here = [row for row in rows if row["cell"] == cell]
        groups = [(kind, [row for row in here if row["kind"] == kind]) for kind in STOPPED]
        for name, mine in (*groups, ("all", here)):
            found = StopFigures.of(mine)
            if found is not None:
                grid.append((cell, name, str(len(mine)), *_stop_figures(found)))
    return _aligned(grid)


def _stop_figures(found: StopFigures) -> tuple[str, ...]:
    return (
        str(found.stops),
        f"{found.median_rad:.4f}",
        str(found.short),
        f"{found.least_left_rad:.1e}",
        *(f"{ratio:.3f}" for ratio in found.ratios),
        f"{found.within:.1%}",
        str(found.long),
        f"{found.long_within:.1%}",
    )


def _family_lines(rows: Sequence[Row]) -> list[str]:
    grid = [("family", "counter", "policy", "cell", "runs", "tripped, family off", "tripped, whole gate")]
    for trial in TRIALS.values():
        for cell in trial.cells:
            mine = [row for row in rows if row["kind"] == trial.name and row["cell"] == cell]
            off = [row for row in mine if row["gate"] != "on"]
            on = [row for row in mine if row["gate"] == "on"]
            trips = [sum(bool(row["counters"].get(trial.counter)) for row in some) for some in (off, on)]
            grid.append(
                (trial.name, trial.counter, trial.policy, cell, str(len(off)), str(trips[0]), str(trips[1]))
            )
    return _aligned(grid)


def _aligned(grid: Iterable[tuple[str, ...]]) -> list[str]:
    lines = list(grid)
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
