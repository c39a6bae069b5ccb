"""Does jobs in order, on this process or on several beside it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

from interlock.errors import StoppedError

__all__ = ["done_in_order"]

_AHEAD = 2  # jobs a worker has waiting

Job = TypeVar("Job")
Done = TypeVar("Done")


def done_in_order(
    function: Callable[[Job], Done], jobs: Iterable[Job], workers: int, what: str
) -> Generator[Done, None, None]:
    """What `function` makes of each job, in the order of the jobs; close it to let go of the workers.

    What comes does not depend on the number of workers: later jobs are begun early and wait their turn.

    Args:
        function: can be pickled, and so can jobs and what comes of them.
        jobs: may be without end.
        workers: processes.
        what: what the workers do, for the error.

    Raises:
        StoppedError: if a worker dies.
    """
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_begin)
    waiting: deque[Future[Done]] = deque()
    left = iter(jobs)
    try:
        while True:
            waiting.extend(
                pool.submit(function, job) for job in islice(left, _AHEAD * workers - len(waiting))
            )
            if not waiting:
                return
            yield waiting.popleft().result()
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
