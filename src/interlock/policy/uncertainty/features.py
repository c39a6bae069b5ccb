"""What of a question and its answer is compared with those of successful rollouts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interlock.errors import ShapeError
from interlock.hal.arrays import FloatArray, frozen_array
from interlock.policy.observation import Observation
from interlock.policy.stream.chunk_model import Draft

__all__ = ["Features", "features_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """One question and its answer in numbers.

    Attributes:
        stage: skill and phase of the task, for example "pick/approach".
        spread: standard deviation over the K samples, root mean square over the steps, shape (C,), channel
            units.
        embedding: what the model makes of the observation, shape (D,), without unit.
    """

    stage: str
    spread: FloatArray
    embedding: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "spread", frozen_array(self.spread, (None,), "features.spread"))
        object.__setattr__(self, "embedding", frozen_array(self.embedding, (None,), "features.embedding"))


def features_of(observation: Observation, draft: Draft, samples: int) -> Features:
    """The features of an answer, from its first `samples` samples.

    Raises:
        ShapeError: if the model gave fewer samples, or no embedding.
    """
    if samples < 2 or len(draft.samples) < samples or draft.embedding is None:
        raise ShapeError(
            f"{samples} samples and an embedding are wanted, two samples at least",
            field="draft",
            value=(len(draft.samples), draft.embedding is not None),
            mend="Use a model that gives both, or no calibration.",
        )
    drawn = draft.samples[:samples]
    # From the first sample on: what is the same in all of them spreads by exactly 0.
    apart = (drawn - drawn[0]).std(axis=0)
    return Features(
        stage=f"{observation.task.skill}/{observation.task.phase}",
        spread=np.sqrt((apart**2).mean(axis=0)),
        embedding=draft.embedding,
    )
