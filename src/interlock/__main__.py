"""`python -m interlock`, and the console script."""

from __future__ import annotations

import errno
import os
import sys

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy comes: another number of threads rounds another way

from interlock.errors import ExitCode, InterlockError

__all__ = ["main"]


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


def _show(error: InterlockError) -> None:
    from rich.console import Console
    from rich.text import Text

    from interlock.orchestrator.terminal_text import plain

    message = Text("interlock: ", style="bold red").append(plain(error.message), style="not bold default")
    Console(stderr=True, highlight=False).print(message, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
