"""Flow matching: Yτ = (1 − τ) Y0 + τ Y1 from the clean chunk Y0 to noise Y1, and its velocity Y1 − Y0."""

from __future__ import annotations

import torch
from torch import Tensor

from interlock.policy.vla.flow_settings import FlowSettings, TauLaw

__all__ = ["between", "draw_noise", "draw_tau", "euler_times", "masked_error"]


def draw_tau(law: TauLaw, settings: FlowSettings, count: int, generator: torch.Generator) -> Tensor:
    """Times for `count` chunks, shape (count,), on the CPU, so that every device gets the same."""
    if law is TauLaw.SIGMOID_NORMAL:
        normal = torch.randn(count, generator=generator)
        return torch.sigmoid(settings.normal_mean + settings.normal_std * normal)
    return settings.tau_min + (1.0 - settings.tau_min) * _beta(settings, count, generator)


def draw_noise(count: int, horizon: int, channels: int, generator: torch.Generator) -> Tensor:
    """Y1, shape (count, horizon, channels), on the CPU; the first of many is the one drawn alone."""
    return torch.stack([torch.randn(horizon, channels, generator=generator) for _ in range(count)])


def between(clean: Tensor, noise: Tensor, tau: Tensor) -> Tensor:
    """Yτ, shape (B, T, C), for τ of shape (B,)."""
    weight = tau[:, None, None]
    return (1.0 - weight) * clean + weight * noise


def masked_error(predicted: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
    """Mean square error of each active channel over its steps, then the mean over the active channels.

    Qwen-VLA's equations 1 and 2: a body of few channels counts as much as one of many, padding not at all.

    Args:
        predicted: shape (B, T, C).
        wanted: shape (B, T, C).
        mask: True where a step of a channel counts, shape (B, T, C).

    Returns:
        One error a chunk, shape (B,).
    """
    # Masked before it is squared: what stands in the padding then has no gradient, whatever it is.
    square = torch.where(mask, predicted - wanted, 0.0).square()
    steps = mask.sum(dim=1)
    each = square.sum(dim=1) / steps.clamp_min(1)
    return each.sum(dim=1) / (steps > 0).sum(dim=1).clamp_min(1)


def euler_times(steps: int) -> Tensor:
    """τ at which the velocity is asked, from 1 down, shape (steps,); the last step ends at 0."""
    return torch.arange(steps, 0, -1) / steps


def _beta(settings: FlowSettings, count: int, generator: torch.Generator) -> Tensor:
    # torch.distributions takes no generator; a ratio of gammas does.
    first = torch._standard_gamma(torch.full((count,), settings.beta_a), generator=generator)
    second = torch._standard_gamma(torch.full((count,), settings.beta_b), generator=generator)
    return first / (first + second)
