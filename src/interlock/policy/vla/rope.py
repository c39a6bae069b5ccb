"""Multi-section rotary positions: each pair of features turns with time, height or width."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Rotation", "rotate", "rotation_at"]

_BASE = 10_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Cosines and sines, each shape (B, N, 1, head_dim): batch, token, every head alike.

    The sines of a head's first half are negated: with that sign the second half enters there.
    """

    cos: Tensor
    sin: Tensor

    def part(self, start: int, end: int) -> Rotation:
        """The one of tokens `start` to `end`."""
        return Rotation(cos=self.cos[:, start:end], sin=self.sin[:, start:end])


def rotation_at(positions: Tensor, head_dim: int) -> Rotation:
    """The rotation of tokens by their positions.

    The pairs take the axes in turn, as in Qwen's interleaved sections; the backbone and the decoder count
    positions alike, so a picture's tokens keep their rows and columns.

    Args:
        positions: time, height, width, shape (3, B, N), in tokens.
        head_dim: features of a head, even.
    """
    pairs = head_dim // 2
    index = torch.arange(pairs, device=positions.device)
    speed = _BASE ** (-index.float() / pairs)
    angle = positions.permute(1, 2, 0).float()[..., index % 3] * speed
    angle = torch.cat([angle, angle], dim=-1).unsqueeze(2)
    sin = angle.sin()
    sin[..., :pairs].neg_()
    return Rotation(cos=angle.cos(), sin=sin)


def rotate(values: Tensor, rotation: Rotation) -> Tensor:
    """Turn queries or keys, shape (B, N, heads, head_dim)."""
    first, second = values.chunk(2, dim=-1)
    turned = values * rotation.cos + torch.cat([second, first], dim=-1) * rotation.sin
    return turned.to(values.dtype)  # the angles are float32, so that half precision does not blur positions
