"""A slowly moving average of the weights: what is evaluated and shipped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

__all__ = ["Averaged"]


class Averaged:
    """Exponential moving average of every parameter (Polyak and Juditsky 1992, in its usual form).

    Args:
        model: whose parameters.
        decay: share of the old average that a step keeps; less in the first steps.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._model = model
        self._decay = decay
        self.weights: dict[str, Tensor] = {
            name: parameter.detach().clone() for name, parameter in model.named_parameters()
        }

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the parameters after step `step`, counted from 0."""
        decay = min(self._decay, (1.0 + step) / (10.0 + step))
        for name, parameter in self._model.named_parameters():
            self.weights[name].lerp_(parameter, 1.0 - decay)

    @torch.no_grad()
    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Go on from kept weights."""
        for name, weight in self.weights.items():
            weight.copy_(weights[name])

    @torch.no_grad()
    def settle(self) -> None:
        """Make the average the model's own weights."""
        for name, parameter in self._model.named_parameters():
            parameter.copy_(self.weights[name])

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model with the averaged weights, as long as the block runs."""
        with torch.no_grad():
            kept = {name: p.detach().clone() for name, p in self._model.named_parameters()}
            for name, parameter in self._model.named_parameters():
                parameter.copy_(self.weights[name])
        try:
            yield
        finally:
            with torch.no_grad():
                for name, parameter in self._model.named_parameters():
                    parameter.copy_(kept[name])
