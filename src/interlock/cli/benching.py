"""The command that measures this host."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from interlock.cli.answer import answer
from interlock.cli.options import CHECKPOINT_HELP, JsonOption, checkpoint_folder

__all__ = ["app"]

app = typer.Typer()


@app.command()
def bench(
    name: Annotated[
        str | None, typer.Argument(help="tick, gate, chunk, growth, program, realtime or policy; else all.")
    ] = None,
    peer: Annotated[
        Path | None,
        typer.Option(
            metavar="PYTHON", help="An interpreter with cbfpy, for gate; else that of `make bench`."
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            metavar="NAME|DIR",
            parser=checkpoint_folder,
            help=f"Weights for policy, else random ones: {CHECKPOINT_HELP}",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure what this host can do: parts of a tick, real time, the learned policy; medians and tails."""
    from interlock.orchestrator import bench as benchmarks
    from interlock.orchestrator.bench_table import bench_table
    from interlock.orchestrator.cold_start import say_if_cold

    say_if_cold()
    measured = benchmarks.run(name, peer or benchmarks.PEER, checkpoint)
    answer(measured, lambda: bench_table(measured), as_json=as_json)
