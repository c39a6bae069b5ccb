"""Long jobs beside short ones: who waits for whom."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from interlock.errors import StoppedError
from interlock.orchestrator import worker_pool
from interlock.orchestrator.worker_pool import done_as_ready

WORKERS = 2
MANY = 9  # more than are begun at once


@pytest.mark.slow
def test_no_worker_waits_behind_a_long_job(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    long = f"until [ -e {flag} ]; do sleep 0.01; done"
    jobs = [("sh", "-c", long), *[("true", str(number)) for number in range(MANY)], ("touch", str(flag))]
    with closing(done_as_ready(subprocess.call, jobs, WORKERS, "plays")) as played:
        done = list(played)
    assert sorted(done) == sorted((job, 0) for job in jobs)
    assert ("touch", str(flag)) in [job for job, _ in done[-2:]]
    assert multiprocessing.active_children() == []


def test_what_was_done_beside_a_job_that_failed_is_given_first(monkeypatch: pytest.MonkeyPatch) -> None:
    class AtOnce:
        def submit(self, function: object, job: int) -> Future[int]:
            future: Future[int] = Future()
            if job == 0:
                future.set_exception(BrokenProcessPool("dead"))
            else:
                future.set_result(-job)
            return future

    monkeypatch.setattr(worker_pool, "_pool", lambda workers, what: nullcontext(AtOnce()))
    played = done_as_ready(abs, [0, 1, 2], WORKERS, "plays")
    assert sorted([next(played), next(played)]) == [(1, -1), (2, -2)]
    with pytest.raises(BrokenProcessPool):
        next(played)


@pytest.mark.slow
def test_a_worker_that_dies_is_told_of() -> None:
    jobs = [signal.SIGCONT, signal.SIGKILL]
    with (
        closing(done_as_ready(signal.raise_signal, jobs, 1, "plays")) as played,
        pytest.raises(StoppedError, match=r"plays has died.*same command again"),
    ):
        list(played)
    assert multiprocessing.active_children() == []
