"""One shard of starts from a broken margin: with a way out, or pinched from both sides."""

from __future__ import annotations

import numpy as np
import root  # noqa: F401  (makes `tests` importable)
from cases import STARTS, Case
from row import Row, blank
from tests.properties.retreats import escaping, fastest, play, shrinking, start, wild

from interlock.guards.retreat import RETREAT_SPEED_M_S
from interlock.guards.verdict import Rung

__all__ = ["retreat"]

_TICKS = 150
_PINCHED_TICKS = 40


def retreat(case: Case) -> Row:
    """Play the starts of a shard."""
    row = blank(case, "done")
    told: list[str] = []
    for seed in range(STARTS * case.seed, STARTS * (case.seed + 1)):
        row["starts"] += 1
        wrong = _pinched(case, seed, row) if case.kind == "pinched" else _escape(case, seed, row)
        told += [f"start {seed}: {what}" for what in wrong]
    row["reason"] = told[0] if told else ""
    return row


def _escape(case: Case, seed: int, row: Row) -> list[str]:
    """Propose the way out until no margin is broken any more."""
    made, wrong = start(seed, case.cell), []
    retreating = 0
    for _, output in play(made, escaping(made), _TICKS):
        row["ticks"] += 1
        if output.verdict.rung is not Rung.RETREATING:
            break
        shrunk = shrinking(made, output)
        row["shrinking"] += bool(shrunk)
        wrong += shrunk
        if retreating == 0:
            too_fast = fastest(made, output) >= RETREAT_SPEED_M_S
            row["too_fast"] += too_fast
            wrong += ["faster than a retreat may be"] if too_fast else []
        retreating += 1
    row["retreated"] += retreating > 0
    whole = output.command is not None and output.verdict.rung is not Rung.RETREATING
    row["recovered"] += whole
    if not retreating or not whole:
        wrong.append(f"{output.verdict.rung} after {retreating} ticks of retreat: {output.verdict.reason}")
    return wrong


def _pinched(case: Case, seed: int, row: Row) -> list[str]:
    """Propose whatever comes to mind; nothing may be released."""
    made, moved = start(seed, case.cell, pinched=True), 0
    for _, output in play(made, wild(made, np.random.default_rng(seed)), _PINCHED_TICKS):
        row["ticks"] += 1
        moved += output.command is not None
    row["moved"] += bool(moved)
    return [f"moved in {moved} ticks"] if moved else []
