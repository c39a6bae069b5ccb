"""Observations, lessons and weights of random numbers, for measuring speed: values do not matter there."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from interlock.hal.embodiment import Embodiment
from interlock.policy.vla.checkpoint import Checkpoint
from interlock.policy.vla.config import VlaConfig
from interlock.policy.vla.inputs import Batch, GroundingTarget, Inputs
from interlock.policy.vla.model import QwenVla
from interlock.policy.vla.relation import TOOL_WIDTH
from interlock.policy.vla.slots import SLOT_WIDTH, SLOTS
from interlock.policy.vla.statistics import BodyStatistics, StateName, Statistics
from interlock.policy.vla.tokenizer import VlaTokenizer

__all__ = ["made_up_batch", "made_up_checkpoint", "made_up_inputs"]


def made_up_inputs(config: VlaConfig, count: int, words: int, generator: torch.Generator) -> Inputs:
    """`count` observations of a body that has every channel and step, with prompts of `words` tokens."""
    side, cameras = config.image_size_px, len(config.cameras)
    extra: dict[str, Tensor] = {}
    if cameras:
        shape = (count, cameras, side, side, 3)
        extra["pictures"] = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
        extra["camera_mask"] = torch.ones(count, cameras, dtype=torch.bool)
    else:
        extra["scene"] = torch.randn(count, len(SLOTS), SLOT_WIDTH, generator=generator)
        extra["scene_mask"] = torch.ones(count, len(SLOTS), dtype=torch.bool)
    if config.relates:
        extra["tool"] = torch.randn(count, TOOL_WIDTH, generator=generator)
    if config.state_width:
        extra["state"] = torch.randn(count, config.state_width, generator=generator)
        extra["state_mask"] = torch.ones(count, config.state_width, dtype=torch.bool)
    return Inputs(
        tokens=torch.randint(9, config.backbone.text.vocab // 2, (count, words), generator=generator),
        token_mask=torch.ones(count, words, dtype=torch.bool),
        channel_mask=torch.ones(count, config.channels, dtype=torch.bool),
        step_mask=torch.ones(count, config.horizon, dtype=torch.bool),
        **extra,
    )


def made_up_batch(config: VlaConfig, count: int, words: int, generator: torch.Generator) -> Batch:
    """Lessons from such observations."""
    slots, cameras = len(SLOTS), len(config.cameras)
    grounding = GroundingTarget(
        positions=torch.randn(count, slots, 3, generator=generator),
        position_mask=torch.ones(count, slots, dtype=torch.bool),
        pixels=torch.rand(count, cameras, slots, 2, generator=generator),
        pixel_mask=torch.ones(count, cameras, slots, dtype=torch.bool),
        projections=torch.zeros(count, cameras, 3, 4),
        carried=torch.zeros(count, cameras, dtype=torch.bool),
    )
    return Batch(
        inputs=made_up_inputs(config, count, words, generator),
        actions=torch.randn(count, config.horizon, config.channels, generator=generator),
        grounding=grounding if cameras else None,
    )


def made_up_checkpoint(
    config: VlaConfig, body: Embodiment, state_names: Iterable[str], prompts: Iterable[str]
) -> Checkpoint:
    """Random weights for a body: it loads, it answers, and what it says is noise.

    Args:
        config: shape of the model.
        body: the body that it says it knows.
        state_names: of the numbers of its proprioceptive state.
        prompts: what its tokenizer learns.
    """
    generator = np.random.default_rng(0)
    names = tuple(StateName(name=name, unit="1") for name in state_names)
    lower = np.array([channel.lower for channel in body.channels])
    upper = np.array([channel.upper for channel in body.channels])
    # A twentieth of each range: what is proposed stays near the middle of it.
    reach = 0.5 * (lower + upper) + 0.025 * (upper - lower) * generator.uniform(-1.0, 1.0, (64, len(lower)))
    states = generator.uniform(-1.0, 1.0, (64, len(names)))
    torch.manual_seed(0)
    return Checkpoint(
        model=QwenVla(config),
        statistics=Statistics(bodies=(BodyStatistics.measure(body, reach, states, names, {}),)),
        tokenizer=VlaTokenizer.train(prompts, config),
        card=f"# {config.name}\n\nWeights drawn at random, for measuring speed.\n",
        sha256={},
    )
