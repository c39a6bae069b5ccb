"""The recorder: hands everything to a thread of its own and returns at once."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from interlock.errors import StorageError
from interlock.hal.chunk import ActionChunk
from interlock.hal.frame import Frame
from interlock.hal.phase import Phase
from interlock.hal.scene import Scene
from interlock.planners.plan import Plan
from interlock.traces.container import OpenFile, TraceFile, create_file
from interlock.traces.read import TRACE_NAME
from interlock.traces.run_info import RunInfo
from interlock.traces.scribe import Scribe
from interlock.traces.telemetry import Telemetry
from interlock.traces.tick import TickLike

__all__ = ["Recorder", "RecorderSummary"]

_PICTURES = 50
_WAITING = 2_000
_PRECIOUS = 20_000
_ALWAYS = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderSummary:
    """How the recording went.

    Attributes:
        path: the trace file.
        messages: messages in it.
        head: head of the hash chain.
        fault: the first thing that went wrong, or None.
        dropped: what a slow disk cost in real time, per kind.
        lost: records that could not be written after a fault.
        telemetry_fault: what was wrong with the collector, or None; never a fault of the trace.
    """

    path: Path
    messages: int
    head: str
    fault: str | None
    dropped: Mapping[str, int]
    lost: int
    telemetry_fault: str | None


class Recorder:
    """Records one run into `folder/trace.mcap`.

    No method blocks and none raises once the recorder exists: what goes wrong is told by `fault` and by
    the summary. In lockstep nothing is lost. In real time a disk too slow costs pictures first, then scenes
    and ticks without a refusal, and after minutes of no answer all but plan, stops, outcome, and each chunk
    with the tick that judged it whole; what is dropped is counted and marked in the trace.

    Args:
        folder: the run's folder; made if it is not there.
        run: what the run is.
        telemetry: spans to emit along with the records, or None.
        open_file: opens a new file for writing.

    Raises:
        StorageError: if the folder cannot be written or already holds a trace.
    """

    def __init__(
        self,
        folder: Path,
        run: RunInfo,
        *,
        telemetry: Telemetry | None = None,
        open_file: OpenFile = create_file,
    ) -> None:
        self.folder = folder
        self.path = folder / TRACE_NAME
        self._may_drop = run.real_time
        self._dropped: Counter[str] = Counter()
        self._gap: Counter[str] = Counter()
        self._closed = False
        self._late: str | None = None
        self._telemetry = telemetry
        self._scribe = Scribe(_create(self.path, open_file), run, telemetry, open_file)
        self._put = self._scribe.inbox.put
        self._scribe.start()

    def __enter__(self) -> Self:
        """The recorder itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    @property
    def fault(self) -> str | None:
        """The first thing that went wrong, or None."""
        return self._scribe.fault or self._late

    @property
    def dropped(self) -> Mapping[str, int]:
        """What a slow disk has cost so far, per kind; empty in lockstep."""
        return dict(self._dropped)

    def plan(self, plan: Plan) -> None:
        """Record the plan."""
        self._put((self._scribe.plan, (plan,)))

    def chunk(self, chunk: ActionChunk) -> None:
        """Record a proposal as it went to the gate."""
        if self._has_room("chunk", _ALWAYS):
            self._put((self._scribe.chunk, (chunk,)))

    def phase(self, phase: Phase, stamp_ns: int) -> None:
        """Record a phase granted at `stamp_ns` [ns]."""
        if self._has_room("phase", _PRECIOUS):
            self._put((self._scribe.phase, (phase, stamp_ns)))

    def tick(self, report: TickLike) -> None:
        """Record one tick; the report and its mappings must not change afterwards."""
        limit: float = _PRECIOUS if report.verdict.refusals else _WAITING
        if report.preview is not None:  # later questions name the chunk that came of it
            limit = _ALWAYS
        if self._has_room("tick", limit):
            self._put((self._scribe.tick, (report,)))

    def frame(self, frame: Frame) -> None:
        """Record a picture; it is copied, since cameras reuse their buffers."""
        if self._has_room("picture", _PICTURES):
            self._put((self._scribe.frame, (replace(frame, rgb=frame.rgb.copy()),)))

    def scene(self, scene: Scene) -> None:
        """Record a snapshot of the world."""
        if self._has_room("scene", _WAITING):
            self._put((self._scribe.scene, (scene,)))

    def event(self, stamp_ns: int, kind: str, text: str, level: str = "info") -> None:
        """Record a line for people; `level` is debug, info, warning, error or fatal."""
        if self._has_room("event", _PRECIOUS):
            self._put((self._scribe.event, (stamp_ns, kind, text, level)))

    def stop(self, stamp_ns: int, category: int, causes: Sequence[str]) -> None:
        """Record a stop after it was ordered, never before: stop first, then write."""
        self._put((self._scribe.stop, (stamp_ns, category, tuple(causes))))

    def outcome(self, summary: Mapping[str, Any]) -> None:
        """Record how the run ended; the values may be anything JSON has, and arrays."""
        self._put((self._scribe.outcome, (dict(summary),)))

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Wait until all that was recorded so far outlives this process; False if that took too long."""
        reached = threading.Event()
        self._put((self._scribe.barrier, (reached,)))
        return reached.wait(timeout_s)

    def close(self, timeout_s: float = 120.0) -> RecorderSummary:
        """Write what waits, close and pack the trace; the bound is for a disk that no longer answers."""
        if not self._closed:
            self._closed = True
            self._mark_gap()
            self._put((self._scribe.finish, ()))
            if not self._scribe.join(timeout_s):
                self._late = f"the trace was not closed within {timeout_s:g} s"
        scribe, telemetry = self._scribe, self._telemetry
        return RecorderSummary(
            path=self.path,
            messages=scribe.messages,
            head=scribe.head,
            fault=self.fault,
            dropped=self.dropped,
            lost=scribe.lost,
            telemetry_fault=telemetry.fault if telemetry else None,
        )

    def _has_room(self, kind: str, limit: float) -> bool:
        if not self._may_drop:
            return True
        if self._scribe.inbox.qsize() >= limit:
            self._dropped[kind] += 1
            self._gap[kind] += 1
            return False
        self._mark_gap()
        return True

    def _mark_gap(self) -> None:
        if self._gap:
            self._put((self._scribe.gap, (dict(self._gap),)))
            self._gap.clear()


def _create(path: Path, open_file: OpenFile) -> TraceFile:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return TraceFile(path, open_file)
    except FileExistsError as error:
        raise StorageError(
            "already holds a trace, and evidence is never overwritten",
            field="out",
            value=str(path.parent),
            mend="Name a folder that is not there yet.",
        ) from error
    except OSError as error:
        raise StorageError(
            f"cannot be written: {error.strerror or error}",
            field="out",
            value=str(path.parent),
            mend="Name a folder you may write to, on a disk with room.",
        ) from error
