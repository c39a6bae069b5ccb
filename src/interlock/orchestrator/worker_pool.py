"""Does jobs on several processes beside this one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from interlock.errors import StoppedError

__all__ = ["done_as_ready", "done_in_order"]

_AHEAD = 2  # jobs a worker has waiting

Job = TypeVar("Job")
Done = TypeVar("Done")


def done_in_order(
    function: Callable[[Job], Done], jobs: Iterable[Job], workers: int, what: str
) -> Generator[Done, None, None]:
    """What `function` makes of each job, in the order of the jobs; close it to let go of the workers.

    What comes does not depend on the number of workers: later jobs are begun early and wait their turn. Where
    one takes many times as long as another, workers stand idle behind it.

    Args:
        function: can be pickled, and so can jobs and what comes of them.
        jobs: may be without end.
        workers: processes.
        what: what the workers do, for the error.

    Raises:
        StoppedError: if a worker dies.
    """
    waiting: deque[Future[Done]] = deque()
    left = iter(jobs)
    with _pool(workers, what) as pool:
        while True:
            waiting.extend(
                pool.submit(function, job) for job in islice(left, _AHEAD * workers - len(waiting))
            )
            if not waiting:
                return
            yield waiting.popleft().result()


def done_as_ready(
    function: Callable[[Job], Done], jobs: Iterable[Job], workers: int, what: str
) -> Generator[tuple[Job, Done], None, None]:
    """Each job with what `function` makes of it, as soon as it is done; close it to let go of the workers.

    No worker waits for another, and what comes first depends on how long each takes.

    Args:
        function: can be pickled, and so can jobs and what comes of them.
        jobs: may be without end.
        workers: processes.
        what: what the workers do, for the error.

    Raises:
        StoppedError: if a worker dies, after what was done beside it was given.
    """
    running: dict[Future[Done], Job] = {}
    left = iter(jobs)
    with _pool(workers, what) as pool:
        while True:
            for job in islice(left, _AHEAD * workers - len(running)):
                running[pool.submit(function, job)] = job
            if not running:
                return
            ready = wait(running, return_when=FIRST_COMPLETED).done
            # Those that failed last, so that what was done beside them is given first.
            for future in sorted(ready, key=lambda each: each.exception() is not None):
                yield running.pop(future), future.result()


@contextmanager
def _pool(workers: int, what: str) -> Iterator[ProcessPoolExecutor]:
    """Processes that are gone when it ends."""
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_begin)
    try:
        yield pool
    except BrokenProcessPool as error:
        raise StoppedError(
            f"a process that {what} has died",
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
