"""The cached prefix is the plain computation, only sooner."""

from __future__ import annotations

import pytest
import torch
from tests.policy.vla.models import lively, micro, seeded
from torch import Tensor
from torch.nn import functional

from interlock.policy.vla.decoder import ActionDecoder
from interlock.policy.vla.decoder_shape import AttentionMode
from interlock.policy.vla.prefix import CachedPrefix, Prefix
from interlock.policy.vla.rope import Rotation, rotate, rotation_at


def told(decoder: ActionDecoder, *, batch: int = 2, masked: bool = True) -> Prefix:
    generator = seeded(4)
    mask = torch.ones(batch, 7, dtype=torch.bool)
    mask[0, :2] = not masked
    return Prefix(
        tokens=torch.randn(batch, 7, decoder.shape.width, generator=generator),
        positions=torch.arange(7).expand(3, batch, -1),
        mask=mask if masked else None,
    )


def plainly(decoder: ActionDecoder, noisy: Tensor, tau: Tensor, prefix: Prefix, steps: Tensor) -> Tensor:
    """One sequence, one boolean matrix of who sees whom, everything anew; no keys are kept."""
    before, count = prefix.tokens.shape[1], noisy.shape[1]
    tokens = torch.cat([prefix.tokens, decoder.action_in(noisy)], dim=1)
    first, last = (
        rotation_at(prefix.positions, decoder.head_dim),
        decoder.chunk_rotation(prefix.positions, count),
    )
    rotation = Rotation(cos=torch.cat([first.cos, last.cos], 1), sin=torch.cat([first.sin, last.sin], 1))
    sees = torch.ones(before + count, before + count, dtype=torch.bool)
    sees[:before, before:] = False
    clean, now = decoder.conditions(torch.zeros(len(tau))), decoder.conditions(tau)
    mask = torch.ones(len(noisy), before, dtype=torch.bool) if prefix.mask is None else prefix.mask
    there = torch.cat([mask, steps], dim=1)[:, None, None, :] & sees
    for index, block in enumerate(decoder.blocks):
        modulation = torch.cat(
            [clean[index].expand(-1, -1, before, -1), now[index].expand(-1, -1, count, -1)], dim=2
        )
        query, key, value = (each.transpose(1, 2) for each in block.project(tokens, modulation, rotation))
        logits = query @ key.transpose(2, 3) / decoder.head_dim**0.5
        weights = logits.masked_fill(~there, -torch.inf).softmax(-1)
        tokens = block.finish(tokens, weights @ value, modulation)
    chunk = tokens[:, before:]
    normed = functional.layer_norm(chunk, chunk.shape[-1:])
    return decoder.action_out(now[-1][0] + normed * (1.0 + now[-1][1]))


each_count = pytest.mark.parametrize("samples", [1, 3])
"""A prefix of its own for each chunk, and one for several, go different ways."""


@each_count
@pytest.mark.parametrize("masked", [False, True])
def test_cached_prefix_equals_the_plain_computation(samples: int, masked: bool) -> None:
    decoder = lively(micro()).decoder
    prefix = told(decoder, masked=masked)
    noisy = torch.randn(2 * samples, 8, 10, generator=seeded(5))
    steps = (torch.arange(8).expand(2, -1) < torch.tensor([[8], [5]])).repeat_interleave(samples, 0)
    for tau in (torch.tensor([0.9, 0.2]), torch.tensor([0.0, 1.0])):
        tau = tau.repeat_interleave(samples)
        with torch.no_grad():
            found = decoder.velocity(noisy, decoder.conditions(tau), decoder.cache(prefix), steps)
            wanted = plainly(decoder, noisy, tau, prefix.repeat(samples), steps)
        torch.testing.assert_close(found[steps], wanted[steps], atol=1e-5, rtol=1e-4)


@each_count
def test_gradients_through_the_cached_prefix_are_those_of_the_plain_computation(samples: int) -> None:
    decoder = lively(micro()).decoder
    prefix = told(decoder)
    noisy = torch.randn(2 * samples, 8, 10, generator=seeded(5))
    tau = torch.tensor([0.9, 0.2]).repeat_interleave(samples)
    steps = torch.ones(2 * samples, 8, dtype=torch.bool)
    found = []
    for velocity in (
        decoder.velocity(noisy, decoder.conditions(tau), decoder.cache(prefix), None),
        plainly(decoder, noisy, tau, prefix.repeat(samples), steps),
    ):
        weight = decoder.blocks[0].qkv.weight
        found.append(torch.autograd.grad(velocity.square().sum(), weight)[0])
    torch.testing.assert_close(found[0], found[1], atol=1e-4, rtol=1e-3)


