"""`python -m interlock`, and the console script."""

from __future__ import annotations

import sys

from interlock.errors import InterlockError

__all__ = ["main"]


def main() -> int:
    """Run the command line; an error raised on purpose becomes one message and its exit code."""
    from interlock.cli import app

    try:
        app(prog_name="interlock")
    except InterlockError as error:
        _show(error)
        return int(error.exit_code)
    return 0


def _show(error: InterlockError) -> None:
    from rich.console import Console
    from rich.text import Text

    from interlock.orchestrator.terminal_text import plain

    message = Text("interlock: ", style="bold red").append(plain(error.message), style="not bold default")
    Console(stderr=True, highlight=False).print(message, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
