"""A guided chunk begins with the running one."""

from __future__ import annotations

import pytest
import torch
from tests.policy.vla.models import lively, micro, observations, seeded

from interlock.errors import ShapeError
from interlock.policy.vla.chunk_guide import ChunkGuide
from interlock.policy.vla.decoder_shape import AttentionMode


def guide(frozen: int = 3, overlap: int = 6) -> ChunkGuide:
    return ChunkGuide(values=torch.randn(1, 8, 10, generator=seeded(6)), frozen=frozen, overlap=overlap)


def test_weights_are_one_then_fall_then_zero() -> None:
    weights = guide().weights()
    assert (weights[:3] == 1.0).all()
    assert (weights[6:] == 0.0).all()
    assert 1.0 > weights[3] > weights[4] > weights[5] > 0.0


@pytest.mark.parametrize("attention", AttentionMode)
def test_frozen_steps_are_the_running_chunks(attention: AttentionMode) -> None:
    config = micro(attention=attention)
    model, inputs = lively(config), observations(config, 1, channels=10)
    chunks = model.sample(inputs, seeded(), samples=2, guide=guide())
    torch.testing.assert_close(
        chunks[0, :, :3], guide().values[:, :3].expand(2, -1, -1), atol=1e-5, rtol=1e-5
    )
    assert not torch.allclose(chunks[0, :, 6:], guide().values[:, 6:].expand(2, -1, -1), atol=1e-2)


def test_overlap_draws_the_chunk_near_to_the_running_one() -> None:
    config = micro()
    model, inputs = lively(config), observations(config, 1, channels=10)
    free = model.sample(inputs, seeded(), samples=32)[0]
    drawn = model.sample(inputs, seeded(), samples=32, guide=guide())[0]
    wanted = guide().values
    assert (drawn - wanted)[:, 3:6].abs().mean() < 0.8 * (free - wanted)[:, 3:6].abs().mean()


def test_a_guide_without_overlap_changes_nothing() -> None:
    config = micro()
    model, inputs = lively(config), observations(config, 1)
    free = model.sample(inputs, seeded())
    torch.testing.assert_close(model.sample(inputs, seeded(), guide=guide(0, 0)), free, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("frozen", "overlap"), [(-1, 2), (3, 2), (3, 9)])
def test_refuses_steps_that_the_chunk_has_not(frozen: int, overlap: int) -> None:
    with pytest.raises(ShapeError):
        guide(frozen, overlap)


def test_refuses_nan_in_the_overlap_and_reads_nothing_behind_it() -> None:
    values = torch.zeros(1, 8, 10)
    values[0, 5] = torch.nan
    with pytest.raises(ShapeError, match="finite"):
        ChunkGuide(values=values, frozen=3, overlap=6)
    config = micro()
    behind = ChunkGuide(values=values, frozen=3, overlap=5)
    assert torch.isfinite(lively(config).sample(observations(config, 1), seeded(), guide=behind)).all()
