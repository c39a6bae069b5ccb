"""The numbers of a Qwen vision-language model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from interlock.errors import CheckpointError

__all__ = ["BackboneFamily", "BackboneShape", "TextShape", "TokenIds", "VisionShape"]


class BackboneFamily(StrEnum):
    """Families of `transformers` that can be the backbone."""

    QWEN3_5 = "qwen3_5"  # gated linear attention with full attention in every fourth layer
    QWEN3_VL = "qwen3_vl"
    QWEN2_5_VL = "qwen2_5_vl"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextShape:
    """The language model. `rope_sections`: frequency pairs for time, height, width; half a head together."""

    vocab: int
    hidden: int
    layers: int
    mlp_hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    rope_theta: float
    rope_sections: tuple[int, ...]
    max_positions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionShape:
    """The vision tower.

    Attributes:
        layers: number of blocks.
        hidden: its width.
        mlp_hidden: width inside its MLPs.
        heads: attention heads.
        patch: side of a patch, [px].
        merge: patches along a side that become one token.
        temporal_patch: times a still picture is repeated before it is embedded.
        positions: learned positions; a square number.
        deepstack: layers whose output also enters the language model (Qwen3-VL only).
    """

    layers: int
    hidden: int
    mlp_hidden: int
    heads: int
    patch: int
    merge: int
    temporal_patch: int
    positions: int
    deepstack: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIds:
    """Ids of the special tokens; `cameras` holds, per role, the one before and the one behind its picture."""

    pad: int
    image: int
    video: int
    vision_start: int
    vision_end: int
    cameras: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneShape:
    """Family and numbers; weights come out random, or from a checkpoint, never from a download.

    Attributes:
        family: which of Qwen's.
        text: the language model.
        vision: the vision tower.
        tokens: ids of the special tokens.
        init_std: deviation of fresh weights. The usual 0.02 suits widths in the thousands; in a narrow model
            attention and MLPs would begin with next to nothing to say (1 / √128 = 0.09).
    """

    family: BackboneFamily
    text: TextShape
    vision: VisionShape
    tokens: TokenIds
    init_std: float

    def __post_init__(self) -> None:
        if not self.init_std > 0.0:
            raise CheckpointError(
                "must be positive",
                field="config.backbone.init_std",
                value=self.init_std,
                mend="Give a number above 0, such as 0.02.",
            )
        ids = self.tokens
        every = (ids.pad, ids.image, ids.video, ids.vision_start, ids.vision_end, *ids.cameras)
        if len(set(every)) != len(every) or not all(0 <= each < self.text.vocab for each in every):
            raise CheckpointError(
                "special tokens must differ and lie inside the vocabulary",
                field="config.backbone.tokens",
                value=every,
                mend=f"Choose ids from 0 to {self.text.vocab - 1}, each once.",
            )
