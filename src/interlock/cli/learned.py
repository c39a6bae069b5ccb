"""The commands under `interlock policy`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from interlock.cli.answer import answer
from interlock.cli.options import (
    CHECKPOINT_HELP,
    DEFAULT_CELL,
    EXIT_CODES,
    CellOption,
    CheckpointOption,
    GoalsOption,
    JsonOption,
    PolicyOption,
    StateDirOption,
    VariationOption,
    WorkersOption,
    checkpoint_folder,
)

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Look at learned policies.", epilog=EXIT_CODES)


@app.command(
    "eval",
    epilog="Exit codes: 0 evaluated · 2 bad input · 4 stopped with Ctrl-C; what was played is kept.",
)
def evaluate(
    cell: CellOption = DEFAULT_CELL,
    policy: PolicyOption = None,
    checkpoint: CheckpointOption = None,
    variation: VariationOption = "all",
    episodes: Annotated[
        int, typer.Option("--episodes", min=1, metavar="N", help="How many for each row of the table.")
    ] = 50,
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="The first episode's; others follow.")
    ] = 1_000_000,
    goal: GoalsOption = None,
    puppet: Annotated[
        bool,
        typer.Option(
            "--puppet/--no-puppet",
            help="Play each episode without the gate too, on a simulated arm that is no robot.",
        ),
    ] = True,
    held_out: Annotated[
        bool,
        typer.Option("--held-out/--no-held-out", help="Hold each axis out too, in a row of its own."),
    ] = True,
    workers: WorkersOption = 1,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder of the episodes; else runs/eval/CELL-POLICY."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a policy on variation, not on one demo: success with n and Wilson's interval, and contacts.

    The first row varies everything as it was taught; each other row holds one axis out. Cut off at any time,
    the same command goes on. Use seeds that no demonstration had.

    Example: interlock policy eval --checkpoint trained/checkpoint --episodes 50 --workers 2
    """
    from interlock.orchestrator.console import make_console, native_stdout_to_stderr, print_answer
    from interlock.orchestrator.eval_command import eval_policy, eval_table
    from interlock.orchestrator.interrupts import Interrupts

    with Interrupts(last=True) as interrupts, native_stdout_to_stderr():
        results = eval_policy(
            cell=cell,
            policy=policy,
            checkpoint=checkpoint,
            variation=variation,
            episodes=episodes,
            seed=seed,
            goals=goal or (),
            puppet=puppet,
            held_out=held_out,
            workers=workers,
            out=out,
            console=make_console(stderr=True),
            interrupts=interrupts,
        )
    if as_json:
        print_answer(json.dumps([asdict(result) for result in results]))
    else:
        make_console().print(eval_table(results))


@app.command("describe", epilog="Exit codes: 0 · 2 there is no such preset or checkpoint.")
def describe(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FOLDER",
            help="A preset (tiny, tiny-scene, smoke or qwen-vla-4b), or a checkpoint's folder.",
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Count a learned policy's parameters, part by part; needs no memory for them.

    `qwen-vla-4b` has the attention `joint`, as published; the other presets have `cached`, which takes less
    time. Both have the same parameters.

    Example: interlock policy describe qwen-vla-4b
    """
    from interlock.orchestrator.policy_table import policy_table
    from interlock.policy.vla.describe import describe as count
    from interlock.policy.vla.describe import find_config

    description = count(find_config(name))
    answer(description.to_json(), lambda: policy_table(description), as_json=as_json)


@app.command(
    "swap",
    epilog="Exit codes: 0 asked for; its trace says more · 2 no such checkpoint, or no run is alive.",
)
def swap(
    checkpoint: Annotated[
        Path,
        typer.Argument(metavar="NAME|DIR", parser=checkpoint_folder, help=f"Candidate: {CHECKPOINT_HELP}"),
    ],
    cell: CellOption = DEFAULT_CELL,
    state_dir: StateDirOption = None,
) -> None:
    """Ask a living run to exchange its policy for another checkpoint.

    The checkpoint is loaded beside the policy in force and asked the same; a gate judges its chunks, and none
    is played. If enough of them pass, it takes over at the next hold. If it then fails before its first
    achieved task, the policy of before takes over again.

    Example: interlock policy swap trained/checkpoint
    """
    from interlock.orchestrator.robot_identity import known_state_dir
    from interlock.orchestrator.swap_command import ask_for_swap

    typer.echo(ask_for_swap(checkpoint, known_state_dir(cell, state_dir)))
