"""One block of the decoder: AdaLN, attention, AdaLN, gated MLP."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from interlock.policy.vla.decoder_shape import DecoderShape
from interlock.policy.vla.rope import Rotation, rotate

__all__ = ["DitBlock", "Modulation"]

Modulation: TypeAlias = Tensor | tuple[Tensor, ...]
"""Shift, 1 + scale and gate of attention, then of the MLP, each shape (B, 1, d); one tensor, or apart."""


class DitBlock(nn.Module):
    """A transformer block whose norms are shifted, scaled and gated by τ (Peebles & Xie 2023, AdaLN-Zero).

    30 d² weights at the published width: modulation 6 d², attention 4 d², MLP 3 d · mlp_hidden = 20 d².
    Beside them stand only the modulation's bias (6 d) and the norms of queries and keys (2 · head_dim).
    The layers that a chunk goes through are called as functions, as in `TwoLayers`.
    """

    def __init__(self, shape: DecoderShape) -> None:
        super().__init__()
        width = shape.width
        self.heads = shape.heads
        self.head_dim = width // shape.heads
        self.modulation = nn.Linear(width, 6 * width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.query_key_norm = nn.Parameter(torch.ones(2, 1, self.head_dim))
        self.out = nn.Linear(width, width, bias=False)
        self.gate_up = nn.Linear(width, 2 * shape.mlp_hidden, bias=False)
        self.down = nn.Linear(shape.mlp_hidden, width, bias=False)
        # Zero: at first every block passes its input on, which makes a deep stack trainable from scratch.
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    @property
    def layers(self) -> tuple[nn.Linear, ...]:
        """What a chunk goes through."""
        return self.qkv, self.out, self.gate_up, self.down

    def modulate(self, condition: Tensor) -> Tensor:
        """Shift, 1 + scale and gate for both halves, from the embedding of τ.

        Args:
            condition: shape (B, d), already through SiLU.

        Returns:
            Shape (6, B, 1, d).
        """
        count = condition.shape[0]
        modulation = self.modulation(condition).view(count, 6, 1, -1).transpose(0, 1)
        modulation[1::3] += 1.0
        return modulation

    def project(
        self, tokens: Tensor, modulation: Modulation, rotation: Rotation
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each shape (B, N, heads, head_dim), of tokens (B, N, d)."""
        shift, scale, *_ = modulation
        normed = functional.layer_norm(tokens, tokens.shape[-1:])
        mixed = functional.linear(torch.addcmul(shift, normed, scale), self.qkv.weight)
        batch, count, _ = tokens.shape
        heads, width = self.heads, self.head_dim
        both, value = mixed.view(batch, count, 3 * heads, width).split_with_sizes((2 * heads, heads), dim=2)
        normed = functional.rms_norm(both, (width,), eps=1e-6).view(batch, count, 2, heads, width)
        weighed = (normed * self.query_key_norm).view(batch, count, 2 * heads, width)
        query, key = rotate(weighed, rotation).chunk(2, dim=2)
        return query, key, value

    def finish(self, tokens: Tensor, attended: Tensor, modulation: Modulation) -> Tensor:
        """Add what attention found, shape (B, heads, N, head_dim), then the MLP; both gated by τ."""
        _, _, gate, shift, scale, last = modulation
        found = functional.linear(attended.transpose(1, 2).flatten(2), self.out.weight)
        tokens = torch.addcmul(tokens, gate, found)
        normed = functional.layer_norm(tokens, tokens.shape[-1:])
        both = functional.linear(torch.addcmul(shift, normed, scale), self.gate_up.weight)
        opened, linear = both.chunk(2, dim=-1)
        made = functional.linear(functional.silu(opened) * linear, self.down.weight)
        return torch.addcmul(tokens, last, made)
