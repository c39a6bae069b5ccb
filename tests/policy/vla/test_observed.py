"""What is seen becomes the model's input in one way only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.policy.vla.models import lively, micro, seeded

from interlock.errors import ShapeError
from interlock.policy.vla.config import InputKind
from interlock.policy.vla.observed import Observed, collate
from interlock.policy.vla.relation import tool_vector
from interlock.policy.vla.slots import LENGTH_SCALE_M, slot_vector

BASE, WRIST = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)


def seen(**changes: Any) -> Observed:
    one = Observed(
        tokens=(11, 12, 13),
        channels=7,
        horizon=8,
        pictures={"wrist": WRIST, "base": BASE},
        state=np.arange(4.0),
        tool=tool_vector(np.eye(4), np.zeros(3)),
    )
    return replace(one, **changes)


def test_cameras_go_by_their_role_and_not_by_their_order() -> None:
    inputs = collate(micro(), [seen(), seen(pictures={"wrist": WRIST})])
    assert np.array_equal(inputs.pictures[0, 0].numpy(), BASE)
    assert np.array_equal(inputs.pictures[0, 1].numpy(), WRIST)
    assert inputs.camera_mask.tolist() == [[True, True], [False, True]]


def test_prompts_are_padded_in_front_and_numbers_behind() -> None:
    inputs = collate(micro(), [seen(), seen(tokens=(14,), channels=3, horizon=5)])
    assert inputs.tokens.tolist() == [[11, 12, 13], [0, 0, 14]]
    assert inputs.token_mask.tolist() == [[True] * 3, [False, False, True]]
    assert inputs.channel_mask.sum(1).tolist() == [7, 3]
    assert inputs.step_mask.sum(1).tolist() == [8, 5]
    assert inputs.state[0].tolist() == [0.0, 1.0, 2.0, 3.0, 0.0, 0.0]
    assert inputs.state_mask[0].tolist() == [True] * 4 + [False] * 2


def test_slots_are_metres_over_one_scale_and_two_columns_of_the_rotation() -> None:
    turned = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    numbers = slot_vector([0.5, 0.0, -0.25], turned, [0.05, 0.05, 0.1])
    np.testing.assert_allclose(numbers[:3] * LENGTH_SCALE_M, [0.5, 0.0, -0.25])
    np.testing.assert_allclose(numbers[3:9], [0, 1, 0, -1, 0, 0])
    np.testing.assert_allclose(numbers[9:] * LENGTH_SCALE_M, [0.05, 0.05, 0.1])


def test_scene_models_get_their_slots_by_name() -> None:
    numbers = slot_vector([0.5, 0.1, 0.0], np.eye(3), [0.05, 0.05, 0.05])
    one = seen(pictures={}, slots={"target": numbers})
    inputs = collate(micro(inputs=InputKind.SCENE), [one])
    assert inputs.scene_mask.tolist() == [[False, True]]
    np.testing.assert_allclose(inputs.scene[0, 1].numpy(), numbers, rtol=1e-6)


def test_what_is_collated_can_be_sampled() -> None:
    config = micro()
    chunk = lively(config).sample(collate(config, [seen()]), seeded(), samples=2)
    assert chunk.shape == (1, 2, 8, 10)
    assert torch.isfinite(chunk).all()


def test_text_only_leaves_the_pictures_out() -> None:
    assert collate(micro(), [seen()], text_only=True).pictures is None


@pytest.mark.parametrize(
    "changes",
    [
        {"pictures": {"head": BASE}},
        {"pictures": {"base": BASE[:16]}},
        {"pictures": {"base": BASE.astype(np.float32)}},
        {"channels": 11},
        {"channels": 0},
        {"horizon": 9},
        {"state": None},
        {"state": np.zeros(7)},
        {"state": np.zeros((1, 4))},
        {"tokens": (11,) * 121},
        {"tool": None},
        {"tool": np.zeros(3)},
    ],
    ids=[
        "role",
        "size",
        "type",
        "wide",
        "none",
        "long",
        "stateless",
        "states",
        "shape",
        "words",
        "toolless",
        "tool",
    ],
)
def test_refuses_what_does_not_fit_the_model(changes: dict[str, Any]) -> None:
    with pytest.raises(ShapeError):
        collate(micro(), [seen(**changes)])


def test_refuses_a_slot_that_it_does_not_know() -> None:
    one = seen(pictures={}, slots={"obstacle": np.zeros(12)})
    with pytest.raises(ShapeError, match="obstacle"):
        collate(micro(inputs=InputKind.SCENE), [one])
