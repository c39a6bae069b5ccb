"""Plays demonstrations in order, on this process or on several beside it."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace

from interlock.orchestrator.demo_run import DemoOrder, Played, play
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.still_run import play_stills
from interlock.orchestrator.worker_pool import done_in_order

__all__ = ["played_in_order"]


def played_in_order(order: DemoOrder, workers: int, interrupts: Interrupts) -> Generator[Played, None, None]:
    """One attempt after the other, from that of `order` on, without end; close it to let go of the workers.

    What comes does not depend on the number of workers.

    Raises:
        StoppedError: if a worker dies.
    """
    orders = (replace(order, attempt=attempt) for attempt in itertools.count(order.attempt))
    function = play_stills if order.stills else play
    if workers == 1:
        for each in orders:
            yield function(each, interrupts)
    with closing(done_in_order(function, orders, workers, "plays demonstrations")) as results:
        yield from results
