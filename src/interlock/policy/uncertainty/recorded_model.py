"""A chunk model whose questions and answers are kept, and left as they are."""

from __future__ import annotations

from dataclasses import dataclass, replace

from interlock.policy.observation import Observation
from interlock.policy.stream.chunk_model import ChunkModel, Draft
from interlock.policy.stream.prefix import Prefix
from interlock.policy.uncertainty.features import Features, check_samples, features_of

__all__ = ["Question", "RecordedModel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question: what was seen, what the chunk had to join on to, its seed, and what came of it."""

    observation: Observation
    prefix: Prefix | None
    seed: int
    features: Features


class RecordedModel:
    """Implements `interlock.policy.stream.chunk_model.ChunkModel` around another model.

    Args:
        model: has to give `samples` samples when asked, and an embedding.
        samples: samples K that the spread is taken over.

    Attributes:
        name: the model's.
        provenance: the model's.
        questions: those that were answered since the last `reset`.
    """

    def __init__(self, model: ChunkModel, samples: int) -> None:
        self._model = model
        self._samples = samples
        self.name = model.name
        self.provenance = model.provenance
        self.questions: list[Question] = []

    def reset(self) -> None:
        """Forget the last run."""
        self._model.reset()
        self.questions = []

    def infer(self, observation: Observation, prefix: Prefix | None, samples: int, seed: int) -> Draft | None:
        """The model's answer.

        Raises:
            ShapeError: if more samples are wanted than are recorded.
        """
        check_samples(samples, self._samples)
        draft = self._model.infer(observation, prefix, self._samples, seed)
        if draft is None:
            return None
        features = features_of(observation, draft, self._samples)
        self.questions.append(Question(observation=observation, prefix=prefix, seed=seed, features=features))
        return replace(draft, samples=draft.samples[:samples])

    def asked_instead(self, question: Question, observation: Observation) -> Features | None:
        """What had come of a question if this had been seen; None if the model waits."""
        draft = self._model.infer(observation, question.prefix, self._samples, question.seed)
        return None if draft is None else features_of(observation, draft, self._samples)
