"""A chunk model that is asked whether it knows what it is talking about before its answer is used."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace

from interlock.errors import UnsureError
from interlock.policy.observation import Observation
from interlock.policy.stream.chunk_model import ChunkModel, Draft
from interlock.policy.stream.prefix import Prefix
from interlock.policy.uncertainty.calibration import Calibration
from interlock.policy.uncertainty.decision import Outcome, Thresholds, UncertaintyGate
from interlock.policy.uncertainty.features import check_samples, features_of
from interlock.policy.uncertainty.options import UncertaintyOptions
from interlock.policy.uncertainty.score import Score

__all__ = ["WatchedModel"]


class WatchedModel:
    """Implements `interlock.policy.stream.chunk_model.ChunkModel` around another model.

    It hands over the model's own samples or none: it changes no number of them, only their pace.

    Args:
        model: has to give K samples when asked, and an embedding.
        calibration: made for this model.
        options: what is done about doubt.

    Attributes:
        name: the model's.
        provenance: the model's, with calibration and options in its hash.
        uncertainty: what was decided.
        last: the last score; None before the first.
    """

    def __init__(self, model: ChunkModel, calibration: Calibration, options: UncertaintyOptions) -> None:
        self._model = model
        self._calibration = calibration
        self._pace = float(options.pace)
        self.uncertainty = UncertaintyGate(
            Thresholds(slow=calibration.slow, doubt=calibration.doubt, asks=options.asks, holds=options.holds)
        )
        self.last: Score | None = None
        self.name = model.name
        facts = asdict(options) | {"calibration": calibration.sha256}
        text = json.dumps([model.provenance.config_sha256, facts], sort_keys=True)
        self.provenance = replace(model.provenance, config_sha256=hashlib.sha256(text.encode()).hexdigest())

    def reset(self) -> None:
        """Forget the last run."""
        self._model.reset()
        self.uncertainty.reset()
        self.last = None

    def infer(self, observation: Observation, prefix: Prefix | None, samples: int, seed: int) -> Draft | None:
        """The model's answer, the same slowed down, or None to ask again.

        Raises:
            ShapeError: if more samples are wanted than it was calibrated with.
            UnsureError: to hold, or to have the goal planned anew.
        """
        check_samples(samples, self._calibration.samples)
        draft = self._model.infer(observation, prefix, self._calibration.samples, seed)
        if draft is None:
            return None
        features = features_of(observation, draft, self._calibration.samples)
        self.last = score = self._calibration.likeness.score(features)
        match self.uncertainty.decide(score.total):
            case Outcome.TRUST:
                return replace(draft, samples=draft.samples[:samples])
            case Outcome.SLOW:
                return replace(draft, samples=draft.samples[:samples], pace=self._pace)
            case Outcome.ASK_AGAIN:
                return None
            case Outcome.HOLD:
                raise self._unsure(score, features.stage, plan_anew=False)
            case Outcome.ASK_PLANNER:
                raise self._unsure(score, features.stage, plan_anew=True)

    def _unsure(self, score: Score, stage: str, *, plan_anew: bool) -> UnsureError:
        return UnsureError(
            f"what the policy sees or says in {stage} is unlike its successful rollouts: spread "
            f"{score.spread:.3g}, distance {score.distance:.3g}, usual up to {self._calibration.doubt:.3g}",
            field="policy.vla" if self.name == "vla" else "policy",
            mend="Look at the cameras and at what it was told to do.",
            plan_anew=plan_anew,
        )
