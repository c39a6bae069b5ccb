"""The learned policy, as the registry makes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from interlock.errors import BadInputError
from interlock.policy.policy import PolicyContext
from interlock.policy.stream.chunk_model import ChunkModel
from interlock.policy.stream.chunk_stream import ChunkStream
from interlock.policy.stream.options import StreamOptions
from interlock.policy.uncertainty.calibration import Calibration, MadeFor
from interlock.policy.uncertainty.decision import UncertaintyGate
from interlock.policy.uncertainty.features import check_samples
from interlock.policy.uncertainty.options import UncertaintyOptions
from interlock.policy.uncertainty.watched_model import WatchedModel
from interlock.policy.vla.learned_model import LearnedModel
from interlock.policy.vla.learned_options import LearnedOptions

__all__ = ["LearnedPolicy"]

_READS = ("config.json", "statistics.json", "tokenizer.json")


class LearnedPolicy(ChunkStream):
    """A vision-language-action policy from a checkpoint.

    Args:
        context: body, cameras, seed and options of the cell.
        watch: is put around the model instead of what `policy.options.uncertainty` says.

    Attributes:
        roles: the cameras it looks through.
        skills: what it was taught; none: nobody knows.
        made_for: what a calibration has to have been made for.
        uncertainty: what was decided about its answers; None without a calibration.

    Raises:
        BadInputError: if an option cannot be used or no weights are there.
        CheckpointError: if the checkpoint is not whole, or not for this body or these cameras, or the
            calibration is another policy's.
    """

    def __init__(
        self, context: PolicyContext, watch: Callable[[ChunkModel], ChunkModel] | None = None
    ) -> None:
        options = LearnedOptions.read(context.options)
        model = LearnedModel(context, options)
        self.roles = model.roles
        self.skills = model.skills
        self.made_for = MadeFor(
            weights_sha256=model.weights_sha256,
            files_sha256=_files_sha256(model),
            embodiment=context.embodiment.fingerprint,
            sampling=_sampling(model, context, options),
        )
        watched = self._watched(model, context, options) if watch is None else watch(model)
        self.uncertainty: UncertaintyGate | None = getattr(watched, "uncertainty", None)
        super().__init__(watched, context)

    def _is_of_another_body(self, calibration: Calibration) -> bool:
        made_for = calibration.made_for
        same_weights = made_for.weights_sha256 == self.made_for.weights_sha256
        return same_weights and made_for.embodiment != self.made_for.embodiment

    def _watched(self, model: LearnedModel, context: PolicyContext, options: LearnedOptions) -> ChunkModel:
        told = UncertaintyOptions.read(context.options.get("uncertainty", {}))
        path = told.find(options.checkpoint)
        if path is None:
            return model
        calibration = Calibration.load(path)
        if told.calibration is None and self._is_of_another_body(calibration):
            return (
                model  # one checkpoint knows many bodies, and the file beside its weights is of one of them
            )
        calibration.check(self.made_for)
        check_samples(StreamOptions.read(context.options.get("stream", {})).samples, calibration.samples)
        _check_pace(told.pace, context.embodiment.rate_hz)
        return WatchedModel(model, calibration, told)


def _check_pace(pace: float, rate_hz: float) -> None:
    """A gate takes no chunk whose steps are further apart than a second: the arm would stand for ever."""
    if rate_hz * pace < 1.0:
        raise BadInputError(
            f"puts the steps of a chunk at {rate_hz:g} Hz more than 1 s apart, which the gate refuses",
            field="policy.options.uncertainty.pace",
            value=pace,
            mend=f"Set it to {1.0 / rate_hz:.3g} or more." if rate_hz >= 1.0 else "Raise chunk_rate_hz.",
        )


def _files_sha256(model: LearnedModel) -> str:
    """Over all but the weights, which are named by themselves, and the card, which changes no chunk."""
    files = {name: sha256 for name, sha256 in model.provenance.files if name in _READS}
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def _sampling(model: LearnedModel, context: PolicyContext, options: LearnedOptions) -> str:
    """What changes a chunk beside the weights; the number of threads changes no more than the last bits."""
    facts = {
        name: value for name, value in options.decisive().items() if name not in ("threads", "temperature")
    }
    facts["first_sample_temperature"] = model.temperature
    facts["rtc"] = StreamOptions.read(context.options.get("stream", {})).rtc
    return json.dumps(facts, sort_keys=True)
