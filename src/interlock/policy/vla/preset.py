"""The shapes that come with Interlock."""

from __future__ import annotations

from dataclasses import replace

from interlock.errors import CheckpointError
from interlock.policy.vla.backbone_shape import (
    BackboneFamily,
    BackboneShape,
    TextShape,
    TokenIds,
    VisionShape,
)
from interlock.policy.vla.config import Grounding, InputKind, VlaConfig
from interlock.policy.vla.decoder_shape import AttentionMode, DecoderShape
from interlock.policy.vla.flow_settings import FlowSettings, TauLaw

__all__ = ["PRESETS", "preset"]

_FLOW = FlowSettings(
    text_tau=TauLaw.SIGMOID_NORMAL,
    main_tau=TauLaw.BETA,
    normal_mean=0.0,
    normal_std=1.0,
    beta_a=1.5,
    beta_b=1.0,
    tau_min=0.001,
    euler_steps=10,
)

# Every number as in the config.json of models that were fine-tuned from Qwen3.5-4B (Chat2Find-CPT on Hugging
# Face is one). What is not named here, such as the heads of linear attention and full attention in each
# fourth layer, is the class's default and agrees with them; sizes are not: its hidden size is 4096.
# 4,539,265,536 parameters without a language head, which shares the embedding.
_QWEN3_5_4B = BackboneShape(
    family=BackboneFamily.QWEN3_5,
    text=TextShape(
        vocab=248_320,
        hidden=2560,
        layers=32,
        mlp_hidden=9216,
        heads=16,
        kv_heads=4,
        head_dim=256,
        rope_theta=10_000_000.0,
        rope_sections=(11, 11, 10),
        max_positions=262_144,
    ),
    vision=VisionShape(
        layers=24,
        hidden=1024,
        mlp_hidden=4096,
        heads=16,
        patch=16,
        merge=2,
        temporal_patch=2,
        positions=2304,
        deepstack=(),
    ),
    # The cameras' tokens take the last rows of the embedding, which no token of the public tokenizer uses.
    tokens=TokenIds(
        pad=248_044,
        image=248_056,
        video=248_057,
        vision_start=248_053,
        vision_end=248_054,
        cameras=(248_316, 248_317, 248_318, 248_319),
    ),
    init_std=0.02,
)

# Seven layers of vision, four of text, three decoder blocks: the five Euler steps of a chunk take about half
# of the backbone's time, and eight chunks less than half as long again as one. Patches of 16 px train three
# times as fast as those of 8 px; what is finer than a patch its embedding keeps.
_TINY = BackboneShape(
    family=BackboneFamily.QWEN3_VL,
    text=TextShape(
        vocab=640,
        hidden=128,
        layers=4,
        mlp_hidden=256,
        heads=4,
        kv_heads=4,
        head_dim=32,
        rope_theta=10_000.0,
        rope_sections=(6, 5, 5),
        max_positions=512,
    ),
    vision=VisionShape(
        layers=7,
        hidden=128,
        mlp_hidden=384,
        heads=4,
        patch=16,
        merge=2,
        temporal_patch=1,
        positions=64,
        deepstack=(),
    ),
    tokens=TokenIds(pad=0, image=1, video=2, vision_start=3, vision_end=4, cameras=(5, 6, 7, 8)),
    init_std=0.06,
)

_TINY_CONFIG = VlaConfig(
    name="tiny",
    backbone=_TINY,
    decoder=DecoderShape(
        width=128, blocks=3, heads=2, mlp_hidden=192, time_features=64, attention=AttentionMode.CACHED
    ),
    flow=replace(_FLOW, euler_steps=5),
    channels=16,
    horizon=16,
    state_width=24,
    inputs=InputKind.CAMERA,
    cameras=("base", "wrist"),
    image_size_px=128,
    max_text_tokens=256,
    grounding=Grounding.TOKEN,
    grounding_weight=1.0,
)

PRESETS = {
    "qwen-vla-4b": VlaConfig(
        name="qwen-vla-4b",
        backbone=_QWEN3_5_4B,
        # "joint" is the published attention, and this preset is what is published. "cached", which the small
        # presets have, is not: it costs less. `interlock train --attention cached` gives it to a new model.
        decoder=DecoderShape(
            width=1536,
            blocks=16,
            heads=12,
            mlp_hidden=10_240,
            time_features=256,
            attention=AttentionMode.JOINT,
        ),
        flow=_FLOW,
        channels=64,
        horizon=16,
        state_width=0,
        inputs=InputKind.CAMERA,
        cameras=("base", "wrist"),
        image_size_px=224,
        max_text_tokens=512,
        grounding=Grounding.OFF,
        grounding_weight=0.0,
    ),
    # What it sees changes a little from picture to picture; noise on top of that keeps the arm from standing.
    "tiny": replace(_TINY_CONFIG, flow=replace(_TINY_CONFIG.flow, temperature=0.0)),
    # The same class in seconds: it learns nothing of use, and shows that a machine can train.
    "smoke": replace(
        _TINY_CONFIG,
        name="smoke",
        backbone=replace(
            _TINY,
            text=replace(
                _TINY.text,
                hidden=32,
                layers=1,
                mlp_hidden=64,
                heads=2,
                kv_heads=2,
                head_dim=16,
                rope_sections=(4, 2, 2),
            ),
            vision=replace(_TINY.vision, layers=1, hidden=32, mlp_hidden=64, heads=2),
        ),
        decoder=replace(_TINY_CONFIG.decoder, width=32, blocks=2, heads=2, mlp_hidden=48, time_features=32),
    ),
    "tiny-scene": replace(
        _TINY_CONFIG,
        name="tiny-scene",
        inputs=InputKind.SCENE,
        cameras=(),
        grounding=Grounding.OFF,
        grounding_weight=0.0,
    ),
}
"""By name. `tiny-scene` is told where things are instead of seeing them.

`qwen-vla-4b` has the attention "joint", as published; the others have "cached", where the prefix's keys and
values serve all Euler steps and samples. A new model may have the other one (`interlock train --attention`).
"""


def preset(name: str) -> VlaConfig:
    """The preset of that name.

    Raises:
        CheckpointError: if there is none.
    """
    if name not in PRESETS:
        raise CheckpointError(
            "no such preset", field="preset", value=name, mend=f"Known are: {', '.join(PRESETS)}."
        )
    return PRESETS[name]
