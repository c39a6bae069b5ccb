"""The plan as a drawing: one box per task, arrows for what must come before."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from interlock.traces.show import printable

__all__ = ["task_graph"]

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _EDGE = 196, 66, 48, 18, 2
_STATES = {"done": "done", "last": "last in work", "not reached": "not reached"}


def task_graph(plan: Mapping[str, Any], worked: Sequence[str], achieved: bool) -> str:
    """SVG of the plan.

    Args:
        plan: the plan's record.
        worked: ids of the tasks that were begun, in order.
        achieved: whether the goal was achieved, so that the last task begun is done too.
    """
    tasks: Sequence[Mapping[str, Any]] = plan["tasks"]
    columns = _columns(tasks)
    rows: dict[int, int] = {}
    at: dict[str, tuple[int, int]] = {}
    for task in tasks:
        column = columns[task["id"]]
        row = rows[column] = rows.get(column, -1) + 1
        at[task["id"]] = (_EDGE + column * (_WIDTH + _GAP_X), _EDGE + row * (_HEIGHT + _GAP_Y))
    wide = max((x for x, _ in at.values()), default=0) + _WIDTH + _EDGE
    high = max((y for _, y in at.values()), default=0) + _HEIGHT + _EDGE
    edges = [_arrow(at[before], at[task["id"]]) for task in tasks for before in task["after"] if before in at]
    boxes = [_box(task, at[task["id"]], _state(task["id"], worked, achieved)) for task in tasks]
    return (
        f'<svg class="graph-plan" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" role="img" '
        'aria-label="Task graph of the plan"><defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" '
        'markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" class="tip"/></marker></defs>'
        + "".join(edges)
        + "".join(boxes)
        + "</svg>"
    )


def _columns(tasks: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Longest path from a start to each task; tasks come in topological order."""
    columns: dict[str, int] = {}
    for task in tasks:
        columns[task["id"]] = max((columns.get(before, -1) + 1 for before in task["after"]), default=0)
    return columns


def _state(task: str, worked: Sequence[str], achieved: bool) -> str:
    if task not in worked:
        return "not reached"
    return "done" if achieved or task != worked[-1] else "last"


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    x0, y0 = start[0] + _WIDTH, start[1] + _HEIGHT // 2
    x1, y1 = end[0] - 2, end[1] + _HEIGHT // 2
    bend = (x0 + x1) // 2
    return f'<path class="edge" d="M{x0} {y0}C{bend} {y0} {bend} {y1} {x1} {y1}" marker-end="url(#tip)"/>'


def _box(task: Mapping[str, Any], at: tuple[int, int], state: str) -> str:
    x, y = at
    arguments = ", ".join(f"{key} {value}" for key, value in task["arguments"].items())
    title = html.escape(printable(f"{task['id']}: {task['skill']}({arguments}), {_STATES[state]}"))
    return (
        f'<g class="task {state.replace(" ", "-")}"><title>{title}</title>'
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="9"/>'
        f'<text x="{x + 14}" y="{y + 26}" class="skill">{_cut(task["skill"], 16)}</text>'
        f'<text x="{x + _WIDTH - 12}" y="{y + 26}" class="state">{_STATES[state]}</text>'
        f'<text x="{x + 14}" y="{y + 48}" class="arguments">'
        f"{_cut(', '.join(map(str, task['arguments'].values())) or '–', 26)}</text></g>"
    )


def _cut(text: object, most: int) -> str:
    shown = printable(text)
    return html.escape(shown if len(shown) <= most else shown[: most - 1] + "…")
