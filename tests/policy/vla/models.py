"""Models small enough for a test, and inputs for them."""

from __future__ import annotations

from dataclasses import replace

import torch

from interlock.hal.embodiment import Channel, ChannelKind, Embodiment, Reference
from interlock.policy.vla.backbone_shape import BackboneFamily
from interlock.policy.vla.config import Grounding, InputKind, VlaConfig
from interlock.policy.vla.decoder_shape import AttentionMode
from interlock.policy.vla.inputs import Batch, GroundingTarget, Inputs
from interlock.policy.vla.model import QwenVla
from interlock.policy.vla.preset import preset

torch.set_num_threads(1)


def micro(
    *,
    attention: AttentionMode = AttentionMode.CACHED,
    inputs: InputKind = InputKind.CAMERA,
    family: BackboneFamily = BackboneFamily.QWEN3_VL,
    grounding: Grounding = Grounding.TOKEN,
    state_width: int = 6,
) -> VlaConfig:
    tiny = preset("tiny")
    sections = (2, 1, 1) if family is BackboneFamily.QWEN3_5 else (3, 3, 2)
    head_dim = 32 if family is BackboneFamily.QWEN3_5 else 16
    text = replace(
        tiny.backbone.text,
        vocab=320,
        hidden=32,
        layers=4 if family is BackboneFamily.QWEN3_5 else 1,
        mlp_hidden=48,
        heads=2,
        kv_heads=1,
        head_dim=head_dim,
        rope_sections=sections,
    )
    vision = replace(tiny.backbone.vision, layers=1, hidden=32, mlp_hidden=48, heads=2, patch=8, positions=16)
    sees = inputs is InputKind.CAMERA
    return replace(
        tiny,
        name="micro",
        backbone=replace(tiny.backbone, family=family, text=text, vision=vision),
        decoder=replace(
            tiny.decoder, width=32, blocks=2, heads=2, mlp_hidden=48, time_features=16, attention=attention
        ),
        flow=replace(tiny.flow, euler_steps=10, temperature=1.0),
        channels=10,
        horizon=8,
        state_width=state_width,
        inputs=inputs,
        cameras=("base", "wrist") if sees else (),
        image_size_px=32,
        max_text_tokens=120,
        grounding=grounding if sees else Grounding.OFF,
    )


def lively(config: VlaConfig, seed: int = 0) -> QwenVla:
    """A model whose zero-initialised layers are not zero, so that every path carries numbers."""
    torch.manual_seed(seed)
    model = QwenVla(config)
    with torch.no_grad():
        for weight in model.decoder.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    return model.eval()


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def observations(
    config: VlaConfig, count: int = 2, *, words: tuple[int, ...] = (), channels: int = 7, seed: int = 1
) -> Inputs:
    """`count` observations with prompts of `words` tokens each, else 9."""
    generator = seeded(seed)
    lengths = torch.tensor(words or (9,) * count)
    longest = int(lengths.max())
    token_mask = torch.arange(longest) >= longest - lengths[:, None]
    tokens = torch.randint(10, config.backbone.text.vocab, (count, longest), generator=generator)
    side, cameras = config.image_size_px, len(config.cameras)
    extra = {}
    if cameras:
        shape = (count, cameras, side, side, 3)
        extra["pictures"] = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
        extra["camera_mask"] = torch.ones(count, cameras, dtype=torch.bool)
    else:
        extra["scene"] = torch.randn(count, 2, 12, generator=generator)
        extra["scene_mask"] = torch.ones(count, 2, dtype=torch.bool)
    if config.relates:
        extra["tool"] = torch.randn(count, 12, generator=generator)
    if config.state_width:
        extra["state"] = torch.randn(count, config.state_width, generator=generator)
        extra["state_mask"] = torch.ones(count, config.state_width, dtype=torch.bool)
    return Inputs(
        tokens=torch.where(token_mask, tokens, config.backbone.tokens.pad),
        token_mask=token_mask,
        channel_mask=(torch.arange(config.channels) < channels).expand(count, -1),
        step_mask=torch.ones(count, config.horizon, dtype=torch.bool),
        **extra,
    )


def one_of(inputs: Inputs, index: int) -> Inputs:
    """A single observation, without the padding in front of its prompt."""
    words = int(inputs.token_mask[index].sum())
    cut = {
        name: None if each is None else each[index : index + 1]
        for name in Inputs.__dataclass_fields__
        for each in [getattr(inputs, name)]
    }
    for name in ("tokens", "token_mask"):
        cut[name] = cut[name][:, -words:]
    return Inputs(**cut)


def lesson(config: VlaConfig, count: int = 2, **options: int) -> Batch:
    inputs = observations(config, count, **options)
    generator = seeded(3)
    mask = inputs.step_mask[:, :, None] & inputs.channel_mask[:, None, :]
    cameras = len(config.cameras)
    target = GroundingTarget(
        positions=torch.randn(count, 2, 3, generator=generator),
        position_mask=torch.ones(count, 2, dtype=torch.bool),
        pixels=torch.rand(count, cameras, 2, 2, generator=generator),
        pixel_mask=torch.ones(count, cameras, 2, dtype=torch.bool),
        projections=torch.zeros(count, cameras, 3, 4),
        carried=torch.zeros(count, cameras, dtype=torch.bool),
    )
    actions = torch.randn(count, config.horizon, config.channels, generator=generator) * mask
    return Batch(inputs=inputs, actions=actions, grounding=target if cameras else None)


def body(
    tag: str = "franka_panda", *, channels: int = 7, horizon: int = 8, rate_hz: float = 25.0
) -> Embodiment:
    return Embodiment(
        tag=tag,
        channels=tuple(
            Channel(
                name=f"joint_{index}",
                kind=ChannelKind.JOINT_POSITION,
                unit="rad",
                frame="",
                reference=Reference.ABSOLUTE,
                lower=-2.5,
                upper=2.5,
            )
            for index in range(channels)
        ),
        rate_hz=rate_hz,
        horizon=horizon,
    )
