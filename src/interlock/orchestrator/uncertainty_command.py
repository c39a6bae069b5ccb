"""`interlock policy calibrate` and `auroc` on the command line: options, progress, results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from interlock.errors import BadInputError
from interlock.orchestrator.calibrate import calibrate
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.episode_bar import episode_bar
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.policy_auroc import AurocRow, policy_auroc
from interlock.orchestrator.rollouts import RolloutsRequest
from interlock.orchestrator.variation import axes_named
from interlock.policy.uncertainty.calibration import Calibration
from interlock.policy.uncertainty.conformal import least_count
from interlock.policy.uncertainty.options import CALIBRATION
from interlock.policy.vla.shipped_weights import name_of, shipped_weights

__all__ = [
    "auroc_table",
    "calibrate_policy",
    "calibration_file",
    "calibration_lines",
    "measure_auroc",
    "rollouts_request",
]


def rollouts_request(
    *,
    cell: str,
    checkpoint: Path,
    variation: str,
    episodes: int,
    seed: int,
    goals: Sequence[str],
    samples: int,
    shadow: bool,
    max_sim_time_s: float,
    workers: int,
    keep: Path | None,
    what: str,
) -> RolloutsRequest:
    """The request; `keep` is runs/WHAT/CELL where none is named.

    Raises:
        InterlockError: if an option cannot be used.
    """
    if not checkpoint.is_dir():
        raise BadInputError(
            "there is no such folder",
            field="checkpoint",
            value=str(checkpoint),
            mend="Name the folder checkpoint/ that `interlock train` has written, or weights that ship: "
            f"{', '.join(shipped_weights())}.",
        )
    return RolloutsRequest(
        cell=cell,
        checkpoint=str(checkpoint.resolve()),
        axes=axes_named(variation),
        episodes=episodes,
        seed=seed,
        goals=tuple(goals),
        samples=samples,
        shadow=shadow,
        max_sim_time_s=max_sim_time_s,
        workers=workers,
        keep=keep or Path("runs") / what / Cell.load(cell).name,
    )


def calibration_file(checkpoint: Path, named: Path | None, option: str) -> Path:
    """Where the calibration of a checkpoint is: the file that is named, else one beside the weights.

    Raises:
        BadInputError: if none is named for weights that ship: what is beside them is for every run.
    """
    if option == "calibration" and named is None and (checkpoint / CALIBRATION).exists():
        return checkpoint / CALIBRATION
    if named is None and name_of(checkpoint) is not None:
        raise BadInputError(
            "no calibration ships with these weights, and nothing is written beside them",
            field=option,
            mend=f"Name a file with --{option}; a cell takes it with policy.options.uncertainty.calibration.",
        )
    return named or checkpoint / CALIBRATION


def calibrate_policy(
    request: RolloutsRequest,
    *,
    slow_share: float,
    doubt_share: float,
    out: Path,
    console: Console,
    interrupts: Interrupts,
) -> Calibration:
    """Calibrate, with a bar, and write the file.

    Raises:
        InterlockError: as `calibrate` does.
    """
    if doubt_share > slow_share:
        raise BadInputError(
            "more rollouts may be doubted than slowed",
            field="doubt-share",
            value=doubt_share,
            mend="Give --slow-share at least as much.",
        )
    least = max(least_count(slow_share), least_count(doubt_share))
    if request.episodes < least + -(-least // 2):
        raise BadInputError(
            "too few episodes for these shares, even if all succeed",
            field="episodes",
            value=request.episodes,
            mend=f"Play {least + -(-least // 2)} or more, or give a larger --doubt-share.",
        )
    with episode_bar(console, _said) as tell:
        made = calibrate(request, tell, interrupts, slow_share=slow_share, doubt_share=doubt_share)
    made.save(out)
    return made


def measure_auroc(
    request: RolloutsRequest, *, calibration: Path, questions: int, console: Console, interrupts: Interrupts
) -> list[AurocRow]:
    """Measure, with a bar.

    Raises:
        InterlockError: as `policy_auroc` does.
    """
    with episode_bar(console, _said) as tell:
        return policy_auroc(request, calibration, questions, tell, interrupts)


def calibration_lines(made: Calibration, out: Path) -> str:
    """What was calibrated, in three lines."""
    played = made.played
    used = len(played.seeds) - played.fitted
    return (
        f"{len(played.seeds)} of {played.episodes} rollouts succeeded, moved by {played.moved_by}: "
        f"{played.fitted} fitted to, {used} for the thresholds.\n"
        f"Slow beyond {made.slow:.3g} (at most {made.slow_share:.0%} of such rollouts), "
        f"doubt beyond {made.doubt:.3g} (at most {made.doubt_share:.0%}).\n"
        f"{out}"
    )


def auroc_table(rows: Sequence[AurocRow]) -> Table:
    """A row for each thing that was made wrong."""
    clean = rows[0]
    table = Table(title=f"AUROC, {clean.right} questions of {clean.rollouts} successful rollouts")
    for name in ("wrong", "n", "spread", "distance", "both", "slowed", "doubted"):
        table.add_column(name, justify="left" if name == "wrong" else "right")
    for row in rows:
        areas = ["–" if each is None else f"{each:.3f}" for each in (row.spread, row.distance, row.both)]
        shares = ["–" if each is None else f"{each:.0%}" for each in (row.slowed, row.doubted)]
        table.add_row(
            row.corruption, str(row.wrong or row.right if row is clean else row.wrong), *areas, *shares
        )
    return table


def _said(row: dict[str, Any]) -> str:
    return str(row["outcome"])
