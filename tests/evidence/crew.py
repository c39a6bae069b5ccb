"""A few processes that play cases side by side; each is a fresh interpreter and none outlives its master."""

from __future__ import annotations

import json
import os
import queue
import select
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from cases import Case
from row import Row, blank

__all__ = ["Crew"]

_PATIENCE_S = 1200.0  # a run that takes longer counts as an error
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


class Crew:
    """Plays cases on a number of processes.

    The first process plays the first case alone: it compiles what the others then find in the cache.

    Args:
        workers: how many processes.
    """

    def __init__(self, workers: int) -> None:
        self._workers = max(1, workers)
        self._todo: queue.SimpleQueue[Case | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[Case, Row] | None] = queue.SimpleQueue()
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._stopping = False

    def play(self, cases: Sequence[Case]) -> Iterator[tuple[Case, Row]]:
        """Each case with its row, as they come in. Closing the iterator early ends every process."""
        if not cases:
            return
        with TemporaryDirectory(prefix="interlock-evidence-") as scratch:
            try:
                yield from self._play(cases, scratch)
            finally:
                self._stop()

    def _play(self, cases: Sequence[Case], scratch: str) -> Iterator[tuple[Case, Row]]:
        for case in cases[1:]:
            self._todo.put(case)
        for _ in range(self._workers):
            self._todo.put(None)
        running = [self._start(0, cases[0], scratch)]
        for _ in cases:
            answer = self._done.get()
            if answer is None:
                return
            while len(running) < min(self._workers, len(cases)):
                running.append(self._start(len(running), None, scratch))
            yield answer
        for thread in running:
            thread.join()

    def _start(self, number: int, first: Case | None, scratch: str) -> threading.Thread:
        thread = threading.Thread(target=self._lead, args=(number, first, scratch), daemon=True)
        thread.start()
        return thread

    def _lead(self, number: int, first: Case | None, scratch: str) -> None:
        """Feed one process, and replace it if it dies."""
        case = first if first is not None else self._todo.get()
        while case is not None and not self._stopping:
            row = self._ask(number, case, scratch)
            if not self._stopping:
                self._done.put((case, row))
            case = self._todo.get()
        self._end(number)

    def _ask(self, number: int, case: Case, scratch: str) -> Row:
        process = self._process(number, scratch)
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a worker has no pipes")
        try:
            process.stdin.write(json.dumps([case.table, case.key]).encode() + b"\n")
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], _PATIENCE_S)
            line = process.stdout.readline() if ready else b""
        except OSError:
            line = b""
            ready = [process.stdout]
        if line.endswith(b"\n"):
            row: Row = json.loads(line)
            return row
        self._end(number)
        last = _said_by(number, scratch).read_text(encoding="utf-8", errors="replace").splitlines()[-1:]
        died = f"the worker died ({process.returncode}): {''.join(last)}"
        how = died if ready else f"no answer within {_PATIENCE_S:g} s"
        return blank(case, "error", how)

    def _process(self, number: int, scratch: str) -> subprocess.Popen[bytes]:
        process = self._processes.get(number)
        if process is None or process.poll() is not None:
            with _said_by(number, scratch).open("ab") as said:
                process = subprocess.Popen(
                    [sys.executable, str(Path(__file__).with_name("worker.py")), scratch],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=said,
                    env={**os.environ, **_ONE_THREAD},
                    start_new_session=True,  # Ctrl-C is for the master: a run that hears it stops its robot
                )
            self._processes[number] = process
        return process

    def _end(self, number: int) -> None:
        process = self._processes.pop(number, None)
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    pass

    def _stop(self) -> None:
        self._stopping = True
        for number in list(self._processes):
            self._end(number)


def _said_by(number: int, scratch: str) -> Path:
    """What a worker writes to its standard error."""
    return Path(scratch) / f"worker-{number}.log"
