"""`interlock policy auroc`: whether the scores tell what is wrong from what is right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from interlock.errors import BadInputError
from interlock.hal.arrays import FloatArray
from interlock.orchestrator.auroc_run import CLEAN, RolloutScorer, ScorePair
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.resumption import Tell
from interlock.orchestrator.rollouts import RolloutsRequest, play_rollouts
from interlock.policy.uncertainty.auroc import auroc
from interlock.policy.uncertainty.calibration import Calibration
from interlock.policy.uncertainty.corruption import Corruption

__all__ = ["AurocRow", "auroc_rows", "policy_auroc"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AurocRow:
    """How well one thing that is wrong shows; None where it could not be made wrong.

    Attributes:
        corruption: what is wrong; "clean" for the questions as they were.
        rollouts: successful rollouts that the questions are from.
        wrong: questions with it wrong.
        right: the same questions as they were.
        spread: area under the ROC curve of the spread alone.
        distance: the same of the distance alone.
        both: the same of the larger of both.
        slowed: share of the wrong questions beyond the threshold `slow`, of "clean" those that were right.
        doubted: the same beyond the threshold `doubt`.
    """

    corruption: str
    rollouts: int
    wrong: int
    right: int
    spread: float | None
    distance: float | None
    both: float | None
    slowed: float | None
    doubted: float | None


def policy_auroc(
    request: RolloutsRequest, calibration: Path, questions: int, tell: Tell, interrupts: Interrupts
) -> list[AurocRow]:
    """Play what is missing, and compare.

    Args:
        request: the rollouts; the number of samples is the calibration's.
        calibration: its file.
        questions: at most so many of each rollout.
        tell: is told how far it is.
        interrupts: Ctrl-C: what was played is kept.

    Raises:
        BadInputError: if a seed is one that the calibration was made from, or no rollout succeeded.
        CheckpointError: if the calibration cannot be used.
        StoppedError: after Ctrl-C.
    """
    known = Calibration.load(calibration)
    seeds = range(request.seed, request.seed + request.episodes)
    both = [seed for seed in known.played.seeds if seed in seeds]
    if both:
        raise BadInputError(
            "the calibration was made from rollouts with some of these seeds",
            field="seed",
            value=both[:5],
            mend=f"Use --seed {max(known.played.seeds) + 1} or above.",
        )
    rows = play_rollouts(
        replace(request, samples=known.samples),
        RolloutScorer(calibration.resolve(), questions),
        tell,
        interrupts,
        [known.sha256, questions],
    )
    if not any(row["scores"] for row in rows):
        raise BadInputError(
            "no rollout succeeded",
            field="auroc.rollouts",
            value=[row["reason"] for row in rows][:3],
            mend="Play more episodes, or --shadow: the expert moves the arm, the checkpoint is only asked.",
        )
    return auroc_rows(rows, known)


def auroc_rows(rows: Iterable[Mapping[str, Any]], calibration: Calibration) -> list[AurocRow]:
    """A row for the questions as they were, and one for each thing that was made wrong."""
    used = [row["scores"] for row in rows if row["scores"]]
    right = _scores([pair for scores in used for pair in scores[CLEAN]])
    found = []
    for how in (CLEAN, *Corruption):
        wrong = _scores([pair for scores in used for pair in scores[how]])
        areas: list[float | None] = [None, None, None]
        if how != CLEAN and len(wrong):
            areas = [auroc(wrong[:, column].tolist(), right[:, column].tolist()) for column in range(3)]
        found.append(
            AurocRow(
                corruption=str(how),
                rollouts=len(used),
                wrong=0 if how == CLEAN else len(wrong),
                right=len(right),
                spread=areas[0],
                distance=areas[1],
                both=areas[2],
                slowed=_beyond(wrong, calibration.slow),
                doubted=_beyond(wrong, calibration.doubt),
            )
        )
    return found


def _scores(pairs: Sequence[ScorePair]) -> FloatArray:
    """Spread, distance and the larger of both, shape (n, 3); what is no number is above all others."""
    told = [[np.inf if each is None else each for each in pair] for pair in pairs]
    scores = np.array(told, dtype=np.float64).reshape(len(pairs), 2)
    return np.concatenate([scores, scores.max(axis=1, keepdims=True)], axis=1)


def _beyond(scores: FloatArray, threshold: float) -> float | None:
    return float(np.mean(scores[:, 2] > threshold)) if len(scores) else None
