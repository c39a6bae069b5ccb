"""One step of a training on made-up frames, to be timed: the making of batches is left out."""

from __future__ import annotations

from collections.abc import Callable

import torch

from interlock.policy.training.averaged import Averaged
from interlock.policy.vla.config import VlaConfig
from interlock.policy.vla.made_up import made_up_batch
from interlock.policy.vla.model import QwenVla

__all__ = ["training_step"]


def training_step(
    config: VlaConfig, batch: int, precision: str, *, words: int, draws: int = 4
) -> Callable[[], None]:
    """One step as `Trainer` makes it on a CPU, on a batch that is ready: loss, gradients, AdamW, average.

    Args:
        config: shape of the model; its weights are random.
        batch: frames a step.
        precision: "float32", or "bfloat16" for the matrix products.
        words: tokens of a prompt.
        draws: τ and noises for each frame.
    """
    generator = torch.Generator().manual_seed(0)
    lesson = made_up_batch(config, batch, words, generator)
    torch.manual_seed(0)
    model = QwenVla(config).train()
    half = precision == "bfloat16"
    if half:
        model.backbone.attend_plainly()
    parameters = list(model.parameters())
    optimiser = torch.optim.AdamW(parameters, lr=1e-4)
    average = Averaged(model, 0.999)

    def step() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            total = model.loss(lesson, generator, draws=draws).total
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        average.update(1000)

    return step
