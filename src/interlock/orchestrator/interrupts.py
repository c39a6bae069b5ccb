"""Ctrl-C, SIGTERM, SIGHUP: before a robot may move they end the start-up, afterwards they ask for a stop."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

from interlock.errors import StoppedError

__all__ = ["Interrupts"]


class Interrupts:
    """Catches SIGINT, SIGTERM and SIGHUP while it is entered, where signals can be caught (the main thread).

    As long as nothing can move, the first signal raises KeyboardInterrupt at once, and leaving turns that
    into a `StoppedError`; a second one must not cut short what the first one made happen. From `defer` on
    signals are only remembered: the loop looks at `cause` each tick, so that the robot stops first. A signal
    that met a place where nothing can be raised is remembered too.

    Args:
        last: whether the process ends after it. Then leaving does not put the old handlers back: a second
            Ctrl-C is to change neither what is printed nor the exit code.

    Attributes:
        cause: who asked for a stop, or "".
        latched: whether a stop was latched for it before anything could move.
    """

    def __init__(self, *, last: bool = False) -> None:
        self.cause = ""
        self.latched = False
        self._last = last
        self._deferred = False
        self._before: dict[int, Callable[[int, FrameType | None], Any] | int | None] = {}

    def defer(self) -> None:
        """From now on a robot may move."""
        self._deferred = True

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """A signal came."""
        if self.cause:
            return
        name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        self.cause = f"operator: {name}"
        if not self._deferred:
            raise KeyboardInterrupt

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_IGN and number == signal.SIGHUP:
                continue  # nohup: a closed terminal is to change nothing
            try:
                self._before[number] = signal.signal(number, self)
            except ValueError:  # not the main thread: whoever runs us there stops us by the state folder
                break
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deferred = True
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_IGN if self._last else handler)
        self._before.clear()
        if isinstance(error, KeyboardInterrupt):
            then = "a stop is latched" if self.latched else "nothing is latched"
            raise StoppedError(
                f"{self.cause or 'operator: Ctrl-C'}, before anything moved; {then}",
                mend="Run `interlock reset` for this robot before the next run." if self.latched else "",
            ) from error
