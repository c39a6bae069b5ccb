"""Arguments and options that several commands share, and what `--help` says of exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from interlock.policy.vla.shipped_weights import shipped_weights, weights_at

__all__ = [
    "CHECKPOINT_HELP",
    "DEFAULT_CELL",
    "EXIT_CODES",
    "CellOption",
    "CheckpointOption",
    "Goal",
    "GoalsOption",
    "JsonOption",
    "PolicyOption",
    "SeedOption",
    "StateDirOption",
    "VariationOption",
    "WorkersOption",
    "checkpoint_folder",
]

EXIT_CODES = (
    "Exit codes: 0 achieved · 2 bad input, nothing started · 3 refused before moving · "
    "4 stopped (Ctrl-C included; latched once the robot may move) · 5 gave up safely, robot at standstill."
)
DEFAULT_CELL = "panda_tabletop"

Goal = Annotated[str, typer.Argument(help='What to do, in plain English: "put the red block in the tray".')]
GoalsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--goal",
        metavar="GOAL",
        help="A goal; repeat for more, taken in turn. Else: each block into the tray.",
    ),
]
CellOption = Annotated[
    str, typer.Option("--cell", metavar="FILE", help="A cell file, or a name that `interlock cells` lists.")
]
PolicyOption = Annotated[
    str | None,
    typer.Option(
        "--policy", metavar="NAME", help="A policy that `interlock policies` lists; else the cell's."
    ),
]
CHECKPOINT_HELP = (
    f"a folder that `interlock train` has written, or weights that ship: {', '.join(shipped_weights())}."
)


def checkpoint_folder(told: str) -> Path:
    """Folder of the checkpoint that a person names."""
    return weights_at(told)


CheckpointOption = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        metavar="NAME|DIR",
        parser=checkpoint_folder,
        help=f"Learned policy: {CHECKPOINT_HELP}",
    ),
]
VariationOption = Annotated[
    str,
    typer.Option(
        "--variation",
        metavar="AXES",
        help="all, none, or some of position,arrangement,lighting,texture,instance,camera,paraphrase.",
    ),
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, metavar="N", help="Same seed, same run, bit by bit (in lockstep).")
]
StateDirOption = Annotated[
    Path | None,
    typer.Option(
        "--state-dir",
        metavar="DIR",
        help="Identity of a simulated robot: its lock and its latch. Two runs side by side need two.",
    ),
]
WorkersOption = Annotated[
    int, typer.Option("--workers", min=1, metavar="N", help="Processes that play; the result is the same.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line of stdout.")]
