"""Plays demonstrations in order, on this process or on several beside it."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import replace

from interlock.errors import StoppedError
from interlock.orchestrator.demo_run import DemoOrder, Played, play
from interlock.orchestrator.interrupts import Interrupts

__all__ = ["played_in_order"]

_AHEAD = 2  # orders a worker has waiting


def played_in_order(order: DemoOrder, workers: int, interrupts: Interrupts) -> Generator[Played, None, None]:
    """One attempt after the other, from that of `order` on, without end; close it to let go of the workers.

    What comes does not depend on the number of workers: later attempts are begun early and wait their turn.

    Raises:
        StoppedError: if a worker dies.
    """
    orders = (replace(order, attempt=attempt) for attempt in itertools.count(order.attempt))
    if workers == 1:
        for each in orders:
            yield play(each, interrupts)
    with closing(_on_workers(orders, workers)) as results:
        yield from results


def _on_workers(orders: Iterator[DemoOrder], workers: int) -> Generator[Played, None, None]:
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_begin)
    waiting: deque[Future[Played]] = deque()
    try:
        while True:
            while len(waiting) < _AHEAD * workers:
                waiting.append(pool.submit(play, next(orders)))
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise StoppedError(
            "a process that plays demonstrations has died",
            field="workers",
            value=workers,
            mend="Run the same command again: it goes on; use fewer --workers if memory is short.",
        ) from error
    finally:
        processes = list((pool._processes or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:  # simulated arms need no stop
            process.terminate()
        for process in processes:
            process.join()


def _begin() -> None:
    """A worker: Ctrl-C is for its parent, and it does not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_leave_after, args=(parent,), daemon=True).start()


def _leave_after(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)
