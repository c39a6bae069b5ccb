"""Progress of a training for a person: a line now and then."""

from __future__ import annotations

import time
from typing import TextIO

from interlock.policy.training.trainer import Report

__all__ = ["TextProgress"]

_PAUSE_S = 5.0
_SHOWN = ("loss", "action_loss", "grounding_loss")


class TextProgress:
    """Writes at most a line every five seconds, with the time that is left.

    Args:
        stream: where to.
        began_s: monotonic time at which the command began, [s].
    """

    def __init__(self, stream: TextIO, began_s: float) -> None:
        self._stream = stream
        self._began_s = began_s
        self._next_s = 0.0
        self._first: tuple[int, float] | None = None

    def say(self, text: str) -> None:
        """A sentence."""
        print(text, file=self._stream, flush=True)

    def tell(self, report: Report) -> None:
        """How far it is."""
        now_s = time.monotonic()
        self._first = self._first or (report.step, now_s)
        if now_s < self._next_s and report.step < report.steps:
            return
        self._next_s = now_s + _PAUSE_S
        losses = "  ".join(f"{name} {report.figures[name]:.4f}" for name in _SHOWN)
        print(
            f"{report.stage} {report.step}/{report.steps}  {losses}  {report.frames_per_s:.0f} frames/s  "
            f"{now_s - self._began_s:.0f} s, left {self._left(report, now_s)}",
            file=self._stream,
            flush=True,
        )

    def _left(self, report: Report, now_s: float) -> str:
        first, since_s = self._first or (report.step, now_s)
        if report.step == first:
            return "?"
        return f"{(now_s - since_s) / (report.step - first) * (report.steps - report.step):.0f} s"
