"""Rollouts of a checkpoint whose questions are kept: which, and how far they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.orchestrator.axes import Axis
from interlock.orchestrator.demos import default_goals
from interlock.orchestrator.eval_run import evaluated_cell
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.kept_rows import KeptRows
from interlock.orchestrator.played_files import played_files
from interlock.orchestrator.resumption import Tell, play_missing
from interlock.orchestrator.watched_rollout import RolloutOrder
from interlock.policy.uncertainty.options import CALIBRATION

__all__ = ["RolloutsRequest", "orders_of", "play_rollouts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutsRequest:
    """What is asked for.

    Attributes:
        cell: file or name of the cell.
        checkpoint: folder of the policy.
        axes: what is varied, as it was taught.
        episodes: how many.
        seed: the first episode's; the others follow.
        goals: taken in turn; none: each block into each tray.
        samples: samples K of each question.
        shadow: as in `RolloutOrder`.
        max_sim_time_s: end each after this long, [s].
        workers: processes that play.
        keep: folder in which rollouts are kept.
    """

    cell: str
    checkpoint: str
    axes: tuple[Axis, ...]
    episodes: int
    seed: int
    goals: tuple[str, ...]
    samples: int
    shadow: bool
    max_sim_time_s: float
    workers: int
    keep: Path


def orders_of(request: RolloutsRequest) -> Iterator[RolloutOrder]:
    """The rollouts, by seed."""
    goals = request.goals or default_goals(evaluated_cell(request.cell, request.checkpoint))
    for episode in range(request.episodes):
        yield RolloutOrder(
            cell=request.cell,
            checkpoint=request.checkpoint,
            goal=goals[episode % len(goals)],
            axes=request.axes,
            seed=request.seed + episode,
            samples=request.samples,
            shadow=request.shadow,
            max_sim_time_s=request.max_sim_time_s,
        )


def play_rollouts(
    request: RolloutsRequest,
    function: Callable[[RolloutOrder], dict[str, Any]],
    tell: Tell,
    interrupts: Interrupts,
    about: object = None,
) -> list[dict[str, Any]]:
    """Do what is missing, and give all rows in the order of the seeds.

    Args:
        request: what is asked for.
        function: plays one rollout and says what is to be kept of it, as plain JSON.
        tell: as `Tell`.
        interrupts: Ctrl-C: what was played is kept.
        about: what the rows depend on beside the request, as plain JSON.

    Raises:
        BadInputError: if the folder holds other rollouts, or such that other code played.
        StoppedError: after Ctrl-C.
        StorageError: if the folder cannot be written.
    """
    return play_missing(
        list(orders_of(request)),
        function,
        key=lambda order: (order.seed,),
        kept=KeptRows(request.keep / "rollouts.jsonl", _digest(request, about), "keep"),
        workers=request.workers,
        tell=tell,
        interrupts=interrupts,
    )


def _digest(request: RolloutsRequest, about: object) -> str:
    """What a row depends on beside its seed."""
    cell = evaluated_cell(request.cell, request.checkpoint)
    facts = [
        cell.sha256,
        [axis.value for axis in request.axes],
        list(request.goals or default_goals(cell)),
        request.seed,  # decides which goal a seed has
        request.samples,
        request.shadow,
        request.max_sim_time_s,
        about,
        played_files(request.checkpoint, without=(CALIBRATION,)),  # which is what is made of the rollouts
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
