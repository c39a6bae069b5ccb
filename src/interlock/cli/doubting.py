"""The commands about when a learned policy is unsure, under `interlock policy`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from interlock.cli.options import (
    CHECKPOINT_HELP,
    DEFAULT_CELL,
    CellOption,
    GoalsOption,
    JsonOption,
    VariationOption,
    WorkersOption,
    checkpoint_folder,
)

__all__ = ["app"]

app = typer.Typer()

_ENDS = (
    "Exit codes: 0 done · 2 bad input, or too few rollouts succeeded · 4 stopped; what was played is kept."
)

JudgedOption = Annotated[
    Path,
    typer.Option(
        "--checkpoint",
        metavar="NAME|DIR",
        parser=checkpoint_folder,
        help=f"Learned policy: {CHECKPOINT_HELP}",
    ),
]
ShadowOption = Annotated[
    bool,
    typer.Option("--shadow", help="The scripted expert moves the arm; the checkpoint is only asked."),
]
LongestOption = Annotated[
    float, typer.Option("--max-time", min=1.0, metavar="S", help="End a rollout after so many seconds.")
]
KeepOption = Annotated[
    Path | None,
    typer.Option("--keep", metavar="DIR", help="Folder in which rollouts are kept; else in runs/."),
]


@app.command("calibrate", epilog=_ENDS)
def calibrate(
    checkpoint: JudgedOption,
    cell: CellOption = DEFAULT_CELL,
    variation: VariationOption = "all",
    episodes: Annotated[int, typer.Option("--episodes", min=1, metavar="N", help="How many.")] = 30,
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="The first episode's; others follow.")
    ] = 2_000_000,
    goal: GoalsOption = None,
    samples: Annotated[
        int, typer.Option("--samples", min=2, max=64, metavar="K", help="Samples of each question.")
    ] = 8,
    slow_share: Annotated[
        float, typer.Option("--slow-share", metavar="A", help="Share of such rollouts that may be slowed.")
    ] = 0.3,
    doubt_share: Annotated[
        float, typer.Option("--doubt-share", metavar="A", help="Share in which it may be doubted.")
    ] = 0.1,
    shadow: ShadowOption = False,
    max_time: LongestOption = 40.0,
    workers: WorkersOption = 1,
    keep: KeepOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="The calibration; else calibration.json beside the weights."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Play rollouts under the gate, and learn from those that succeed what a sure policy looks like.

    What a policy meets later and that is unlike them is slowed, asked again, held or planned anew
    (docs/uncertainty.md). Cut off at any time, the same command goes on. Use seeds that no demonstration had.

    Example: interlock policy calibrate --checkpoint trained/checkpoint --episodes 30 --workers 2
    """
    from interlock.orchestrator.console import make_console, native_stdout_to_stderr, print_answer
    from interlock.orchestrator.interrupts import Interrupts
    from interlock.orchestrator.uncertainty_command import (
        calibrate_policy,
        calibration_file,
        calibration_lines,
        rollouts_request,
    )

    request = rollouts_request(
        cell=cell,
        checkpoint=checkpoint,
        variation=variation,
        episodes=episodes,
        seed=seed,
        goals=goal or (),
        samples=samples,
        shadow=shadow,
        max_sim_time_s=max_time,
        workers=workers,
        keep=keep,
        what="calibrate",
    )
    path = calibration_file(checkpoint, out, "out")
    with Interrupts(last=True) as interrupts, native_stdout_to_stderr():
        made = calibrate_policy(
            request,
            slow_share=slow_share,
            doubt_share=doubt_share,
            out=path,
            console=make_console(stderr=True),
            interrupts=interrupts,
        )
    if as_json:
        facts = {name: getattr(made, name) for name in ("slow", "doubt", "slow_share", "doubt_share")}
        print_answer(json.dumps({"file": str(path), "sha256": made.sha256, **facts, **asdict(made.played)}))
    else:
        make_console().print(calibration_lines(made, path), highlight=False, soft_wrap=True)


@app.command("auroc", epilog=_ENDS)
def auroc(
    checkpoint: JudgedOption,
    calibration: Annotated[
        Path | None,
        typer.Option("--calibration", metavar="FILE", help="Else calibration.json beside the weights."),
    ] = None,
    cell: CellOption = DEFAULT_CELL,
    variation: VariationOption = "all",
    episodes: Annotated[int, typer.Option("--episodes", min=1, metavar="N", help="How many.")] = 10,
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="The first episode's; others follow.")
    ] = 3_000_000,
    goal: GoalsOption = None,
    questions: Annotated[
        int, typer.Option("--questions", min=1, metavar="N", help="At most so many of each rollout.")
    ] = 20,
    shadow: ShadowOption = False,
    max_time: LongestOption = 40.0,
    workers: WorkersOption = 1,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure whether black, frozen, mirrored, BGR or shifted pictures and wrong instructions show.

    Questions of rollouts that succeed are asked again with one thing wrong: how often does the wrong one have
    the higher score? 0.5 is chance. Seeds of the calibration are refused.

    Example: interlock policy auroc --checkpoint trained/checkpoint --episodes 10
    """
    from interlock.orchestrator.console import make_console, native_stdout_to_stderr, print_answer
    from interlock.orchestrator.interrupts import Interrupts
    from interlock.orchestrator.uncertainty_command import (
        auroc_table,
        calibration_file,
        measure_auroc,
        rollouts_request,
    )

    request = rollouts_request(
        cell=cell,
        checkpoint=checkpoint,
        variation=variation,
        episodes=episodes,
        seed=seed,
        goals=goal or (),
        samples=2,  # as many as the calibration has
        shadow=shadow,
        max_sim_time_s=max_time,
        workers=workers,
        keep=keep,
        what="auroc",
    )
    with Interrupts(last=True) as interrupts, native_stdout_to_stderr():
        rows = measure_auroc(
            request,
            calibration=calibration_file(checkpoint, calibration, "calibration"),
            questions=questions,
            console=make_console(stderr=True),
            interrupts=interrupts,
        )
    if as_json:
        print_answer(json.dumps([asdict(row) for row in rows]))
    else:
        make_console().print(auroc_table(rows))
