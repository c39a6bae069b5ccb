"""The first plot: phase, released motion and refusals as lanes over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from interlock.traces.decimate import runs
from interlock.traces.plot import Figure, plain_text
from interlock.traces.timeline import Timeline

__all__ = ["RUNG_COLORS", "RUNG_NAMES", "lanes_figure"]

RUNG_NAMES = {
    "as_proposed": "as proposed",
    "projected": "corrected",
    "slowed": "slowed",
    "retreating": "retreating",
    "braking": "braking",
    "driver_stop": "driver stop",
}
RUNG_COLORS = {
    "as_proposed": "--rung-ok",
    "projected": "--rung-projected",
    "slowed": "--rung-slowed",
    "retreating": "--rung-retreating",
    "braking": "--rung-braking",
    "driver_stop": "--rung-stop",
}
_MOST_BANDS = 1500
_MOST_MARKS = 800
_LANE_PX = 34


def lanes_figure(timeline: Timeline) -> Figure:
    """Bands for phases, rungs and, for each guard, stretches of refusals with their first reason."""
    guards = sorted({guard for _, guard, _ in timeline.refusals})
    labels = ["phase", "motion", *(plain_text(g).replace("_", " ") for g in guards)]
    data = [_phases(timeline), *_rungs(timeline)]
    data += [_refusals(timeline, guard, 2 + i) for i, guard in enumerate(guards)]
    return Figure(
        name="lanes",
        title="What was released, and what was refused",
        note="Each tick is released as proposed, corrected, slowed, or the verified stop plays. "
        "Below, by guard, where a step of the ladder was refused; point at a band for the first reason.",
        height=110 + _LANE_PX * len(labels),
        data=data,
        layout={
            "barmode": "overlay",
            "hovermode": "closest",
            "yaxis": {
                "tickvals": list(range(len(labels))),
                "ticktext": labels,
                "range": [len(labels) - 0.45, -0.55],
                "fixedrange": True,
                "zeroline": False,
                "showgrid": False,
            },
        },
    )


def _bars(lane: int, spans: list[tuple[float, float]], color: Any, texts: list[str]) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "y": [lane] * len(spans),
        "base": [round(start, 4) for start, _ in spans],
        "x": [round(end - start, 4) for start, end in spans],
        "width": 0.72,
        "marker": {"color": color, "line": {"color": color, "width": 1}},
        "hovertext": texts,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _phases(timeline: Timeline) -> dict[str, Any]:
    spans = [(p.start_s, p.end_s) for p in timeline.phases]
    colors = ["--phase-contact" if p.contact else "--phase" for p in timeline.phases]
    names = [plain_text(p.name) for p in timeline.phases]
    texts = [
        f"<b>{plain_text(p.skill)}: {plain_text(p.name)}</b> ({plain_text(p.task)})<br>"
        f"{p.start_s:.2f}–{p.end_s:.2f} s"
        + ("<br>contact allowed, tool at most 0.1 m/s" if p.contact else "")
        for p in timeline.phases
    ]
    return _bars(0, spans, colors, texts) | {
        "name": "phase",
        "text": names,
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "constraintext": "inside",
        "textfont": {"color": "--ink", "size": 11},
        "showlegend": False,
    }


def _rungs(timeline: Timeline) -> list[dict[str, Any]]:
    t = timeline.t_s
    period = float(timeline.run["period_s"])
    found = runs(timeline.rungs, tuple(RUNG_NAMES), _MOST_BANDS)
    traces = []
    for rung in [*RUNG_NAMES, *sorted({label for _, _, label in found} - set(RUNG_NAMES))]:
        mine = [(start, end) for start, end, label in found if label == rung]
        if not mine:
            continue
        name = plain_text(RUNG_NAMES.get(rung, rung))
        spans = [(float(t[a]), float(t[b - 1]) + period) for a, b in mine]
        texts = [
            f"<b>{name}</b><br>{s:.2f}–{e:.2f} s, {b - a} tick{'s' if b - a > 1 else ''}"
            + _why(timeline, a, b)
            for (a, b), (s, e) in zip(mine, spans, strict=True)
        ]
        traces.append(_bars(1, spans, RUNG_COLORS.get(rung, "--rung-stop"), texts) | {"name": name})
    return traces


def _why(timeline: Timeline, start: int, end: int) -> str:
    first = next((r for r in timeline.reasons[start:end] if r is not None), None)
    return "" if first is None else f"<br>{plain_text(first[0])}: {_folded(first[1])}"


def _refusals(timeline: Timeline, guard: str, lane: int) -> dict[str, Any]:
    mine = [(tick, reason) for tick, name, reason in timeline.refusals if name == guard]
    ticks = np.array([tick for tick, _ in mine])
    gap = max(1, len(timeline.t_s) // _MOST_MARKS)
    starts = np.flatnonzero(np.diff(ticks, prepend=-(10**9)) > gap)
    stretches = list(zip(starts.tolist(), [*starts[1:].tolist(), len(ticks)], strict=True))
    t = timeline.t_s
    texts = [
        f"<b>{plain_text(guard)}</b> refused {b - a}×, {t[ticks[a]]:.2f}–{t[ticks[b - 1]]:.2f} s<br>"
        + _folded(mine[a][1])
        for a, b in stretches
    ]
    period = float(timeline.run["period_s"])
    spans = [(float(t[ticks[a]]), float(t[ticks[b - 1]]) + period) for a, b in stretches]
    return _bars(lane, spans, "--refused", texts) | {
        "name": f"refused: {plain_text(guard).replace('_', ' ')}",
        "width": 0.5,
        "showlegend": False,
    }


def _folded(reason: str, width: int = 70) -> str:
    """The reason in lines of readable length, escaped."""
    lines: list[str] = [""]
    for word in plain_text(reason).split(" "):
        if lines[-1] and len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return "<br>".join(lines)
