"""A recorder that keeps nothing, for runs of which only something else is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from interlock.hal.chunk import ActionChunk
from interlock.hal.frame import Frame
from interlock.hal.phase import Phase
from interlock.hal.scene import Scene
from interlock.planners.plan import Plan
from interlock.traces.recorder import RecorderSummary
from interlock.traces.tick import TickLike

__all__ = ["OffRecord"]


class OffRecord:
    """Stands where a `interlock.traces.recorder.Recorder` stands, and forgets what it is told.

    Attributes:
        path: where a trace would be.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "trace.mcap"

    def plan(self, plan: Plan) -> None:
        """Forget it."""

    def chunk(self, chunk: ActionChunk) -> None:
        """Forget it."""

    def phase(self, phase: Phase, stamp_ns: int) -> None:
        """Forget it."""

    def tick(self, report: TickLike) -> None:
        """Forget it."""

    def frame(self, frame: Frame) -> None:
        """Forget it."""

    def scene(self, scene: Scene) -> None:
        """Forget it."""

    def event(self, stamp_ns: int, kind: str, text: str, level: str = "info") -> None:
        """Forget it."""

    def stop(self, stamp_ns: int, category: int, causes: Sequence[str]) -> None:
        """Forget it."""

    def outcome(self, summary: Mapping[str, Any]) -> None:
        """Forget it."""

    def close(self, timeout_s: float = 0.0) -> RecorderSummary:
        """Nothing was written."""
        return RecorderSummary(
            path=self.path, messages=0, head="", fault=None, dropped={}, lost=0, telemetry_fault=None
        )
