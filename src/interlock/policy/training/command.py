"""The command line of a training."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType

from interlock.errors import ExitCode, InterlockError
from interlock.policy.training.options import parser, request_of

__all__ = ["main"]


class _Ending:
    """Remembers Ctrl-C and SIGTERM; a second one ends at once."""

    def __init__(self) -> None:
        self.cause = ""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.cause:
            raise KeyboardInterrupt
        self.cause = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        print(f"{self.cause}: a state is written after this step", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None, prog: str = "python -m interlock.policy.training") -> int:
    """0 trained; 2 bad input; 4 ended early, with a state to go on from."""
    options = parser(prog).parse_args(arguments)
    try:
        request = request_of(options)
        ending, began_s = _Ending(), time.monotonic()
        from interlock.policy.training.progress import TextProgress
        from interlock.policy.training.train import train

        progress = TextProgress(sys.stderr, began_s)
        summary = train(request, progress.tell, progress.say, lambda: bool(ending.cause))
    except InterlockError as error:
        print(error.message, file=sys.stderr)
        return int(error.exit_code)
    if options.json:
        print(summary.to_json())
    elif summary.done:
        figures = "  ".join(f"{name} {value:.3g}" for name, value in summary.figures.items())
        print(f"{summary.checkpoint}: {summary.steps} steps  {figures}")
    else:
        print(f"{summary.steps} of {request.steps} steps; the same command goes on.")
    return int(ExitCode.ACHIEVED if summary.done else ExitCode.STOPPED)
