"""What was asked, how it ended, and the numbers that sum it up."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import numpy as np

from interlock.traces.markup import number, text
from interlock.traces.show import TraceSummary, printable
from interlock.traces.timeline import Timeline

__all__ = ["header", "tiles"]

_OUTCOMES = {
    "achieved": ("Goal achieved", "good"),
    "refused": ("Refused before anything moved", "warn"),
    "stopped": ("Stopped, and the stop is latched", "bad"),
    "gave_up": ("Gave up safely, robot at standstill", "warn"),
}
_NO_OUTCOME = ("The recording ends without an outcome", "bad")


def header(timeline: Timeline) -> str:
    """What was asked and how it ended, in words."""
    run, outcome = timeline.run, timeline.outcome
    name = str(outcome.get("outcome", "")) if outcome else ""
    words, mood = _OUTCOMES.get(name, (f"Outcome: {printable(name)}", "warn") if outcome else _NO_OUTCOME)
    reason = outcome.get("reason") if outcome else None
    facts = [
        ("Cell", run["cell"]),
        ("Robot", run["robot"]["name"]),
        ("Policy", run["policy"]),
        ("Seed", run["seed"]),
        ("Clock", "real time" if run["real_time"] else "simulated, in lockstep"),
    ]
    if timeline.started_at:
        facts.append(("Started", timeline.started_at))
    listed = "".join(f"<div><dt>{k}</dt><dd>{text(v)}</dd></div>" for k, v in facts)
    return (
        f'<header><p class="brand">Interlock <span>run report</span></p>'
        f'<p class="outcome {mood}">{html.escape(words)}</p><h1>“{text(run["goal"])}”</h1>'
        + (f'<p class="reason">{text(reason)}</p>' if reason else "")
        + f'<dl class="facts">{listed}</dl></header>'
    )


def tiles(timeline: Timeline, summary: TraceSummary) -> str:
    """The numbers that sum the run up, from the outcome where it tells them, else from the trace."""
    told: Mapping[str, Any] = timeline.outcome or {}
    ticks = max(summary.ticks, 1)
    released = 1.0 - sum(summary.rungs.get(r, 0) for r in ("braking", "driver_stop")) / ticks
    margins = [float(np.nanmin(v)) for v in timeline.margins.values() if np.isfinite(v).any()]
    refused = sum(t.refused for t in summary.guards)
    changed = sum(t.changed for t in summary.guards)
    rows = [
        ("Ticks released", number(told.get("released_fraction", released), ".1f", " %", 100.0)),
        ("Ticks changed", number(changed, ",.0f", "")),
        ("Ticks refused", number(refused, ",.0f", "")),
        ("Smallest margin", number(told.get("min_margin_m", min(margins, default=None)), ".1f", " mm", 1e3)),
        ("Top tool speed", number(_largest(timeline.tool_speed), ".3f", " m/s")),
        ("Longest stop", number(_largest(timeline.stop_time), ".2f", " s")),
        ("Path of the joints", number(told.get("path_length_rad"), ".2f", " rad")),
        ("Run time", number(told.get("sim_time_s", summary.duration_s), ".2f", " s")),
    ]
    body = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in rows)
    return f'<dl class="tiles">{body}</dl>'


def _largest(values: Any) -> float | None:
    return float(np.nanmax(values)) if np.isfinite(values).any() else None
