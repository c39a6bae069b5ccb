"""Times calls in turn, round after round, so that whatever else the machine does meets them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from interlock.hal.arrays import FloatArray, frozen_array

__all__ = ["Timed", "interleaved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """What a call took in each round, shape (rounds,), [ms].

    Attributes:
        cpu_ms: processor time of this process, all threads.
        wall_ms: by the machine's clock.
    """

    cpu_ms: FloatArray
    wall_ms: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "cpu_ms", frozen_array(self.cpu_ms, (None,), "timed.cpu_ms"))
        object.__setattr__(self, "wall_ms", frozen_array(self.wall_ms, (None,), "timed.wall_ms"))


def interleaved(
    calls: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    warm_up: int = 3,
    settle: Callable[[], object] = lambda: None,
) -> dict[str, Timed]:
    """Each call once a round, in an order that turns by one from round to round.

    Args:
        calls: what is timed, by name.
        rounds: how often.
        warm_up: rounds before, which do not count.
        settle: waits for what a call has queued; counts with the call.
    """
    spent: dict[str, list[tuple[int, int]]] = {name: [] for name in calls}
    names = list(calls)
    for number in range(warm_up + rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            settle()
            cpu_ns, wall_ns = time.process_time_ns(), time.monotonic_ns()
            calls[name]()
            settle()
            if number >= warm_up:
                spent[name].append((time.process_time_ns() - cpu_ns, time.monotonic_ns() - wall_ns))
    return {
        name: Timed(cpu_ms=1e-6 * np.array(times)[:, 0], wall_ms=1e-6 * np.array(times)[:, 1])
        for name, times in spent.items()
    }
