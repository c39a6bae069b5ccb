"""The flow-matching transformer: hidden states and a noisy chunk in, a velocity out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from interlock.policy.vla.attention import attend
from interlock.policy.vla.block import DitBlock, Modulation
from interlock.policy.vla.cached_attention import attend_cached
from interlock.policy.vla.decoder_shape import AttentionMode, DecoderShape
from interlock.policy.vla.prefix import CachedPrefix, Prefix
from interlock.policy.vla.rope import Rotation, rotation_at
from interlock.policy.vla.two_layers import TwoLayers

__all__ = ["ActionDecoder", "Conditions", "Setting"]

Conditions = tuple[Modulation, ...]
"""Modulation of each block, then shift and scale of the output, each shape (B, 1, d)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where a chunk stands: its rotation, joint with the prefix's where that is not cached, and what counts.

    Attributes:
        rotation: of the tokens that go through the blocks.
        mask: True where a key counts, prefix then chunk, shape (B, 1, 1, P + T); None if all do.
    """

    rotation: Rotation
    mask: Tensor | None


class ActionDecoder(nn.Module):
    """Single-stream DiT over [prefix; noisy chunk] (Qwen-VLA §2.2, arXiv 2605.30280).

    Args:
        shape: width, blocks and mode.
        channels: width C of an action.
        hidden: width of the backbone's hidden states.
    """

    def __init__(self, shape: DecoderShape, *, channels: int, hidden: int) -> None:
        super().__init__()
        width = shape.width
        self.shape = shape
        self.head_dim = width // shape.heads
        self.action_in = TwoLayers(channels, width, width)
        self.action_out = TwoLayers(width, width, channels)
        self.from_backbone = nn.Linear(hidden, width)
        self.time_embedding = TwoLayers(shape.time_features, width, width)
        self.output_modulation = nn.Linear(width, 2 * width)
        self.blocks = nn.ModuleList(DitBlock(shape) for _ in range(shape.blocks))
        for zeroed in (self.output_modulation, self.action_out[-1]):
            nn.init.zeros_(zeroed.weight)
            nn.init.zeros_(zeroed.bias)

    def pack(self) -> None:
        """Lay out what a chunk goes through as products of few rows read it; the values stay.

        On one core of a Xeon a product of 16 rows by 128 x 384 weights took 12 µs so and 19 µs before; of 128
        rows 93 and 97. In float32 the shipped sizes' chunks stayed the same to the bit there; products of up
        to 8 rows, or with wider weights, can differ in the last bits.
        """
        for each in (
            *self.action_in,
            *(layer for block in self.blocks for layer in block.layers),
            *self.action_out,
        ):
            if isinstance(each, nn.Linear):
                each.weight.data = each.weight.data.t().contiguous().t()

    def conditions(self, tau: Tensor) -> tuple[Tensor, ...]:
        """Everything that depends on τ alone, shape (B,): `Conditions`, each in one tensor."""
        half = self.shape.time_features // 2
        # τ in [0, 1] times 1000, so that the sines resolve it as they do a diffusion's step count.
        speed = torch.exp(-math.log(10_000.0) * torch.arange(half, device=tau.device) / half)
        angle = 1000.0 * tau[:, None].float() * speed
        features = torch.cat([angle.cos(), angle.sin()], dim=-1).to(self.output_modulation.weight.dtype)
        embedded = functional.silu(self.time_embedding(features))
        last = self.output_modulation(embedded).view(len(tau), 2, 1, -1).transpose(0, 1)
        return (*(block.modulate(embedded) for block in self.blocks), last)

    def cache(self, prefix: Prefix, clean: Conditions | None = None) -> CachedPrefix:
        """Keys and values of a prefix that sees itself only; modulated at τ = 0, as it is clean.

        Args:
            prefix: the prefix.
            clean: the conditions of τ = 0, where they are there already.
        """
        conditions = clean or self.conditions(prefix.tokens.new_zeros(1))
        rotation = rotation_at(prefix.positions, self.head_dim)
        mask = None if prefix.mask is None else prefix.mask[:, None, None, :]
        tokens, keys, values = prefix.tokens, [], []
        for index, block in enumerate(self.blocks):
            query, key, value = (
                each.transpose(1, 2) for each in block.project(tokens, conditions[index], rotation)
            )
            keys.append(key.contiguous().flatten(0, 1).transpose(1, 2))
            values.append(value.contiguous().flatten(0, 1))
            if index + 1 < len(self.blocks):  # nobody reads what the last block would make of the prefix
                attended = attend(query, key, value, mask)
                tokens = block.finish(tokens, attended, conditions[index])
        return CachedPrefix(keys=tuple(keys), values=tuple(values), prefix=prefix)

    def velocity(
        self,
        noisy: Tensor,
        conditions: Conditions,
        prefix: Prefix | CachedPrefix,
        steps: Tensor | None,
        setting: Setting | None = None,
    ) -> Tensor:
        """The velocity Y1 − Y0 that the model sees in a noisy chunk.

        Args:
            noisy: Yτ with zeros in the padding, shape (B, T, C).
            conditions: of τ, for B observations or for one.
            prefix: of B observations or, in mode CACHED, of fewer that B is a multiple of.
            steps: True where a step belongs to the body's horizon, shape (B, T); None if all do.
            setting: what `setting` gave for these, where it is asked for more than once.

        Returns:
            Shape (B, T, C), float32 whatever the weights are.
        """
        chunk = self.action_in(noisy.to(self.output_modulation.weight.dtype))
        setting = setting or self.setting(prefix, steps, *chunk.shape[:2])
        if isinstance(prefix, CachedPrefix):
            chunk = self._after_cached(chunk, conditions, prefix, setting)
        else:
            chunk = self._joint(chunk, conditions, prefix, setting)
        shift, scale = conditions[-1][0], conditions[-1][1]
        normed = functional.layer_norm(chunk, chunk.shape[-1:])
        return self.action_out(torch.addcmul(shift, normed, 1.0 + scale)).float()

    def chunk_rotation(self, positions: Tensor, count: int) -> Rotation:
        """Rotation of `count` steps that follow a prefix at `positions`, shape (3, B, P)."""
        start = positions.amax(dim=(0, 2)) + 1
        steps = start[:, None] + torch.arange(count, device=positions.device)
        return rotation_at(steps.expand(3, -1, -1), self.head_dim)

    def setting(self, prefix: Prefix | CachedPrefix, steps: Tensor | None, batch: int, count: int) -> Setting:
        """What a velocity depends on beside the noisy chunk and τ: the same for all Euler steps.

        Args:
            prefix: as for `velocity`.
            steps: as for `velocity`.
            batch: number of chunks B.
            count: steps T of a chunk.
        """
        if isinstance(prefix, CachedPrefix):
            seen = prefix.prefix.repeat(batch // prefix.prefix.positions.shape[1])
            rotation = self.chunk_rotation(seen.positions, count)
        else:
            seen = prefix
            before, behind = (
                rotation_at(seen.positions, self.head_dim),
                self.chunk_rotation(seen.positions, count),
            )
            rotation = Rotation(
                cos=torch.cat([before.cos, behind.cos], 1), sin=torch.cat([before.sin, behind.sin], 1)
            )
        return Setting(rotation=rotation, mask=_mask(seen.mask, steps, seen.positions.shape[2], count))

    def _after_cached(
        self, chunk: Tensor, conditions: Conditions, cached: CachedPrefix, setting: Setting
    ) -> Tensor:
        for index, block in enumerate(self.blocks):
            query, key, value = block.project(chunk, conditions[index], setting.rotation)
            attended = attend_cached(
                query, key, value, cached.keys[index], cached.values[index], setting.mask
            )
            chunk = block.finish(chunk, attended, conditions[index])
        return chunk

    def _joint(self, chunk: Tensor, conditions: Conditions, prefix: Prefix, setting: Setting) -> Tensor:
        tokens = torch.cat([prefix.tokens, chunk], dim=1)
        for index, block in enumerate(self.blocks):
            query, key, value = (
                each.transpose(1, 2) for each in block.project(tokens, conditions[index], setting.rotation)
            )
            attended = attend(query, key, value, setting.mask)
            tokens = block.finish(tokens, attended, conditions[index])
        return tokens[:, prefix.tokens.shape[1] :]

    def open(self, prefix: Prefix, clean: Conditions | None = None) -> Prefix | CachedPrefix:
        """What `velocity` wants in this decoder's mode; `clean` as for `cache`."""
        return self.cache(prefix, clean) if self.shape.attention is AttentionMode.CACHED else prefix


def _mask(prefix: Tensor | None, steps: Tensor | None, before: int, count: int) -> Tensor | None:
    if prefix is None and steps is None:
        return None
    some = prefix if prefix is not None else steps
    batch = some.shape[0]  # type: ignore[union-attr]
    first = some.new_ones(batch, before) if prefix is None else prefix  # type: ignore[union-attr]
    last = some.new_ones(batch, count) if steps is None else steps  # type: ignore[union-attr]
    return torch.cat([first, last], dim=1)[:, None, None, :]
