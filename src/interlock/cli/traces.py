"""The commands under `interlock trace`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from interlock.cli.options import EXIT_CODES, JsonOption

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Look at what a run left behind.", epilog=EXIT_CODES)

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or its trace file.")]


@app.command(
    "show",
    epilog="Exit codes: 0 its chain is whole, or its run never closed it · 2 there is no readable trace · "
    "3 its chain is broken.",
)
def show(
    run_folder: RunFolder,
) -> None:
    """Say in one screen what a trace holds and whether its chain is whole.

    A chain that is broken ends with code 3: something was changed, added or taken away after the run.
    """
    from interlock.traces.chain import ChainState
    from interlock.traces.show import render_text, summarise

    summary = summarise(run_folder)
    typer.echo(render_text(summary), nl=False)
    raise typer.Exit(3 if summary.chain.state is ChainState.BROKEN else 0)


@app.command("report", epilog="Exit codes: 0 · 2 there is no readable trace.")
def report(
    run_folder: RunFolder,
) -> None:
    """Write the report of a trace again: one HTML file that needs no network."""
    from interlock.traces.report import build_report

    typer.echo(str(build_report(run_folder)))


@app.command(
    "replay",
    epilog="Exit codes: 0 every answer is the same · 2 there is no readable trace, or records of it are "
    "missing · 3 an answer differs, or its chain is broken · 4 every answer is the same, but this is not the "
    "whole run: the recorder left out ticks, or never closed the trace.",
)
def replay(
    run_folder: RunFolder,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help="Compare every bit of preview, verdict, certificate and command. Without it: texts, whole "
            "numbers, and others within 1e-6, but no hashes and reasons (for another kind of processor).",
        ),
    ] = False,
    cell: Annotated[
        str | None, typer.Option("--cell", metavar="FILE", help="Use this cell, not the one in the trace.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the gate again, at every tick of a trace, what it was asked then, and compare the answers.

    It also follows the hash chain, and finds ticks that lack a record, that do not begin one period after
    the one before, or that moved otherwise than by the last command, its stop and standstill. It does not
    show why the gate was not asked where the stop in hand plays all the same, nor what was left out.
    Nothing moves: it needs no robot and no simulator, only the trace, the robot's URDF and the same packages.
    A trace names the plug-ins of its cell, and they are imported: replay only what you would also run.
    """
    from interlock.orchestrator.cold_start import say_if_cold
    from interlock.orchestrator.console import counting, make_console
    from interlock.orchestrator.replay import replay as ask_again
    from interlock.orchestrator.terminal_text import plain

    say_if_cold()
    with counting("ticks asked again") as tell:
        result = ask_again(run_folder, cell=cell, exact=exact, tell=tell)
    if as_json:
        typer.echo(result.to_json())
    else:
        how = "bit for bit" if exact else "within 1e-6"
        make_console().print(
            f"{result.same} of {result.decisions} decisions are the same, {how}; "
            f"at {result.not_asked} ticks the gate was not asked.",
            highlight=False,
        )
        if result.dropped:
            typer.echo(
                f"Not the whole run: the recorder left out {result.dropped} ticks, and said so; "
                "nothing is shown of them."
            )
        if result.first_difference:
            typer.echo(f"First difference: {plain(result.first_difference)}")
        if result.chain.reason:
            typer.echo(f"Chain {result.chain.state}: {plain(result.chain.reason)}")
    raise typer.Exit(3 if not result.holds else 0 if result.whole else 4)
