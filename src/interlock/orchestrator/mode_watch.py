"""What others are told of a run's mode: in the lease's file, and when the arm is stuck."""

from __future__ import annotations

from collections.abc import Callable

from interlock.hal.lease import Lease
from interlock.hal.mode import Mode
from interlock.orchestrator.messages import TickReport

__all__ = ["ModeWatch"]


class ModeWatch:
    """Follows the mode from tick to tick.

    Args:
        lease: is told each new mode.
        stuck_after_s: an arm that rests while it brakes for so long is stuck, [s].
        period_s: of a tick, [s].
        tell: called with the time [ns] and a sentence then, once in a row.
    """

    def __init__(
        self, lease: Lease, *, stuck_after_s: float, period_s: float, tell: Callable[[int, str], None]
    ) -> None:
        self._lease = lease
        self._stuck_after_s = stuck_after_s
        self._stuck_ticks = round(stuck_after_s / period_s)
        self._tell = tell
        self._mode: Mode | None = None
        self._resting = 0

    def add(self, report: TickReport) -> None:
        """A tick is over."""
        if report.mode is not self._mode:
            self._mode = report.mode
            self._lease.publish(report.mode)
        self._resting = self._resting + 1 if report.mode is Mode.BRAKING and report.state.standstill else 0
        if self._resting == self._stuck_ticks:
            verdict = report.verdict
            text = f"stuck for {self._stuck_after_s:g} s: {verdict.guard}: {verdict.reason}"
            self._tell(report.stamp_ns, text)
