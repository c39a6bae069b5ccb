"""What of a question and its answer is compared with those of successful rollouts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interlock.errors import ShapeError
from interlock.hal.arrays import FloatArray, frozen_array
from interlock.policy.observation import Observation
from interlock.policy.stream.chunk_model import Draft

__all__ = ["Features", "check_samples", "features_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """One question and its answer in numbers.

    Attributes:
        stage: skill and phase of the task, for example "pick/approach".
        spread: how far the K samples lie apart, root mean square over the steps, shape (C,), channel units.
        embedding: what the model makes of the observation, shape (D,), without unit.
    """

    stage: str
    spread: FloatArray
    embedding: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "spread", frozen_array(self.spread, (None,), "features.spread"))
        object.__setattr__(self, "embedding", frozen_array(self.embedding, (None,), "features.embedding"))


def features_of(observation: Observation, draft: Draft, samples: int) -> Features:
    """The features of an answer.

    Raises:
        ShapeError: if the model gave another number of samples than `samples`, no spread or no embedding.
    """
    if len(draft.samples) != samples or draft.spread is None or draft.embedding is None:
        raise ShapeError(
            f"{samples} samples, their spread and an embedding are wanted",
            field="draft",
            value=(len(draft.samples), draft.spread is not None, draft.embedding is not None),
            mend="Use a model that gives them, or no calibration.",
        )
    return Features(
        stage=f"{observation.task.skill}/{observation.task.phase}",
        spread=np.sqrt((draft.spread**2).mean(axis=0)),
        embedding=draft.embedding,
    )


def check_samples(wanted: int, samples: int) -> None:
    """Refuse a stream that wants more samples than the spread is taken over: others would be another spread.

    Raises:
        ShapeError: says how many there are.
    """
    if wanted > samples:
        raise ShapeError(
            f"{samples} samples are asked for to judge a question; no more can be handed over",
            field="policy.options.stream.samples",
            value=wanted,
            mend=f"Set it to {samples} or less, or calibrate with --samples {wanted}.",
        )
