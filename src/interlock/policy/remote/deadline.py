"""A point in time by which something is over."""

from __future__ import annotations

import time
from collections.abc import Callable

from interlock.errors import RemotePolicyError

__all__ = ["Deadline"]


class Deadline:
    """Counts down from when it is made.

    Args:
        seconds: how long there is, [s].
        clock_ns: monotonic time, [ns].
    """

    def __init__(self, seconds: float, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self.seconds = seconds
        self._clock_ns = clock_ns
        self._end_ns = clock_ns() + round(seconds * 1e9)

    def left_s(self) -> float:
        """How long there is left, [s]; 0 when it is over."""
        return max(0.0, (self._end_ns - self._clock_ns()) * 1e-9)

    def missed(self) -> RemotePolicyError:
        """The error of whoever did not make it."""
        return RemotePolicyError(
            f"no answer within {self.seconds:g} s",
            field="policy server",
            mend="Look at the server, or give it more time: policy.options.deadline_s.",
        )
