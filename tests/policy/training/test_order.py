from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.errors import BadInputError
from interlock.policy.training.order import Order


@given(st.integers(1, 50), st.integers(1, 20), st.integers(0, 5))
def test_every_frame_comes_once_an_epoch(frames: int, batch: int, seed: int) -> None:
    order = Order(frames=frames, batch=batch, seed=seed)
    steps = -(-3 * frames // batch)
    seen = np.concatenate([order.of(step) for step in range(steps)])
    for epoch in range(3):
        assert sorted(seen[epoch * frames : (epoch + 1) * frames]) == list(range(frames))


@given(st.integers(1, 40), st.sampled_from([1, 2, 4]), st.integers(0, 30))
def test_processes_share_what_one_alone_would_take(frames: int, world: int, step: int) -> None:
    alone = Order(frames=frames, batch=8, seed=3).of(step)
    shared = [Order(frames=frames, batch=8, seed=3, rank=rank, world=world).of(step) for rank in range(world)]
    assert sorted(np.concatenate(shared)) == sorted(alone)


def test_refuses_nothing_to_learn_from_and_a_batch_that_cannot_be_shared() -> None:
    with pytest.raises(BadInputError, match="interlock demos"):
        Order(frames=0, batch=1, seed=0)
    with pytest.raises(BadInputError, match="multiple of 2"):
        Order(frames=9, batch=3, seed=0, world=2)
