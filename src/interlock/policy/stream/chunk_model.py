"""What a chunk model is: it answers a question and knows no clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from interlock.errors import ShapeError
from interlock.hal.arrays import FloatArray, frozen_array
from interlock.hal.chunk import Provenance
from interlock.policy.observation import Observation
from interlock.policy.stream.prefix import Prefix

__all__ = ["ChunkModel", "Draft"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a model answers.

    Attributes:
        samples: shape (K, T, C), channel units of the embodiment; relative poses start from the observation.
        spread: how far the samples lie apart by step and channel, shape (T, C), channel units; or None.
        prompt_sha256: SHA-256 of the words that the model read for this, UTF-8; "" if it read none.
        embedding: what the model makes of the observation, shape (D,), without unit; or None.
        pace: speed at which to follow it as a share of the model's own, above 0, to 1.

    Raises:
        ShapeError: if a shape does not fit, or the pace is none.
    """

    samples: FloatArray
    spread: FloatArray | None = None
    prompt_sha256: str = ""
    embedding: FloatArray | None = None
    pace: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 < self.pace <= 1.0:
            raise ShapeError(
                "is no share of the model's own speed",
                field="draft.pace",
                value=self.pace,
                mend="Give a number above 0, to 1.",
            )
        object.__setattr__(self, "samples", frozen_array(self.samples, (None, None, None), "draft.samples"))
        if self.spread is not None:
            object.__setattr__(
                self, "spread", frozen_array(self.spread, self.samples.shape[1:], "draft.spread")
            )
        if self.embedding is not None:
            object.__setattr__(self, "embedding", frozen_array(self.embedding, (None,), "draft.embedding"))


class ChunkModel(Protocol):
    """Makes chunks, slowly. Equal questions get equal answers, bit for bit.

    Attributes:
        name: name of the policy.
        provenance: where its chunks come from; the seed is filled in.
    """

    name: str
    provenance: Provenance

    def reset(self) -> None:
        """Forget the last run."""
        ...

    def infer(self, observation: Observation, prefix: Prefix | None, samples: int, seed: int) -> Draft | None:
        """Chunks from this observation on, or None to wait.

        Args:
            observation: what is seen; step 0 of the chunk is its instant, if the option `lead_s` is 0.
            prefix: what the chunk has to join on to, where real-time chunking is asked for; else None.
            samples: how many samples K are wanted.
            seed: of this question; the same for the same question of the same run.
        """
        ...
