"""Attention of a chunk to a prefix and to itself, when many chunks share one prefix."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["attend_cached"]


def attend_cached(
    query: Tensor, key: Tensor, value: Tensor, prefix_key: Tensor, prefix_value: Tensor, mask: Tensor | None
) -> Tensor:
    """One softmax over prefix and chunk, without copying the prefix for each sample.

    `scaled_dot_product_attention` over repeated and joined keys costs four times as much here: 16 queries a
    sample are too few for its kernel, and joining copies the prefix in every block of every step.

    Args:
        query: of B · K chunks, shape (B · K, T, heads, head_dim).
        key: shape (B · K, T, heads, head_dim).
        value: shape (B · K, T, heads, head_dim).
        prefix_key: of B observations, shape (B · heads, head_dim, P).
        prefix_value: shape (B · heads, P, head_dim).
        mask: True where a key counts, prefix then chunk, shape (B · K, 1, 1, P + T); None if all do.

    Returns:
        Shape (B · K, heads, T, head_dim).
    """
    count, steps, heads, width = query.shape
    batch, before = prefix_key.shape[0] // heads, prefix_key.shape[2]
    samples = count // batch
    query = query * width**-0.5
    if samples == 1:
        return _alone(query, key, value, prefix_key, prefix_value, mask)
    # Three axes throughout: `matmul` over four spends more on reshaping than on products of this size.
    own = query.transpose(1, 2).reshape(-1, steps, width)
    shared = query.reshape(batch, samples * steps, heads, width).transpose(1, 2).flatten(0, 1)
    far = torch.bmm(shared, prefix_key)
    near = torch.bmm(own, key.permute(0, 2, 3, 1).reshape(-1, width, steps))
    logits = torch.cat(
        [far.unflatten(0, (batch, heads)), _together(near.unflatten(0, (count, heads)), batch)], -1
    )
    if mask is not None:
        logits = logits.masked_fill(~_together(mask.expand(-1, -1, steps, -1), batch), -torch.inf)
    weights = logits.softmax(dim=-1)
    from_prefix = torch.bmm(weights[..., :before].flatten(0, 1), prefix_value)
    own = _apart(weights[..., before:], samples).flatten(0, 1)
    from_chunk = torch.bmm(own, value.transpose(1, 2).reshape(-1, steps, width))
    far_away = _apart(from_prefix.unflatten(0, (batch, heads)), samples)
    return far_away + from_chunk.unflatten(0, (count, heads))


def _alone(
    query: Tensor, key: Tensor, value: Tensor, prefix_key: Tensor, prefix_value: Tensor, mask: Tensor | None
) -> Tensor:
    """The same where no prefix is shared: nothing has to be brought together and apart again.

    In float32 to the bit, as seen on one CPU; in half precision the last sum is rounded once, not twice.
    """
    count, steps, heads, width = query.shape
    before = prefix_key.shape[2]
    own, near = query.transpose(1, 2).flatten(0, 1), key.permute(0, 2, 3, 1).flatten(0, 1)
    logits = torch.cat([torch.bmm(own, prefix_key), torch.bmm(own, near)], -1)
    if mask is not None:
        logits = logits.unflatten(0, (count, heads)).masked_fill(~mask, -torch.inf).flatten(0, 1)
    weights = logits.softmax(dim=-1)
    from_prefix = torch.bmm(weights[..., :before], prefix_value)
    found = torch.baddbmm(from_prefix, weights[..., before:], value.transpose(1, 2).flatten(0, 1))
    return found.view(count, heads, steps, width)


def _together(each: Tensor, batch: int) -> Tensor:
    """Shape (B · K, heads, T, n) as (B, heads, K · T, n)."""
    return each.unflatten(0, (batch, -1)).transpose(1, 2).flatten(2, 3)


def _apart(all_samples: Tensor, samples: int) -> Tensor:
    """Shape (B, heads, K · T, n) as (B · K, heads, T, n)."""
    return all_samples.unflatten(2, (samples, -1)).transpose(1, 2).flatten(0, 1)
