"""The two clocks: lockstep simulation, and real time."""

from __future__ import annotations

import time
from typing import Protocol

__all__ = ["Advancing", "Clock", "LockstepClock", "RealTimeClock"]


class Advancing(Protocol):
    """A simulated world that moves on by one period when told to."""

    @property
    def now_ns(self) -> int:
        """Time of the world, [ns]."""
        ...

    def advance(self) -> None:
        """Play one period."""
        ...


class Clock(Protocol):
    """Gives the time of a tick and waits for the next one."""

    def now_ns(self) -> int:
        """Monotonic time of this tick, [ns]."""
        ...

    def lateness_ns(self) -> int:
        """How late this tick began, [ns]."""
        ...

    def wait_next_tick(self) -> None:
        """Return when the next tick is due."""
        ...


class LockstepClock:
    """Simulated time: the world waits for the robot, and no tick is ever late."""

    def __init__(self, world: Advancing) -> None:
        self._world = world

    def now_ns(self) -> int:
        """Simulated time, [ns]."""
        return self._world.now_ns

    def lateness_ns(self) -> int:
        """Always 0."""
        return 0

    def wait_next_tick(self) -> None:
        """Let the world play one period."""
        self._world.advance()


class RealTimeClock:
    """A simulated world paced by the machine's monotonic clock.

    Stamps stay those of the world, so that they advance by exactly one period a tick; what the machine adds
    is lateness. A tick that is late is played as soon as possible and the deadline moves on from there.
    """

    def __init__(self, world: Advancing, period_s: float) -> None:
        self._world = world
        self._period_ns = round(period_s * 1e9)
        self._due_ns = 0
        self._began_ns = 0
        self._last_ns = 0
        self._late_ns = 0
        self.late_ticks = 0
        self.ticks = 0
        self.worst_ns = 0

    def now_ns(self) -> int:
        """Time of the world, [ns]."""
        return self._world.now_ns

    def lateness_ns(self) -> int:
        """How late this tick began, [ns]."""
        return self._late_ns

    @property
    def achieved_hz(self) -> float:
        """Ticks a second since the first one, [Hz]."""
        spent_ns = self._last_ns - self._began_ns
        return self.ticks * 1e9 / spent_ns if spent_ns > 0 else 0.0

    def wait_next_tick(self) -> None:
        """Let the world play one period and sleep until the machine's clock has caught up."""
        if self.ticks == 0:  # the first period begins with the first tick, not with the clock's making
            self._began_ns = self._due_ns = time.monotonic_ns()
        self._world.advance()
        self._due_ns += self._period_ns
        left_ns = self._due_ns - time.monotonic_ns()
        if left_ns > 0:
            time.sleep(left_ns * 1e-9)
        self._late_ns = max(0, time.monotonic_ns() - self._due_ns)
        self._last_ns = time.monotonic_ns()
        self.ticks += 1
        self.worst_ns = max(self.worst_ns, self._late_ns)
        if self._late_ns > self._period_ns:
            self.late_ticks += 1
            self._due_ns += self._late_ns
