"""Inpainting: the first steps of a new chunk are those of the running one (real-time chunking)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from interlock.errors import ShapeError

__all__ = ["ChunkGuide"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkGuide:
    """What a new chunk must begin with, and how far it should follow the old one beyond that.

    After Black et al. 2025, "Real-time execution of action chunking flow policies" (arXiv 2506.07339): steps
    that will have been executed when the chunk is ready are frozen; the weight of the others falls
    exponentially to 0 over the overlap. In place of their pseudo-inverse guidance, which differentiates
    through the decoder at each step, the clean chunk that the velocity points to is blended with the old
    one; the soft part fades with τ, so that the last steps are the model's own.

    Attributes:
        values: the steps as executed or still planned, the model's numbers, shape (B, T, C).
        frozen: first steps that are taken as they are.
        overlap: steps, `frozen` ones included, for which `values` mean something.
    """

    values: Tensor
    frozen: int
    overlap: int

    def __post_init__(self) -> None:
        if not 0 <= self.frozen <= self.overlap <= self.values.shape[1]:
            raise ShapeError(
                "frozen ≤ overlap ≤ steps is wanted",
                field="guide",
                value=(self.frozen, self.overlap, int(self.values.shape[1])),
            )
        if not bool(torch.isfinite(self.values[:, : self.overlap]).all()):
            raise ShapeError("the steps of the overlap must be finite", field="guide.values")

    def weights(self) -> Tensor:
        """Weight of the old chunk at each step, shape (T,): 1 while frozen, 0 behind the overlap."""
        soft = self.overlap - self.frozen
        weights = torch.zeros(self.values.shape[1])
        weights[: self.frozen] = 1.0
        for index in range(soft):
            left = (soft - index) / (soft + 1)
            weights[self.frozen + index] = left * math.expm1(left) / math.expm1(1.0)
        return weights

    def guide(self, noisy: Tensor, velocity: Tensor, tau: float) -> Tensor:
        """The velocity that leads to the old chunk as far as the weights say.

        Args:
            noisy: Yτ, shape (B, T, C).
            velocity: the model's, shape (B, T, C).
            tau: greater than 0.
        """
        weights = self.weights()
        weights[self.frozen :] *= tau
        weight = weights.to(noisy)[:, None]
        clean = noisy - tau * velocity
        old = torch.where(weight > 0.0, self.values.to(noisy), 0.0)
        return (noisy - (weight * old + (1.0 - weight) * clean)) / tau