def test_many_chunks_share_one_prefix_without_seeing_each_other() -> None:
    decoder = lively(micro()).decoder
    for masked in (False, True):
        cached = decoder.cache(told(decoder, masked=masked))
        noisy = torch.randn(6, 8, 10, generator=seeded(5))
        conditions = decoder.conditions(torch.tensor([0.7]))
        with torch.no_grad():
            together = decoder.velocity(noisy, conditions, cached, None)
            for index in range(3):
                alone = decoder.velocity(noisy[index::3], conditions, cached, None)
                torch.testing.assert_close(together[index::3], alone, atol=1e-5, rtol=1e-4)


def test_joint_prefix_changes_with_time_and_sees_the_chunk() -> None:
    decoder = lively(micro(attention=AttentionMode.JOINT)).decoder
    prefix = told(decoder)
    assert decoder.open(prefix) is prefix
    assert isinstance(lively(micro()).decoder.open(prefix), CachedPrefix)
    noisy = torch.randn(2, 8, 10, generator=seeded(5))
    conditions = decoder.conditions(torch.tensor([0.7]))
    with torch.no_grad():
        joint = decoder.velocity(noisy, conditions, prefix, None)
        cached = decoder.velocity(noisy, conditions, decoder.cache(prefix), None)
    assert not torch.allclose(joint, cached, atol=1e-3)


@pytest.mark.parametrize("attention", AttentionMode)
def test_what_is_masked_in_the_prefix_changes_nothing(attention: AttentionMode) -> None:
    decoder = lively(micro(attention=attention)).decoder
    prefix = told(decoder)
    changed = prefix.tokens.clone()
    changed[0, :2] += 5.0
    noisy = torch.randn(2, 8, 10, generator=seeded(5))
    conditions = decoder.conditions(torch.tensor([0.7]))
    with torch.no_grad():
        first = decoder.velocity(noisy, conditions, decoder.open(prefix), None)
        other = Prefix(tokens=changed, positions=prefix.positions, mask=prefix.mask)
        second = decoder.velocity(noisy, conditions, decoder.open(other), None)
    torch.testing.assert_close(first, second, atol=1e-5, rtol=1e-4)


def test_a_fresh_decoder_says_zero() -> None:
    config = micro()
    decoder = ActionDecoder(config.decoder, channels=config.channels, hidden=32)
    velocity = decoder.velocity(
        torch.randn(2, 8, 10), decoder.conditions(torch.tensor([0.5])), decoder.cache(told(decoder)), None
    )
    assert (velocity == 0.0).all()


def test_rotation_keeps_lengths_and_knows_only_distances() -> None:
    one, two = torch.randn(2, 1, 1, 2, 12, generator=seeded()).unbind(0)

    def product(first: int, second: int) -> Tensor:
        at = [rotation_at(torch.tensor([[[p]], [[2 * p]], [[3 * p]]]), 12) for p in (first, second)]
        return (rotate(one, at[0]) * rotate(two, at[1])).sum(-1)

    torch.testing.assert_close(product(3, 5), product(10, 12), atol=1e-5, rtol=1e-4)
    assert not torch.allclose(product(3, 5), product(3, 6))


@pytest.mark.parametrize("attention", list(AttentionMode))
def test_setting_that_is_made_once_changes_nothing(attention: AttentionMode) -> None:
    decoder = lively(micro(attention=attention)).decoder
    prefix = decoder.open(told(decoder))
    noisy, conditions = torch.randn(2, 8, 10, generator=seeded(5)), decoder.conditions(torch.tensor([0.4]))
    steps = torch.arange(8).expand(2, -1) < torch.tensor([[8], [5]])
    with torch.no_grad():
        setting = decoder.setting(prefix, steps, 2, 8)
        for tried in (noisy, -noisy):
            anew = decoder.velocity(tried, conditions, prefix, steps)
            assert torch.equal(decoder.velocity(tried, conditions, prefix, steps, setting), anew)


def test_packed_weights_say_the_same() -> None:
    decoder = lively(micro()).decoder
    prefix, noisy = told(decoder), torch.randn(2, 8, 10, generator=seeded(5))
    conditions = decoder.conditions(torch.tensor([0.4]))
    before = {name: each.clone() for name, each in decoder.state_dict().items()}
    with torch.no_grad():
        first = decoder.velocity(noisy, conditions, decoder.cache(prefix), None)
        decoder.pack()
        packed = decoder.velocity(noisy, conditions, decoder.cache(prefix), None)
    torch.testing.assert_close(packed, first, atol=1e-6, rtol=1e-5)
    assert decoder.blocks[0].qkv.weight.t().is_contiguous()
    assert all(torch.equal(before[name], each) for name, each in decoder.state_dict().items())
