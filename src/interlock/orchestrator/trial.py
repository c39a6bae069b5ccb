"""A candidate in force that has still to show itself."""

from __future__ import annotations

from interlock.guards.verdict import Rung
from interlock.hal.chunk import ActionChunk
from interlock.orchestrator.messages import TickReport
from interlock.orchestrator.refusal import said
from interlock.orchestrator.swap_rules import SwapRules

__all__ = ["Trial"]


class Trial:
    """Watches what comes of its answers until it has achieved a task.

    Args:
        rules: when it has failed.
        began_ns: when it took over, [ns].

    Attributes:
        began_ns: as given.
        taken: chunks of it that the gate's preview let through.
        failed: why it has failed, "" while it has not.
    """

    def __init__(self, rules: SwapRules, began_ns: int) -> None:
        self._rules = rules
        self.began_ns = began_ns
        self._in_a_row = 0
        self._still_since_ns: int | None = None
        self.taken = 0
        self.failed = ""

    def answered(self, answer: object) -> None:
        """What came back from it; a chunk is judged when the gate has seen it."""
        if isinstance(answer, BaseException):
            self._none(said(answer))
        elif answer is not None and type(answer) is not ActionChunk:
            self._none(f"it returned a {type(answer).__name__}")

    def ticked(self, report: TickReport) -> None:
        """What a tick brought."""
        seen = report.preview
        if seen is not None and not seen.result.again:
            if seen.result.rung is Rung.BRAKING:
                self._none(f"{seen.result.guard}: {seen.result.reason}")
            else:
                self._in_a_row, self.taken = 0, self.taken + 1
        if report.command is not None or not report.state.standstill:
            self._still_since_ns = None
        elif self._still_since_ns is None:
            self._still_since_ns = report.stamp_ns
        elif report.stamp_ns - self._still_since_ns >= self._rules.still_s * 1e9:
            self.failed = self.failed or f"nothing was released for {self._rules.still_s:g} s"

    def _none(self, why: str) -> None:
        self._in_a_row += 1
        if self._in_a_row >= self._rules.failures and not self.failed:
            self.failed = f"{self._in_a_row} answers in a row led to no motion, the last one: {why}"
