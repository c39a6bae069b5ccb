"""The numbers of the flow-matching transformer that turns hidden states into actions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from interlock.errors import CheckpointError

__all__ = ["AttentionMode", "DecoderShape"]


class AttentionMode(StrEnum):
    """How the prefix (backbone's hidden states, state) and the noisy chunk see each other."""

    JOINT = (
        "joint"  # as published: one sequence, all see all, everything anew at each step of the integration
    )
    CACHED = (
        "cached"  # the prefix sees itself only and τ = 0; its keys and values serve all steps and samples
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderShape:
    """Width d, number of blocks, attention heads, width inside the gated MLP, sines that code τ, and mode.

    The weights of a block: 6 d² for AdaLN (shift, scale, gate; twice), 4 d² for attention (q, k, v, out), and
    3 d · mlp_hidden for the gated MLP. Qwen-VLA publishes only the sum, 70.8 M = 30 d² for d = 1536. A gated
    MLP of 20 d² / 3 d = 10,240 fills it exactly, and is four times the backbone's 2560; that split is ours.
    """

    width: int
    blocks: int
    heads: int
    mlp_hidden: int
    time_features: int
    attention: AttentionMode

    def __post_init__(self) -> None:
        if min(self.width, self.blocks, self.heads, self.mlp_hidden, self.time_features) < 1:
            raise CheckpointError(
                "every size must be positive",
                field="config.decoder",
                mend="Give whole numbers of at least 1.",
            )
        if self.width % (2 * self.heads) or self.time_features % 2:
            raise CheckpointError(
                "width must divide into heads of even size, and time_features must be even",
                field="config.decoder.width",
                value=self.width,
                mend=f"Choose a multiple of {2 * self.heads}.",
            )
