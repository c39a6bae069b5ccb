"""The report's plots as plain plotly figures: data, layout, and the limit drawn into each.

A colour is the name of a style-sheet variable such as "--blue"; the page resolves it, so that light, dark and
print share one figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.hal.arrays import FloatArray
from interlock.traces.decimate import peaks
from interlock.traces.lanes import lanes_figure
from interlock.traces.plot import Figure, line, numbers, plain_text, stamps
from interlock.traces.timeline import Timeline

__all__ = ["figures"]

_BUCKETS = 700
_MOST_PHASES = 150
_SERIES = ("--s1", "--s2", "--s3", "--s4", "--s5", "--s6", "--s7", "--s8")
_FAMILY_NAMES = {
    "environment": "objects",
    "self_collision": "the robot itself",
    "held_object": "held object",
    "zones": "zones",
}
_MARGIN_VIEW_MM = 300.0


def figures(timeline: Timeline) -> list[Figure]:
    """All plots, top to bottom; none if there was no tick."""
    if not len(timeline.t_s):
        return []
    made = [
        lanes_figure(timeline),
        _margins(timeline),
        _tool_speed(timeline),
        _joint_speeds(timeline),
        _joint_positions(timeline),
        _stop_time(timeline),
    ]
    drawn = [figure for figure in made if figure is not None]
    for figure in drawn[1:]:
        figure.layout["shapes"] = _phase_starts(timeline) + figure.layout.get("shapes", [])
    return drawn


def _phase_starts(timeline: Timeline) -> list[dict[str, Any]]:
    """A faint line where a phase begins, so that the eye finds it in every plot."""
    return [
        {
            "type": "line",
            "yref": "paper",
            "x0": phase.start_s,
            "x1": phase.start_s,
            "y0": 0,
            "y1": 1,
            "line": {"color": "--line", "width": 1, "dash": "dot"},
            "layer": "below",
        }
        for phase in timeline.phases[1:_MOST_PHASES]
    ]


def _series(timeline: Timeline, values: FloatArray, name: str, color: str, **more: Any) -> dict[str, Any]:
    keep = peaks(values, _BUCKETS)
    return line(stamps(timeline.t_s[keep]), numbers(values[keep], 5), name, color, **more)


def _limit(value: float, label: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A horizontal limit and its label."""
    shape = {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": value,
        "y1": value,
        "line": {"color": "--limit", "width": 1.6, "dash": "dash"},
    }
    note = {
        "xref": "paper",
        "x": 1,
        "xanchor": "right",
        "y": value,
        "yanchor": "bottom",
        "text": label,
        "showarrow": False,
        "font": {"color": "--limit", "size": 11},
    }
    return shape, note


def _forbidden(low: float, high: float) -> dict[str, Any]:
    """The region beyond a limit, tinted."""
    return {
        "type": "rect",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": low,
        "y1": high,
        "fillcolor": "--limit-tint",
        "line": {"width": 0},
        "layer": "below",
    }


def _finite(values: Sequence[FloatArray]) -> FloatArray:
    if not values:
        return np.empty(0)
    flat: FloatArray = np.concatenate([v.ravel() for v in values])
    return flat[np.isfinite(flat)]


def _margins(timeline: Timeline) -> Figure | None:
    known = {k: 1e3 * v for k, v in timeline.margins.items() if np.isfinite(v).any()}
    if not known:
        return None
    data = [
        _series(timeline, values, plain_text(_FAMILY_NAMES.get(family, family)), color, unit="mm")
        for (family, values), color in zip(known.items(), _cycle(len(known)), strict=True)
    ]
    everything = _finite(list(known.values()))
    low, high = float(everything.min()), float(everything.max())
    top = min(max(high, 20.0), _MARGIN_VIEW_MM) * 1.05
    bottom = min(low * 1.1, -0.06 * top)
    shape, note = _limit(0.0, "limit: no margin left")
    return Figure(
        name="margins",
        title="Distance left to the nearest limit",
        note="What is left to each family's limit after every inflation. Below zero would be a broken margin."
        + (f" The view ends at {_MARGIN_VIEW_MM:.0f} mm; zoom out for more." if high > top else ""),
        height=300,
        data=data,
        layout={
            "yaxis": {"title": {"text": "margin [mm]"}, "range": [bottom, top]},
            "shapes": [_forbidden(min(-1e4, 10 * bottom), 0.0), shape],
            "annotations": [note],
        },
    )


