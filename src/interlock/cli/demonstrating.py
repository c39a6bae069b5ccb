"""The command that makes demonstrations."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from interlock.cli.options import (
    DEFAULT_CELL,
    GoalsOption,
    JsonOption,
    SeedOption,
    VariationOption,
    WorkersOption,
)

__all__ = ["app"]

app = typer.Typer()


@app.command(
    epilog="Exit codes: 0 as many as asked for, or --max-bytes reached · 2 bad input · 3 a goal was refused "
    "· 4 stopped with Ctrl-C; what was made can be read, and the same command goes on."
)
def demos(
    cell: Annotated[
        list[str] | None,
        typer.Option("--cell", metavar="FILE", help="A cell; repeat for more. [default: panda_tabletop]"),
    ] = None,
    episodes: Annotated[
        int,
        typer.Option(
            "--episodes", min=1, metavar="N", help="How many for each cell; failed ones not counted."
        ),
    ] = 50,
    seed: SeedOption = 0,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder; each cell's set is in DIR/CELL.")
    ] = Path("demos"),
    noise: Annotated[
        float | None,
        typer.Option(
            "--noise",
            min=0.0,
            help="How much the motion is pushed off its way; labels stay clean. [default: 1.0]",
        ),
    ] = None,
    variation: VariationOption = "all",
    workers: WorkersOption = 1,
    goal: GoalsOption = None,
    action_space: Annotated[
        str,
        typer.Option(
            "--action-space", metavar="SPACE", help="joint_position, tool_pose, tool_delta or tool_step."
        ),
    ] = "tool_delta",
    max_bytes: Annotated[
        int | None,
        typer.Option("--max-bytes", min=1, metavar="N", help="Stop before all files together are larger."),
    ] = None,
    keep_failed: Annotated[
        bool, typer.Option("--keep-failed", help="Keep demonstrations that missed their goal, too.")
    ] = False,
    stills: Annotated[
        int,
        typer.Option(
            "--stills",
            min=0,
            metavar="N",
            help="Instead of motion, N pictures an episode of what is meant and where it is; without --goal, "
            "--noise and --keep-failed.",
        ),
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Make demonstrations for training: the expert in varied cells, under the gate.

    Each set is a LeRobotDataset v3.0 on disk. Cut off at any time, the same command
    goes on where it was; the same command always makes the same set.

    A camera model learns much sooner what "the red block" means from many pictures
    that have nothing in common: --stills makes those in minutes, for training beside
    the demonstrations.

    Example: interlock demos --episodes 200 --out demos --workers 2

    Example: interlock demos --episodes 400 --stills 10 --out stills --workers 2
    """
    from interlock.orchestrator.interrupts import Interrupts

    with Interrupts(last=True) as interrupts:
        from interlock.orchestrator.cold_start import say_if_cold
        from interlock.orchestrator.console import make_console, native_stdout_to_stderr
        from interlock.orchestrator.demos_command import demos as make

        say_if_cold()
        with native_stdout_to_stderr() if as_json else nullcontext():
            made = make(
                cell or [DEFAULT_CELL],
                episodes=episodes,
                seed=seed,
                out=out,
                noise=noise,
                variation=variation,
                workers=workers,
                goals=goal or [],
                action_space=action_space,
                max_bytes=max_bytes,
                keep_failed=keep_failed,
                stills=stills,
                console=make_console(stderr=True),
                interrupts=interrupts,
            )
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in made]))
        return
    for each in made:
        typer.echo(
            f"{each.folder}: {each.episodes} episodes, {each.frames} frames, {each.nbytes / 2**20:.1f} MiB; "
            f"{each.failed} attempts failed{' (--max-bytes reached)' if each.full else ''}"
        )
