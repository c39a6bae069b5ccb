"""What is seen from the tool depends on how tool and thing stand to each other, and on nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from tests.policy.vla.models import lively, micro, observations

from interlock.errors import ShapeError
from interlock.hal.arrays import FloatArray
from interlock.policy.vla.config import Grounding, InputKind
from interlock.policy.vla.relation import POSE_WIDTH, offsets, tool_vector, turns
from interlock.policy.vla.slots import slot_vector

ROTATIONS = Rotation.from_rotvec(np.random.default_rng(4).normal(size=(3, 3))).as_matrix()


def tensor(numbers: FloatArray) -> torch.Tensor:
    return torch.from_numpy(numbers).float()


def pose(rotation: FloatArray, place: FloatArray) -> FloatArray:
    made = np.eye(4)
    made[:3, :3], made[:3, 3] = rotation, place
    return made


def test_offsets_are_the_way_from_the_tool_in_the_bases_axes() -> None:
    tool = tool_vector(pose(ROTATIONS[0], np.array([0.3, -0.1, 0.4])), np.zeros(3))
    slot = slot_vector([0.35, -0.1, 0.15], np.eye(3), np.zeros(3))
    far, near = offsets(tensor(slot[None, None, :3]), tensor(tool[None]))[0, 0].split(3)
    np.testing.assert_allclose(far, np.array([0.05, 0.0, -0.25]) / 0.5, atol=1e-6)
    np.testing.assert_allclose(near, np.tanh([1.0, 0.0, -5.0]), atol=1e-6)


def test_turns_stay_when_tool_and_thing_are_turned_together() -> None:
    seen = []
    for around in (np.eye(3), ROTATIONS[2]):
        tool = tool_vector(pose(around @ ROTATIONS[0], np.zeros(3)), np.zeros(3))
        slot = slot_vector(np.zeros(3), around @ ROTATIONS[1], np.zeros(3))
        seen.append(turns(tensor(slot[None, None, 3:9]), tensor(tool[None]))[0, 0])
    torch.testing.assert_close(seen[0], seen[1])
    wanted = (ROTATIONS[0].T @ ROTATIONS[1])[:, :2].T.ravel()
    np.testing.assert_allclose(seen[0], wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("inputs", "grounding"), [(InputKind.SCENE, Grounding.OFF), (InputKind.CAMERA, Grounding.TOKEN)]
)
def test_where_the_tool_is_reaches_the_decoder(inputs: InputKind, grounding: Grounding) -> None:
    config = micro(inputs=inputs, grounding=grounding, state_width=0)
    model, seen = lively(config), observations(config)
    moved = type(seen)(**{n: getattr(seen, n) for n in seen.__dataclass_fields__} | {"tool": seen.tool + 0.1})
    assert not torch.equal(model.encode(seen).prefix.tokens, model.encode(moved).prefix.tokens)


def test_a_model_that_finds_nothing_needs_no_tool() -> None:
    config = micro(grounding=Grounding.OFF)
    assert observations(config).tool is None
    lively(config).encode(observations(config))


def test_refuses_a_pose_that_is_none() -> None:
    with pytest.raises(ShapeError):
        tool_vector(np.eye(3), np.zeros(3))


def test_the_way_that_the_tool_came_reaches_the_state_token() -> None:
    config = micro(inputs=InputKind.SCENE)
    model, seen = lively(config), observations(config)
    tool = seen.tool.clone()
    tool[:, POSE_WIDTH:] += 1.0
    moved = type(seen)(**{n: getattr(seen, n) for n in seen.__dataclass_fields__} | {"tool": tool})
    tokens, others = (model.encode(each).prefix.tokens for each in (seen, moved))
    assert torch.equal(tokens[:, :-1], others[:, :-1])
    assert not torch.equal(tokens[:, -1], others[:, -1])
