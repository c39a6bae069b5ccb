"""One rollout for the AUROC table: its questions as they were, and with each thing wrong in turn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from interlock.errors import InterlockError
from interlock.orchestrator.summary import Outcome
from interlock.orchestrator.watched_rollout import RolloutOrder, play_rollout
from interlock.policy.observation import Observation
from interlock.policy.uncertainty.calibration import Calibration
from interlock.policy.uncertainty.corruption import Corruption, corrupted
from interlock.policy.uncertainty.features import Features
from interlock.policy.uncertainty.recorded_model import Question, RecordedModel

__all__ = ["CLEAN", "RolloutScorer", "ScorePair", "scores_of"]

CLEAN = "clean"
"""Key of the questions as they were."""

ScorePair = list[float | None]
"""Spread and distance as JSON; null for one that is no finite number."""


class RolloutScorer:
    """Plays rollouts and scores their questions; can be pickled.

    Args:
        calibration: its file.
        questions: at most so many of each rollout, evenly apart.
    """

    def __init__(self, calibration: Path, questions: int) -> None:
        self._path = calibration
        self._questions = questions

    def __call__(self, order: RolloutOrder) -> dict[str, Any]:
        """A row of plain JSON; scores only of a rollout that succeeded."""
        calibration = Calibration.load(self._path)
        try:
            played = play_rollout(order)
        except InterlockError as error:
            return {"outcome": "error", "reason": error.message, "scores": {}}
        calibration.check(played.made_for)
        succeeded = played.summary.outcome is Outcome.ACHIEVED
        return {
            "outcome": str(played.summary.outcome),
            "reason": played.summary.reason,
            "scores": scores_of(played.model, calibration, self._questions) if succeeded else {},
        }


def scores_of(model: RecordedModel, calibration: Calibration, questions: int) -> dict[str, list[ScorePair]]:
    """Scores of what a model was asked, by what is wrong; what cannot be made wrong has none.

    Args:
        model: with its questions.
        calibration: made for it.
        questions: at most so many of them, evenly apart.
    """
    asked = model.questions
    scores: dict[str, list[ScorePair]] = {how: [] for how in (CLEAN, *Corruption)}
    for index in _evenly(len(asked), questions):
        question = asked[index]
        scores[CLEAN].append(_pair(calibration, question.features))
        other = asked[(index + len(asked) // 2) % len(asked)]
        for how in Corruption:
            seen = corrupted(how, question.observation, other.observation)
            if seen is not None:
                scores[how].append(_pair(calibration, _asked(model, question, seen)))
    return scores


def _asked(model: RecordedModel, question: Question, seen: Observation) -> Features | None:
    try:
        return model.asked_instead(question, seen)
    except InterlockError:
        return None  # refused by the model itself


def _pair(calibration: Calibration, features: Features | None) -> ScorePair:
    if features is None:
        return [None, None]
    score = calibration.likeness.score(features)
    return [each if math.isfinite(each) else None for each in (score.spread, score.distance)]


def _evenly(count: int, most: int) -> Sequence[int]:
    if count <= most:
        return range(count)
    return [int(each) for each in np.linspace(0, count - 1, most)]