def _tool_speed(timeline: Timeline) -> Figure:
    keep = _changes(timeline.tool_limit)
    limit = line(
        stamps(timeline.t_s[keep]),
        numbers(timeline.tool_limit[keep], 5),
        "limit",
        "--limit",
        unit="m/s",
        line={"color": "--limit", "width": 1.6, "dash": "dash", "shape": "hv"},
    )
    top = max(float(np.nanmax(timeline.tool_limit)), float(np.nanmax(timeline.tool_speed, initial=0.0)))
    return Figure(
        name="tool-speed",
        title="Tool speed",
        note="Commanded tool centre point. The limit falls to 0.1 m/s while a contact is allowed.",
        height=260,
        data=[_series(timeline, timeline.tool_speed, "tool", "--s1", unit="m/s"), limit],
        layout={"yaxis": {"title": {"text": "speed [m/s]"}, "range": [0, 1.12 * top or 1.0]}},
    )


def _joint_speeds(timeline: Timeline) -> Figure:
    limits = np.array(timeline.run["robot"]["v_max"], dtype=np.float64)
    return _joints(
        timeline,
        timeline.v / limits,
        "joint-speeds",
        "Joint speeds",
        "Measured speed of each joint as a fraction of its limit.",
        "speed / limit",
    )


def _joint_positions(timeline: Timeline) -> Figure:
    low = np.array(timeline.run["robot"]["q_min"], dtype=np.float64)
    high = np.array(timeline.run["robot"]["q_max"], dtype=np.float64)
    return _joints(
        timeline,
        2.0 * (timeline.q - low) / (high - low) - 1.0,
        "joint-positions",
        "Joint positions",
        "Measured position of each joint in its range: −1 is the lower stop, +1 the upper one.",
        "position in range",
    )


def _joints(timeline: Timeline, values: FloatArray, name: str, title: str, note: str, axis: str) -> Figure:
    joints = timeline.run["robot"]["joints"]
    data = [
        _series(timeline, values[:, i], plain_text(_short(joint, joints)), color)
        for i, (joint, color) in enumerate(zip(joints, _cycle(len(joints)), strict=True))
    ]
    reach = max(1.0, float(np.max(np.abs(_finite([values])), initial=0.0)))
    upper, upper_note = _limit(1.0, "limit")
    lower, _ = _limit(-1.0, "")
    return Figure(
        name=name,
        title=title,
        note=note,
        height=280,
        data=data,
        layout={
            "yaxis": {"title": {"text": axis}, "range": [-1.12 * reach, 1.18 * reach]},
            "shapes": [_forbidden(1.0, 1e3), _forbidden(-1e3, -1.0), upper, lower],
            "annotations": [upper_note],
        },
    )


def _stop_time(timeline: Timeline) -> Figure | None:
    if not np.isfinite(timeline.stop_time).any():
        return None
    top = float(np.nanmax(timeline.stop_time))
    return Figure(
        name="stop-time",
        title="Time to standstill of the stop in hand",
        note="Every released tick carries a verified stop; this is how long it would take. "
        "Gaps are ticks in which the stop itself was playing.",
        height=220,
        data=[_series(timeline, timeline.stop_time, "stop time", "--s3", unit="s")],
        layout={"yaxis": {"title": {"text": "time [s]"}, "range": [0, 1.15 * top or 1.0]}},
    )


def _changes(values: FloatArray) -> NDArray[np.intp]:
    """Indices at which a piecewise constant series changes, the ends included."""
    inner = np.flatnonzero(np.diff(values) != 0.0) + 1
    return np.unique(np.concatenate([[0], inner, [len(values) - 1]])).astype(np.intp)


def _cycle(count: int) -> list[str]:
    return [_SERIES[i % len(_SERIES)] for i in range(count)]


def _short(joint: str, joints: Sequence[str]) -> str:
    """A joint's name without what all names share: panda_joint3 is joint3."""
    if len(joints) < 2:
        return joint
    shared = 0
    for letters in zip(*joints, strict=False):
        if len(set(letters)) > 1:
            break
        shared += 1
    cut = joint[:shared].rfind("_") + 1
    return joint[cut:] or joint
