"""A proposal over a horizon, in physical units, with its origin."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from interlock.hal.arrays import FloatArray, frozen_array
from interlock.hal.provenance import Provenance

__all__ = ["ActionChunk", "Provenance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionChunk:
    """K samples of T steps; step k is to be reached at `t0_ns + k * dt_s`.

    It has the channels of its body and no others: whatever a model pads its numbers with stays in the model,
    so that no mask is needed.

    Attributes:
        seq: counts up by one with each chunk of a run.
        embodiment: fingerprint of the embodiment it was made for.
        samples: shape (K, T, C), channel units ([rad] for joints and rotations, [m] else).
        t_obs_ns: monotonic time of the observation it was made from, [ns].
        t_ready_ns: monotonic time at which it was ready, [ns].
        t0_ns: monotonic time of step 0, [ns].
        dt_s: time between steps, [s].
        provenance: where it came from.
        anchor: pose of the tool in the world that relative poses start from, shape (4, 4), [m], one that it
            can have; else None.
        spread: standard deviation over the samples that its maker drew, by step and channel, shape (T, C),
            channel units; None where it was not measured. No check reads it.
    """

    seq: int
    embodiment: str
    samples: FloatArray
    t_obs_ns: int
    t_ready_ns: int
    t0_ns: int
    dt_s: float
    provenance: Provenance
    anchor: FloatArray | None = None
    spread: FloatArray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "samples", frozen_array(self.samples, (None, None, None), "chunk.samples"))
        if self.anchor is not None:
            object.__setattr__(self, "anchor", frozen_array(self.anchor, (4, 4), "chunk.anchor"))
        if self.spread is not None:
            shape = self.samples.shape[1:]
            object.__setattr__(self, "spread", frozen_array(self.spread, shape, "chunk.spread"))

    @property
    def digest(self) -> str:
        """SHA-256 over the numbers, the stamps and the origin.

        What is not there adds nothing, so that chunks of older traces keep the digests they were given.
        """
        origin, more = self.provenance, self.provenance.more()
        head: tuple[object, ...] = (
            int(self.seq),
            self.embodiment,
            (int(self.t_obs_ns), int(self.t_ready_ns), int(self.t0_ns)),
            float(self.dt_s),
            self.samples.shape,
            (origin.policy, origin.version, origin.config_sha256, int(origin.seed)),
        )
        if more:
            head = (*head, json.dumps(more, sort_keys=True))
        if self.spread is not None:
            head = (*head, "spread")
        arrays = (each.tobytes() for each in (self.samples, self.anchor, self.spread) if each is not None)
        return hashlib.sha256(repr(head).encode() + b"".join(arrays)).hexdigest()
