"""Attention says the same by either way, and mixed precision stays near it."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from interlock.policy.vla.attention import attend


def heads(dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(2, 3, 10, 8, generator=generator).to(dtype) for _ in range(3)]


@pytest.mark.parametrize("masked", [False, True])
def test_mixed_precision_attends_like_the_fused_kernel(masked: bool) -> None:
    query, key, value = heads()
    mask = torch.arange(10)[None, None, None, :] < 7 if masked else None
    wanted = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = attend(query, key, value, mask)
    assert torch.equal(attend(query, key, value, mask), wanted)
    assert mixed.dtype is torch.bfloat16
    assert torch.allclose(mixed.float(), wanted, atol=0.05)
