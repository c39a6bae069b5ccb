"""A stopwatch inside a gate: what each part of a decision costs, and which programs were solved for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from interlock.guards.gate import Gate, GateOutput
from interlock.guards.intake import GateInput
from interlock.guards.program import Solution
from interlock.hal.arrays import FloatArray

__all__ = ["PARTS", "GateStopwatch"]

PARTS = ("survey", "project", "verify")
"""Parts of a decision; the rest is intake, the stop's shape, certificate and command."""

_KEPT = 300  # programs


class GateStopwatch:
    """Process CPU time inside one gate, decision by decision; for measuring, never in a run.

    Args:
        gate: its methods are wrapped, so it stays slower by a few microseconds.

    Attributes:
        decisions: time of each part in each decision, [us]; a part that was not asked is missing.
        programs: values of the programs solved last, as `SampleProgram` takes them.
    """

    def __init__(self, gate: Gate) -> None:
        self.decisions: list[dict[str, float]] = []
        self.programs: list[tuple[FloatArray, ...]] = []
        self._spent: dict[str, float] = {}
        parts: dict[str, tuple[Any, str]] = {
            "survey": (gate._surveyor, "survey"),
            "project": (gate._projector, "project"),
            "verify": (gate._verifier, "verify"),
        }
        for part, (owner, method) in parts.items():
            setattr(owner, method, self._clocked(part, getattr(owner, method)))
        self._decide = gate.decide
        self._solve = gate._projector._program.solve
        gate.decide = self._decided  # type: ignore[method-assign]
        gate._projector._program.solve = self._solved  # type: ignore[method-assign]
        first = gate._projector._velocity_at
        self._columns = slice(first, first + gate.body.n)

    def restart(self) -> None:
        """Forget what was measured: that was warming up."""
        self.decisions.clear()
        self.programs.clear()

    def _decided(self, given: GateInput) -> GateOutput:
        self._spent = {}
        output = self._decide(given)
        self.decisions.append(self._spent)
        return output

    def _solved(
        self,
        values: Sequence[FloatArray],
        more: tuple[FloatArray, FloatArray] | None = None,
        cost: tuple[int, FloatArray] | None = None,
    ) -> Solution:
        if len(self.programs) < _KEPT and more is not None:
            rows = -more[0][:, self._columns], -more[1]
            self.programs.append((*(value.copy() for value in values), *rows))
        return self._solve(values, more, cost)

    def _clocked(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def clocked(*arguments: Any, **named: Any) -> Any:
            before = time.process_time_ns()
            try:
                return call(*arguments, **named)
            finally:
                spent = (time.process_time_ns() - before) * 1e-3
                self._spent[part] = self._spent.get(part, 0.0) + spent

        return clocked
