"""The command line: a module holds commands of one kind, `options` what they share.

A command imports what it needs when it runs: `--help` must be instant.
May import: everything, inside a command; at its head a module imports typer and its neighbours alone.
"""

from __future__ import annotations

from typing import Annotated

import typer

from interlock.cli import (
    benching,
    demonstrating,
    doubting,
    learned,
    listing,
    running,
    serving,
    stopping,
    traces,
    training,
)
from interlock.cli.options import EXIT_CODES

__all__ = ["app"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    epilog=EXIT_CODES,
    help="A goal in words becomes guarded motion: nothing a policy proposes reaches the robot unless it has "
    "just been shown that the robot can still stop in time. The stop is a software stop, not an emergency "
    "stop.\n\n"
    'Start with: interlock run "put the red block in the tray"',
)
for part in (running, stopping, listing, benching, training, serving, demonstrating):
    app.add_typer(part.app)  # without a name: its commands stand at the top, in this order
app.add_typer(traces.app, name="trace")
learned.app.add_typer(doubting.app)
app.add_typer(learned.app, name="policy")


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)
    ] = False,
) -> None:
    if version:
        from interlock import __version__

        typer.echo(__version__)
        raise typer.Exit(0)
