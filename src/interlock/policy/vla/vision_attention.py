"""Attention of the vision tower for pictures of one size, all in one call."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from interlock.policy.vla.attention import attend

__all__ = ["VisionAttention"]


class VisionAttention(nn.Module):
    """Takes the place of the tower's own attention, with its weights under their names.

    Without flash-attn, `transformers` attends picture by picture in a Python loop: 3,584 calls a forward pass
    for 256 observations of two cameras and seven layers. Our pictures all have one size, so they are a batch.

    Args:
        own: the attention of a block of Qwen3.5's, Qwen3-VL's or Qwen2.5-VL's tower.
    """

    def __init__(self, own: nn.Module) -> None:
        super().__init__()
        self.qkv = own.qkv
        self.proj = own.proj
        self.heads = own.num_heads

    def forward(
        self,
        hidden_states: Tensor,
        cu_seqlens: Tensor,
        position_embeddings: tuple[Tensor, Tensor],
        **_: Any,
    ) -> Tensor:
        """Attend inside each picture.

        Args:
            hidden_states: patches of all pictures, one behind the other, shape (N · n, d).
            cu_seqlens: where each picture ends, shape (N + 1,); only its length is read.
            position_embeddings: cosines and sines, each shape (N · n, head_dim).
        """
        pictures = cu_seqlens.shape[0] - 1
        mixed = self.qkv(hidden_states).view(pictures, hidden_states.shape[0] // pictures, 3, self.heads, -1)
        query, key, value = mixed.unbind(2)
        cos, sin = (each.view(pictures, query.shape[1], 1, -1) for each in position_embeddings)
        attended = attend(
            _turn(query, cos, sin).transpose(1, 2),
            _turn(key, cos, sin).transpose(1, 2),
            value.transpose(1, 2),
        )
        return self.proj(attended.transpose(1, 2).reshape(hidden_states.shape[0], -1))


def _turn(values: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = values.chunk(2, dim=-1)
    return (values * cos + torch.cat([-second, first], dim=-1) * sin).to(values.dtype)
