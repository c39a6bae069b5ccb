"""A slow model as a policy: asks it, stamps what it answers, and brings the hand-over along."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, replace

import numpy as np

from interlock.errors import ShapeError
from interlock.hal.chunk import ActionChunk, Provenance
from interlock.hal.provenance import CODE, INLINE
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext
from interlock.policy.stream.chunk_model import ChunkModel, Draft
from interlock.policy.stream.chunk_space import space_of
from interlock.policy.stream.delay import DelayEstimate
from interlock.policy.stream.hand_over import HandOver
from interlock.policy.stream.options import StreamOptions
from interlock.policy.stream.prefix import Prefix, PrefixMaker

__all__ = ["ChunkStream"]


class ChunkStream:
    """A policy made of a chunk model.

    `propose` may run on a thread of its own; `hand_over` belongs to the thread of the loop.

    Args:
        model: makes the chunks.
        context: body, seed and options; the stream's own stand in `options["stream"]`.
        clock: monotonic time of the machine, [ns]; only looked at in real time.

    Raises:
        BadInputError: if an option cannot be used.

    Attributes:
        name: the model's.
        options: how chunks are asked for and joined.
        hand_over: fits a chunk to the instant at which it goes to the drive; the session looks for it.
        last: sequence number of the last question and what the model answered; None before the first.
    """

    def __init__(
        self,
        model: ChunkModel,
        context: PolicyContext,
        *,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.name = model.name
        self.options = StreamOptions.read(context.options.get("stream", {}))
        self.hand_over = HandOver(context, self.options)
        self._model = model
        self._clock = clock
        self._body = context.embodiment
        self._fingerprint = context.embodiment.fingerprint
        self._seed = context.seed
        self._real_time = context.real_time
        self._space = space_of(context)
        self._prefixes = PrefixMaker(context)
        self._delays = DelayEstimate(self.options.cold_calls, self.options.window)
        self._provenance = _provenance(model.provenance, self.options, context.seed)
        self._seq = 0
        self.last: tuple[int, Draft | None] | None = None

    def reset(self) -> None:
        """Forget the last run."""
        self._model.reset()
        self._delays.reset()
        self.hand_over.last = self.last = None
        self._seq = 0

    @property
    def delay_s(self) -> float:
        """How long an answer takes, as far as is known, [s]; in lockstep what is simulated."""
        measured = self._delays.p95_s if self._real_time else None
        return self.options.latency_s if measured is None else measured

    def propose(self, observation: Observation) -> ActionChunk | None:
        """A chunk for this observation, or None to wait.

        Raises:
            ShapeError: if the model's answer has not the embodiment's steps and channels.
        """
        prefix = self._prefix(observation) if self.options.rtc else None
        began_ns = self._clock() if self._real_time else 0
        seed = self._question_seed()
        # Counted before it is asked: one that the model refuses must not be drawn with the same noise again,
        # or an arm that holds, and sees the same, is refused the same for ever. (A model that starts from no
        # noise has to see to that itself.)
        seq, self._seq = self._seq, self._seq + 1
        try:
            draft = self._model.infer(observation, prefix, self.options.samples, seed)
        finally:
            spent_ns = self._clock() - began_ns if self._real_time else 0
            if self._real_time:
                self._delays.note(spent_ns * 1e-9)
        self.last = (seq, draft)
        if draft is None:
            return None
        origin = replace(self._provenance, prompt_sha256=draft.prompt_sha256, question_seed=seed)
        return self._chunk(self._checked(draft), observation, seq, observation.stamp_ns + spent_ns, origin)

    def _prefix(self, observation: Observation) -> Prefix:
        """With two ticks on top of the delay: an observation is one old, and an answer waits for the next."""
        stamps = observation.executed.stamps_ns
        tick_s = float(np.median(np.diff(stamps))) * 1e-9 if len(stamps) > 1 else 0.0
        return self._prefixes.make(observation, self.delay_s + 2.0 * tick_s, self.options.lead_s)

    def _question_seed(self) -> int:
        """A seed of its own for every question of a run."""
        return int(np.random.SeedSequence((self._seed, self._seq)).generate_state(1)[0])

    def _checked(self, draft: Draft) -> Draft:
        wanted = (self._body.horizon, len(self._body.channels))
        if draft.samples.shape[1:] != wanted or len(draft.samples) == 0:
            raise ShapeError(
                f"a chunk of {self._body.tag} has samples of shape (K, {wanted[0]}, {wanted[1]})",
                field="draft.samples",
                value=draft.samples.shape,
                mend="Load a model that was trained for this embodiment.",
            )
        return draft

    def _chunk(
        self, draft: Draft, observation: Observation, seq: int, ready_ns: int, origin: Provenance
    ) -> ActionChunk:
        return ActionChunk(
            seq=seq,
            embodiment=self._fingerprint,
            samples=draft.samples,
            t_obs_ns=observation.stamp_ns,
            t_ready_ns=ready_ns,
            t0_ns=observation.stamp_ns + round(self.options.lead_s * 1e9),
            dt_s=1.0 / (self._body.rate_hz * draft.pace),
            provenance=origin,
            anchor=self._space.anchor(observation.state.q_commanded),
            spread=draft.spread,
        )


def _provenance(model: Provenance, options: StreamOptions, seed: int) -> Provenance:
    """The model's, with the stream's options in the configuration's hash; it runs here unless it says so."""
    text = json.dumps([model.config_sha256, asdict(options)], sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    code, transport = model.code or CODE, model.transport or INLINE
    return replace(model, config_sha256=digest, seed=seed, code=code, transport=transport)
