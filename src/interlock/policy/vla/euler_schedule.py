"""Euler steps of a decoder: τ by τ, and what of the decoder depends on nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from interlock.policy.vla.decoder import ActionDecoder, Conditions
from interlock.policy.vla.flow import euler_times

__all__ = ["EulerSchedule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EulerSchedule:
    """The same for every observation, so whoever answers many makes it once.

    It is that of one decoder's weights as they were, of their type and on their device. Its tensors are made
    in inference mode: gradients cannot go through them.

    Attributes:
        times: τ at which the velocity is asked, from 1 down.
        conditions: of each of them.
        clean: of τ = 0, at which the prefix stands.
    """

    times: tuple[float, ...]
    conditions: tuple[Conditions, ...]
    clean: Conditions

    @classmethod
    @torch.inference_mode()
    def of(cls, decoder: ActionDecoder, steps: int) -> EulerSchedule:
        """That of `steps` Euler steps from τ = 1 to 0, where the decoder's weights are."""
        times = euler_times(steps)
        device = decoder.output_modulation.weight.device
        together = decoder.conditions(functional.pad(times, (0, 1)).to(device))
        # Apart down to the vectors: taking them apart in every step costs as much as adding two of them.
        each = [[one.unbind() for one in part.split(1, dim=1)] for part in together]
        *conditions, clean = zip(*each, strict=True)
        return cls(times=tuple(times.tolist()), conditions=tuple(conditions), clean=clean)
