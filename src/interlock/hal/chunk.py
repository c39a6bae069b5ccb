"""A proposal over a horizon, in physical units, with its origin."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from interlock.hal.arrays import FloatArray, frozen_array

__all__ = ["ActionChunk", "Provenance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a chunk came from: policy name, its version, its configuration's SHA-256, its seed."""

    policy: str
    version: str
    config_sha256: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionChunk:
    """K samples of T steps; step k is to be reached at `t0_ns + k * dt_s`.

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

    def __post_init__(self) -> None:
        object.__setattr__(self, "samples", frozen_array(self.samples, (None, None, None), "chunk.samples"))
        if self.anchor is not None:
            object.__setattr__(self, "anchor", frozen_array(self.anchor, (4, 4), "chunk.anchor"))

    @property
    def digest(self) -> str:
        """SHA-256 over the numbers, the stamps and the origin."""
        origin = self.provenance
        head = repr(
            (
                int(self.seq),
                self.embodiment,
                (int(self.t_obs_ns), int(self.t_ready_ns), int(self.t0_ns)),
                float(self.dt_s),
                self.samples.shape,
                (origin.policy, origin.version, origin.config_sha256, int(origin.seed)),
            )
        )
        anchor = b"" if self.anchor is None else self.anchor.tobytes()
        return hashlib.sha256(head.encode() + self.samples.tobytes() + anchor).hexdigest()
