"""How long an answer takes: a high percentile of the last ones, without the cold start."""

from __future__ import annotations

import math
from collections import deque

from interlock.errors import BadInputError

__all__ = ["DelayEstimate"]

_SHARE = 0.95


class DelayEstimate:
    """The 95th percentile (nearest rank) of the last `window` durations.

    Args:
        cold_calls: the first so many calls load, compile and allocate: they say nothing about the next one.
        window: so many durations are remembered.
    """

    def __init__(self, cold_calls: int = 2, window: int = 64) -> None:
        self._cold_calls = cold_calls
        self._durations_s: deque[float] = deque(maxlen=window)
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next call is a cold one again."""
        self._calls = 0
        self._durations_s.clear()

    def note(self, duration_s: float) -> None:
        """Take in how long a call took, [s].

        Raises:
            BadInputError: if that is no duration: a clock that runs backwards is not monotonic.
        """
        if not (math.isfinite(duration_s) and duration_s >= 0.0):
            raise BadInputError(
                "is no duration",
                field="stream.duration_s",
                value=duration_s,
                mend="Inject a monotonic clock.",
            )
        self._calls += 1
        if self._calls > self._cold_calls:
            self._durations_s.append(duration_s)

    @property
    def p95_s(self) -> float | None:
        """The shortest remembered duration that 95 % of them do not exceed, [s]; None before the first."""
        if not self._durations_s:
            return None
        ranked = sorted(self._durations_s)
        return ranked[math.ceil(_SHARE * len(ranked) - 1e-9) - 1]
