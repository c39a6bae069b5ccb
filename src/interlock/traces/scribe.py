"""The recorder's own thread: takes what it is handed, writes it, and never lets a fault out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import Any

from interlock.hal.chunk import ActionChunk
from interlock.hal.frame import Frame
from interlock.hal.phase import Phase
from interlock.hal.scene import Scene
from interlock.planners.plan import Plan
from interlock.traces import records
from interlock.traces.container import OpenFile, TraceFile, repack
from interlock.traces.encoding import encode
from interlock.traces.picture import picture_record
from interlock.traces.questions import QuestionLog
from interlock.traces.run_info import RunInfo
from interlock.traces.scene_log import SceneLog
from interlock.traces.telemetry import Telemetry
from interlock.traces.tick import TickLike
from interlock.traces.topics import CAMERA_PREFIX, TIMING

__all__ = ["Job", "Scribe"]

Job = tuple[Callable[..., None], tuple[Any, ...]]
"""A method of the scribe and what to call it with."""

_FLUSH_EVERY = 32
_PATHS = ("report", "trace")


class Scribe:
    """Writes one run. Only its own thread calls anything but `start`, `inbox.put` and the plain attributes.

    Attributes:
        inbox: jobs, in order.
        fault: the first thing that went wrong, or None.
        lost: jobs that could not be written after a fault.
    """

    def __init__(
        self, file: TraceFile, run: RunInfo, telemetry: Telemetry | None, open_file: OpenFile
    ) -> None:
        self.inbox: SimpleQueue[Job] = SimpleQueue()
        self.fault: str | None = None
        self.lost = 0
        self.messages = 0
        self.head = ""
        self._file = file
        self._dead = False
        self._done = False
        self._run = run
        self._now_ns = run.start_ns
        self._scenes = SceneLog()
        self._questions = QuestionLog()
        self._telemetry = telemetry
        self._open_file = open_file
        self._thread = threading.Thread(target=self._work, name="interlock-recorder", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self.inbox.put((self.open, ()))
        self._thread.start()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread to end; False if it did not in time."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        waiting = 0
        while not self._done:
            job, arguments = self.inbox.get()
            self._guarded(job, *arguments)
            waiting += 1
            if not self._done and (waiting >= _FLUSH_EVERY or self.inbox.empty()):
                waiting = 0
                self._guarded(self._flush)

    def _guarded(self, job: Callable[..., None], *arguments: Any) -> None:
        try:
            job(*arguments)
        except OSError as error:
            self._note(f"the trace could not be written: {error}")
            self._dead = True
            self._file.abandon()
        except Exception as error:  # a record that cannot be encoded must not end the recording
            self._note(f"a record was left out ({job.__name__}): {type(error).__name__}: {error}")
            self.lost += 1

    def _note(self, fault: str) -> None:
        self.fault = self.fault or fault

    def _add(
        self, topic: str, stamp_ns: int, record: Mapping[str, Any], publish_ns: int | None = None
    ) -> None:
        if self._dead:
            self.lost += 1
            return
        self._file.add(topic, stamp_ns, encode(record), publish_ns)

    def _flush(self) -> None:
        if not self._dead:
            self._file.flush()

    def _tell(self, what: str, *arguments: Any) -> None:
        if self._telemetry is None:
            return
        try:
            getattr(self._telemetry, what)(*arguments)
        except Exception as error:  # spans are for watching: the evidence does not depend on them
            self._telemetry.note(f"{type(error).__name__}: {error}")

    def open(self) -> None:
        """The run itself."""
        self._add("/run", self._now_ns, records.run_record(self._run))
        if self._run.started_at:
            self._add(TIMING, self._now_ns, {"started_at": self._run.started_at})
        self._tell("begin", self._run)

    def plan(self, plan: Plan) -> None:
        """The plan, at the time of the last tick."""
        self._add("/plan", self._now_ns, records.plan_record(plan))
        self._tell("plan", plan, self._now_ns)

    def chunk(self, chunk: ActionChunk) -> None:
        """A proposal; its own stamps are a policy's word and never place it in the file."""
        self._add("/chunk", self._now_ns, records.chunk_record(chunk))
        self._tell("chunk", chunk, self._now_ns)

    def phase(self, phase: Phase, stamp_ns: int) -> None:
        """A phase granted."""
        self._now_ns = stamp_ns
        self._add("/phase", stamp_ns, records.phase_record(phase, stamp_ns))
        self._tell("phase", phase, stamp_ns)

    def tick(self, report: TickLike) -> None:
        """One tick: state, verdict, certificate, command, timing."""
        now = self._now_ns = report.stamp_ns
        self._add("/state", now, records.state_record(report))
        if report.preview is not None:
            proposed, result = report.preview.proposed, report.preview.result
            if result.chunk is not proposed:
                self._add("/chunk", now, records.chunk_record(result.chunk))
            self._add("/preview", now, records.preview_record(proposed, result, report.tick))
        if report.given is not None:
            self._add("/question", now, self._questions.record(report.given, report.tick))
        self._add("/verdict", now, records.verdict_record(report.verdict, report.tick, now, report.chunk_seq))
        if report.certificate is not None:
            self._add("/certificate", now, records.certificate_record(report.certificate, report.tick))
        if report.command is not None:
            self._add("/command", now, records.command_record(report.command, report.tick))
        if report.overruled is not None:
            said = report.overruled
            record = records.overruled_record(
                said.verdict,
                said.certificate,
                said.command,
                tick=report.tick,
                stamp_ns=now,
                chunk_seq=report.chunk_seq,
            )
            self._add("/overruled", now, record)
        self._add(TIMING, now, {"tick": report.tick, "part_us": report.part_us})
        self._scenes.move_tool(report.tool_in_world)
        self._tell("tick", report)

    def frame(self, frame: Frame) -> None:
        """A picture; it may be older than the last tick."""
        self._add(CAMERA_PREFIX + frame.camera, self._now_ns, picture_record(frame), frame.stamp_ns)

    def scene(self, scene: Scene) -> None:
        """A snapshot of the world, and the same for a 3D panel now and then."""
        self._add("/scene", scene.stamp_ns, self._scenes.record(scene))
        markers = self._scenes.markers(scene)
        if markers is not None:
            self._add("/markers", scene.stamp_ns, markers)

    def event(self, stamp_ns: int, kind: str, text: str, level: str) -> None:
        """A line for people."""
        self._add("/event", stamp_ns, records.event_record(stamp_ns, kind, text, level))

    def gap(self, dropped: Mapping[str, int]) -> None:
        """Say in the trace itself that something is missing here: for programs, and for people."""
        self._add("/gap", self._now_ns, {"dropped": dict(dropped)})
        text = "left out because the disk was too slow: " + ", ".join(
            f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in sorted(dropped.items())
        )
        self.event(self._now_ns, "recorder", text, "warning")

    def stop(self, stamp_ns: int, category: int, causes: tuple[str, ...]) -> None:
        """A stop, on the disk before anything else goes on."""
        self._add("/stop", stamp_ns, records.stop_record(stamp_ns, category, causes))
        self._tell("stop", stamp_ns, category, causes)
        if not self._dead:
            self._file.sync()

    def outcome(self, summary: Mapping[str, Any]) -> None:
        """How the run ended; without paths, which are this machine's and no part of what happened."""
        told = {key: value for key, value in summary.items() if key not in _PATHS}
        self._add("/outcome", self._now_ns, told)
        self._tell("outcome", summary)

    def barrier(self, reached: threading.Event) -> None:
        """Flush, then say so."""
        try:
            self._flush()
        finally:
            reached.set()

    def finish(self) -> None:
        """Close the trace, pack it, end the telemetry and the thread."""
        self._guarded(self._close)
        self._tell("end", self._now_ns)
        self._done = True

    def _close(self) -> None:
        self.messages, self.head = self._file.chain.messages, self._file.chain.head
        if self._dead:
            return
        self._file.finish(self._now_ns)
        try:
            repack(self._file.path, self._open_file)
        except OSError as error:
            self._note(f"the trace is whole but could not be packed: {error}")
