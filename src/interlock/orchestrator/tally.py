"""The numbers of a run, added up tick by tick."""

from __future__ import annotations

from collections import Counter

import numpy as np

from interlock.guards.verdict import Decision
from interlock.orchestrator.messages import TickReport

__all__ = ["Tally"]


class Tally:
    """Counts what the gate did and how far the arm went.

    Attributes:
        ticks: ticks so far.
        released: ticks in which a proposal was released, as it was or changed.
        interventions: ticks with a changed proposal, by the guard that changed it.
        refusals: ticks with a refused proposal, by the guard that refused it.
        path_length_rad: path of all joints together as commanded, [rad].
        min_margin_m: smallest distance margin of any released motion, [m]; None before the first.
        first_reasons: the first reason each guard gave.
    """

    def __init__(self) -> None:
        self.ticks = 0
        self.released = 0
        self.interventions: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.path_length_rad = 0.0
        self.min_margin_m: float | None = None
        self.first_reasons: dict[str, str] = {}

    def add(self, report: TickReport) -> None:
        """Take in one tick."""
        self.ticks += 1
        verdict = report.verdict
        if verdict.decision is Decision.REFUSE:
            self.refusals[verdict.guard] += 1
        else:
            self.released += 1
        if verdict.decision is Decision.MODIFY:
            self.interventions[verdict.guard] += 1
        if verdict.guard:
            self.first_reasons.setdefault(verdict.guard, verdict.reason)
        if report.command is not None:
            step = report.command.end[0] - report.command.start[0]
            self.path_length_rad += float(np.abs(step).sum())
            for value in report.margins_m.values():
                if self.min_margin_m is None or value < self.min_margin_m:
                    self.min_margin_m = float(value)

    @property
    def released_fraction(self) -> float:
        """Share of ticks in which a proposal was released."""
        return self.released / self.ticks if self.ticks else 0.0
