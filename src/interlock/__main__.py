"""`python -m interlock`, and the console script."""

from __future__ import annotations

import atexit
import errno
import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy comes: another number of threads rounds another way

from interlock.errors import ExitCode, InterlockError

__all__ = ["entry", "main"]


def entry() -> NoReturn:
    """The whole process: it leaves with the code of `main`, whatever still computes or was interrupted."""
    ending = _Ending()
    atexit.register(ending.leave)  # the first one is called last: everyone else has let go by then
    try:
        ending.code = main()
    except SystemExit as error:  # as typer ends
        ending.code = error.code if isinstance(error.code, int) else int(error.code is not None)
        raise
    sys.exit(ending.code)


def main() -> int:
    """Run the command line; an error raised on purpose becomes one message and its exit code."""
    try:
        from interlock.cli import app

        app(prog_name="interlock")
    except InterlockError as error:
        _show(error)
        return int(error.exit_code)
    except KeyboardInterrupt:  # before any command had begun
        return int(ExitCode.STOPPED)
    except OSError as error:
        if error.errno != errno.ENOSPC:  # what a full disk does to stdout
            raise
        print(f"interlock: the answer cannot be written ({error.strerror or error})", file=sys.stderr)
        return int(ExitCode.BAD_INPUT)
    return 0


class _Ending:
    """The last thing that a process does.

    Python ends daemon threads by unwinding them as soon as they come back from native code, and C++ (torch)
    answers that with `terminate`: exit code 134 in place of 4 after a Ctrl-C while a policy thinks. And where
    Ctrl-C came while a library ran Python of its own (`PyRun_…`, as some do while they are imported), Python
    notes it as unhandled for good and ends `python -m` by SIGINT, though it was handled long ago.
    """

    code = 1

    def leave(self) -> None:
        thinking = any(thread.daemon for thread in threading.enumerate())
        if not thinking and self.code != ExitCode.STOPPED:
            return
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(self.code)


def _show(error: InterlockError) -> None:
    from rich.console import Console
    from rich.text import Text

    from interlock.orchestrator.terminal_text import plain

    message = Text("interlock: ", style="bold red").append(plain(error.message), style="not bold default")
    Console(stderr=True, highlight=False).print(message, soft_wrap=True)


if __name__ == "__main__":
    entry()
