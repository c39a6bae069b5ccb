"""Whether a question knows of the world what the questions before it saw, no more and no less."""

from __future__ import annotations

from interlock.guards.intake import GateInput
from interlock.orchestrator.seen import Seen
from interlock.traces.questions import same_scene

__all__ = ["Followed"]


class Followed:
    """Follows the scenes of the questions of a trace as the drive did.

    Args:
        window_s: see `Seen`.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._seen: Seen | None = Seen(window_s)
        self._known_ns: int | None = None  # nothing after it was left out; None: nothing that still counts

    def lose(self) -> None:
        """Scenes may have been seen that nobody recorded."""
        self._seen = None

    def unlike(self, given: GateInput) -> str:
        """How the earlier scenes of the next question are not those of the questions before, or ""."""
        if self._seen is None:
            self._resume(given)
            return ""
        self._seen.take(given.scene)
        due, told = self._seen.earlier(), given.earlier
        if not self._whole(given):
            due, told = due[:1], told[:1]
        same = len(due) == len(told) and all(map(same_scene, due, told))
        return "" if same else "question.earlier is not what the questions before it saw"

    def knew(self, stamp_ns: int) -> bool:
        """Whether the last scene of a question is of that time; or there may be one that was left out."""
        last = None if self._seen is None else self._seen.scene
        return last is None or last.stamp_ns == stamp_ns

    def _resume(self, given: GateInput) -> None:
        """Take the last sightings from the question itself."""
        self._seen = Seen(self._window_s)
        self._known_ns = given.scene.stamp_ns
        if given.earlier:
            self._known_ns = given.earlier[0].stamp_ns
            self._seen.take(given.earlier[0])
        self._seen.take(given.scene)

    def _whole(self, given: GateInput) -> bool:
        """Whether the oldest scene of the window is known."""
        if self._known_ns is not None and given.scene.stamp_ns - self._known_ns > round(self._window_s * 1e9):
            self._known_ns = None
        return self._known_ns is None
