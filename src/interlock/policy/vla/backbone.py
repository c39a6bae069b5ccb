"""The vision-language model: prompts and pictures in, hidden states out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from interlock.policy.vla.backbone_shape import BackboneFamily, BackboneShape
from interlock.policy.vla.layout import Layout
from interlock.policy.vla.patch_projection import PatchProjection
from interlock.policy.vla.patches import patchify
from interlock.policy.vla.vision_attention import VisionAttention

__all__ = ["Backbone"]


class Backbone(nn.Module):
    """One of Qwen's models from `transformers`, built from numbers, with random weights.

    Only the module of the wanted family is imported; nothing is downloaded. A model that does not see has no
    vision tower.

    Args:
        shape: family and numbers.
        sees: whether pictures will come.
    """

    def __init__(self, shape: BackboneShape, *, sees: bool) -> None:
        super().__init__()
        self.shape = shape
        self.model = _MAKERS[shape.family](shape)
        if not sees:
            self.model.visual = None
            return
        for block in self.model.visual.blocks:
            block.attn = VisionAttention(block.attn)
        self.model.visual.patch_embed.proj = PatchProjection(self.model.visual.patch_embed.proj)

    def attend_plainly(self) -> None:
        """Let the text attend by plain products, which mixed precision on a CPU trains faster with."""
        self.model.language_model.set_attn_implementation("eager")

    def forward(self, layout: Layout, pictures: Tensor | None) -> Tensor:
        """Hidden states behind the last layer.

        Args:
            layout: the token stream.
            pictures: uint8, shape (B, cameras, side, side, 3), for every image token of the stream.

        Returns:
            Shape (B, N, hidden). Where `layout.mask` is False they mean nothing.
        """
        extra: dict[str, Any] = {}
        if pictures is not None:
            flat = pictures.flatten(0, 1)
            cells = flat.shape[1] // self.shape.vision.patch
            extra["pixel_values"] = patchify(flat, self.shape.vision).to(self.model.dtype)
            extra["image_grid_thw"] = torch.tensor([[1, cells, cells]], device=flat.device).expand(
                len(flat), -1
            )
        output = self.model(
            input_ids=layout.tokens,
            position_ids=layout.positions,
            attention_mask=None if layout.mask is None else layout.mask.long(),
            use_cache=False,
            **extra,
        )
        return output.last_hidden_state


def _text(shape: BackboneShape, rope: dict[str, Any]) -> dict[str, Any]:
    text = shape.text
    return {
        "vocab_size": text.vocab,
        "hidden_size": text.hidden,
        "initializer_range": shape.init_std,
        "num_hidden_layers": text.layers,
        "intermediate_size": text.mlp_hidden,
        "num_attention_heads": text.heads,
        "num_key_value_heads": text.kv_heads,
        "head_dim": text.head_dim,
        "max_position_embeddings": text.max_positions,
        "rope_parameters": {"rope_type": "default", "rope_theta": text.rope_theta} | rope,
    }


def _vision(shape: BackboneShape) -> dict[str, Any]:
    vision = shape.vision
    return {
        "depth": vision.layers,
        "hidden_size": vision.hidden,
        "initializer_range": shape.init_std,
        "intermediate_size": vision.mlp_hidden,
        "num_heads": vision.heads,
        "patch_size": vision.patch,
        "spatial_merge_size": vision.merge,
        "temporal_patch_size": vision.temporal_patch,
        # The defaults keep another width here and would be accepted in silence.
        "out_hidden_size": shape.text.hidden,
    }


def _tokens(shape: BackboneShape) -> dict[str, int]:
    ids = shape.tokens
    return {
        "image_token_id": ids.image,
        "video_token_id": ids.video,
        "vision_start_token_id": ids.vision_start,
        "vision_end_token_id": ids.vision_end,
    }


def _qwen3_5(shape: BackboneShape) -> Any:
    from transformers.models.qwen3_5.configuration_qwen3_5 import Qwen3_5Config
    from transformers.models.qwen3_5.modeling_qwen3_5 import Qwen3_5Model

    rope = {
        "mrope_section": list(shape.text.rope_sections),
        "mrope_interleaved": True,
        "partial_rotary_factor": 0.25,
    }
    vision = _vision(shape) | {"num_position_embeddings": shape.vision.positions}
    return Qwen3_5Model(Qwen3_5Config(text_config=_text(shape, rope), vision_config=vision, **_tokens(shape)))


def _qwen3_vl(shape: BackboneShape) -> Any:
    from transformers.models.qwen3_vl.configuration_qwen3_vl import Qwen3VLConfig
    from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLModel

    rope = {"mrope_section": list(shape.text.rope_sections), "mrope_interleaved": True}
    vision = _vision(shape) | {
        "num_position_embeddings": shape.vision.positions,
        "deepstack_visual_indexes": list(shape.vision.deepstack),
    }
    return Qwen3VLModel(Qwen3VLConfig(text_config=_text(shape, rope), vision_config=vision, **_tokens(shape)))


def _qwen2_5_vl(shape: BackboneShape) -> Any:
    from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLConfig
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLModel

    vision = _vision(shape) | {"fullatt_block_indexes": list(range(shape.vision.layers))}
    return Qwen2_5_VLModel(
        Qwen2_5_VLConfig(
            text_config=_text(shape, {"mrope_section": list(shape.text.rope_sections)}),
            vision_config=vision,
            **_tokens(shape),
        )
    )


_MAKERS = {
    BackboneFamily.QWEN3_5: _qwen3_5,
    BackboneFamily.QWEN3_VL: _qwen3_vl,
    BackboneFamily.QWEN2_5_VL: _qwen2_5_vl,
}
