"""Which frames a step learns from: a function of seed and step alone, so that resuming is exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interlock.errors import BadInputError

__all__ = ["Order"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Every frame once an epoch, in an order that the seed gives; batches may reach into the next epoch.

    Attributes:
        frames: number of frames.
        batch: frames of one step, over all processes.
        seed: decides the order.
        rank: number of this process.
        world: number of processes; each takes every `world`-th frame of a batch.
    """

    frames: int
    batch: int
    seed: int
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise BadInputError(
                "there is nothing to learn from",
                field="data",
                value=f"{self.frames} frames",
                mend="Make demonstrations with `interlock demos`.",
            )
        if self.batch < 1 or self.batch % self.world:
            raise BadInputError(
                "cannot be shared among the processes",
                field="batch",
                value=self.batch,
                mend=f"Give a multiple of {self.world}.",
            )

    def of(self, step: int) -> NDArray[np.int64]:
        """Frames of this process in step `step`, shape (batch / world,)."""
        first = step * self.batch
        places = np.arange(first, first + self.batch, dtype=np.int64)[self.rank :: self.world]
        epochs, within = np.divmod(places, self.frames)
        chosen = np.empty_like(places)
        for epoch in np.unique(epochs):
            here = epochs == epoch
            chosen[here] = self._permutation(int(epoch))[within[here]]
        return chosen

    def _permutation(self, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng([self.seed, epoch]).permutation(self.frames)
