"""What the decoder is told before the noisy chunk: hidden states, objects, state."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

__all__ = ["CachedPrefix", "Prefix"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """Tokens of width d and where they stand.

    Attributes:
        tokens: shape (B, P, d).
        positions: time, height, width, shape (3, B, P).
        mask: True where a token counts, shape (B, P); None if all do.
    """

    tokens: Tensor
    positions: Tensor
    mask: Tensor | None

    def repeat(self, samples: int) -> Prefix:
        """Each observation `samples` times in a row."""
        if samples == 1:
            return self
        return Prefix(
            tokens=self.tokens.repeat_interleave(samples, 0),
            positions=self.positions.repeat_interleave(samples, 1),
            mask=None if self.mask is None else self.mask.repeat_interleave(samples, 0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedPrefix:
    """Keys and values of a prefix, block by block; they hold for every τ, and for any number of chunks.

    They have the shapes that products want, so that no step of any chunk has to bring them there.

    Attributes:
        keys: each shape (B · heads, head_dim, P).
        values: each shape (B · heads, P, head_dim).
        prefix: whose they are.
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    prefix: Prefix
