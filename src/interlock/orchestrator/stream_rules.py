"""What must hold between how long a cell's policy takes to answer and how long its chunks last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.errors import CellError
from interlock.orchestrator.cell_schema import CellFile

__all__ = ["check_stream", "longest_answer_s", "stream_times_s"]

_TICKS = 3  # an observation is one old, an answer waits for the next, and a question for the one after
_ROUNDING_S = 1e-9


def stream_times_s(options: Mapping[str, Any]) -> tuple[float, float]:
    """Simulated time from question to answer, and how long after its observation a chunk begins, [s].

    Both are 0 unless `stream` among a policy's options gives them; what cannot be used is for the policy to
    refuse.
    """
    stream = options.get("stream")
    told = stream if isinstance(stream, Mapping) else {}
    latency_s, lead_s = (_number(told.get(name, 0.0)) for name in ("latency_s", "lead_s"))
    return latency_s, lead_s


def longest_answer_s(file: CellFile, lead_s: float = 0.0) -> float:
    """How long an answer may take so that a steady stream of chunks never runs out, [s].

    A chunk is followed until the next one comes: that is asked for when this one has come, and at the
    earliest `rates.replan_s` after it was asked for.
    """
    lasts_s = min(_lasts_s(file, lead_s).values()) - _TICKS / file.rates.control_hz
    half_s = 0.5 * lasts_s
    return half_s if half_s >= file.rates.replan_s else lasts_s - file.rates.replan_s


def check_stream(file: CellFile) -> None:
    """Return if a policy with the latency that the cell simulates can keep the arm going.

    Raises:
        CellError: if every chunk would run out or be too old before the next one comes.
    """
    latency_s, lead_s = stream_times_s(file.policy.options)
    if not (latency_s or lead_s):
        return
    needs_s = _needs_s(file, latency_s, lead_s)
    for field, lasts_s in _lasts_s(file, lead_s).items():
        if lasts_s < needs_s[field] - _ROUNDING_S:
            raise CellError(
                f"no chunk lasts until the next one comes, with an answer after {latency_s:g} s"
                + (f" and a lead of {lead_s:g} s" if lead_s else "")
                + ": the arm would stop and go",
                field=field,
                value=file.guards.chunk_deadline_s if field.startswith("guards") else file.rates.horizon,
                mend=f"Let it reach over {needs_s[field]:.3g} s, or lower policy.options.stream.latency_s "
                f"to {max(0.0, longest_answer_s(file, lead_s)):.3g} s.",
            )


def _needs_s(file: CellFile, latency_s: float, lead_s: float) -> dict[str, float]:
    """How long a chunk has to last, [s], by what ends it."""
    rest_s = max(latency_s, file.rates.replan_s) + _TICKS / file.rates.control_hz
    return {
        "guards.chunk_deadline_s": max(latency_s, lead_s) + rest_s,
        "rates.horizon": latency_s + rest_s,
    }


def _lasts_s(file: CellFile, lead_s: float) -> dict[str, float]:
    """Age at which a chunk ends, [s], by what ends it."""
    return {
        "guards.chunk_deadline_s": file.guards.chunk_deadline_s,
        "rates.horizon": lead_s + (file.rates.horizon - 1) / file.rates.chunk_rate_hz,
    }


def _number(value: object) -> float:
    return (
        float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0.0
    )
