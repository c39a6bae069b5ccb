"""Scaling goes there and back for the body it was measured on, and for no other."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.policy.vla.models import body

from interlock.errors import CheckpointError, ShapeError
from interlock.hal.embodiment import ChannelKind, Reference
from interlock.policy.vla.channel_scale import MIN_SPREAD, ChannelScale
from interlock.policy.vla.statistics import BodyStatistics, StateName, Statistics

STATE = (StateName(name="width", unit="m"), StateName(name="joint_0", unit="rad"))
RANDOM = np.random.default_rng(5)
ACTIONS = RANDOM.normal(size=(400, 7))
STATES = RANDOM.normal(size=(300, 2))


def measured(**constants: float) -> BodyStatistics:
    actions, states = ACTIONS.copy(), STATES.copy()
    for name, value in constants.items():
        if name == "width":
            states[:, 0] = value
        else:
            actions[:, int(name[-1])] = value
    return BodyStatistics.measure(body(), actions, states, STATE, constants)


def test_percentiles_become_one_and_minus_one() -> None:
    numbers = measured().scale_actions(ACTIONS)
    np.testing.assert_allclose(np.percentile(numbers, [1, 99], axis=0), [[-1.0] * 7, [1.0] * 7], atol=1e-12)


def test_actions_come_back_unclipped() -> None:
    wild = 30.0 * ACTIONS.reshape(4, 100, 7)
    found = measured()
    np.testing.assert_allclose(found.unscale_actions(found.scale_actions(wild)), wild, atol=1e-12)


def test_declared_constant_is_what_any_output_becomes() -> None:
    found = measured(joint_3=0.25)
    assert (found.scale_actions(np.full((2, 7), 0.25))[:, 3] == 0.0).all()
    assert (found.unscale_actions(np.full((2, 7), 9.0))[:, 3] == 0.25).all()


def test_nan_stays_nan_even_in_a_constant() -> None:
    found = measured(joint_3=0.25, width=0.0)
    assert np.isnan(found.scale_actions(np.full(7, np.nan))).all()
    assert np.isnan(found.unscale_actions(np.full(7, np.nan))).all()
    assert np.isnan(found.scale_state(np.full(2, np.nan))).all()


@pytest.mark.parametrize("spread", [0.0, 0.99 * MIN_SPREAD, -1.0])
def test_refuses_a_channel_that_hardly_moves_and_is_not_declared(spread: float) -> None:
    with pytest.raises(CheckpointError, match="Declare the channel constant"):
        ChannelScale(name="joint_0", unit="rad", q01=0.0, q99=spread, constant=None)


def test_takes_a_channel_that_moves_just_enough() -> None:
    assert ChannelScale(name="j", unit="rad", q01=0.0, q99=1.01 * MIN_SPREAD, constant=None).half_range > 0


@pytest.mark.parametrize("constant", [0.5, -1.0])
def test_refuses_a_constant_that_was_seen_elsewhere(constant: float) -> None:
    with pytest.raises(CheckpointError, match="declared constant"):
        ChannelScale(name="joint_0", unit="rad", q01=0.0, q99=0.5, constant=constant)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_refuses_data_that_is_not_finite(bad: float) -> None:
    actions = ACTIONS.copy()
    actions[7, 2] = bad
    with pytest.raises(CheckpointError, match="finite"):
        BodyStatistics.measure(body(), actions, STATES, STATE, {})


def test_refuses_a_constant_of_a_channel_that_is_not_there() -> None:
    with pytest.raises(CheckpointError, match="no such channel"):
        BodyStatistics.measure(body(), ACTIONS, STATES, STATE, {"elbow": 0.0})


@pytest.mark.parametrize("shape", [(6,), (3, 8), ()])
def test_refuses_actions_of_another_width(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError):
        measured().scale_actions(np.zeros(shape))
    with pytest.raises(ShapeError):
        measured().unscale_actions(np.zeros(shape))


def test_statistics_come_back_from_json() -> None:
    both = Statistics(bodies=(measured(joint_3=0.25), replace(measured(), tag="xarm6")))
    assert Statistics.from_json(json.loads(json.dumps(both.to_json()))) == both


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (body("ur5"), "not trained with that body"),
        (body(horizon=7), "horizon of 8 steps, not 7"),
        (body(rate_hz=20.0), "25 Hz, not 20 Hz"),
        (body(channels=6), "channels"),
        (
            replace(body(), channels=(*body().channels[:-1], replace(body().channels[-1], upper=2.6))),
            "joint_6",
        ),
    ],
    ids=["tag", "horizon", "rate", "channels", "limit"],
)
def test_refuses_any_body_but_its_own_and_says_what_differs(asked: Any, reason: str) -> None:
    known = Statistics(bodies=(measured(),))
    assert known.of(body()).tag == "franka_panda"
    with pytest.raises(CheckpointError, match=reason):
        known.of(asked)


def _entry(data: dict[str, Any]) -> dict[str, Any]:
    (entry,) = data["bodies"].values()
    return entry


def _swapped(data: dict[str, Any]) -> None:
    data["bodies"] = {"0" * 64: _entry(data)}


def _renamed(data: dict[str, Any]) -> None:
    _entry(data)["action"][1]["name"] = "elbow"


def _fewer(data: dict[str, Any]) -> None:
    _entry(data)["action"].pop()


def _unit(data: dict[str, Any]) -> None:
    _entry(data)["action"][1]["unit"] = "deg"


def _nan(data: dict[str, Any]) -> None:
    _entry(data)["action"][1]["q01"] = float("nan")


def _flat(data: dict[str, Any]) -> None:
    _entry(data)["state"][0]["q99"] = _entry(data)["state"][0]["q01"]


def _horizon(data: dict[str, Any]) -> None:
    _entry(data)["horizon"] = 9


def _none(data: dict[str, Any]) -> None:
    data["bodies"] = {}


def _extra(data: dict[str, Any]) -> None:
    data["mean"] = 0.0


@pytest.mark.parametrize("spoil", [_swapped, _renamed, _fewer, _unit, _nan, _flat, _horizon, _none, _extra])
def test_refuses_statistics_that_were_tampered_with(spoil: Any) -> None:
    data = copy.deepcopy(Statistics(bodies=(measured(),)).to_json())
    spoil(data)
    with pytest.raises(CheckpointError):
        Statistics.from_json(data)


REACH = np.linspace(0.0, 0.2, 8)[None, :, None] * RANDOM.uniform(-1.0, 1.0, (300, 1, 3))


def told_in_changes(chunks: np.ndarray) -> BodyStatistics:
    """Of a body whose first three channels are relative to the start of a chunk."""
    one = body(channels=4)
    relative = tuple(
        replace(channel, kind=ChannelKind.TOOL_POSITION, reference=Reference.CHUNK_START)
        for channel in one.channels[:3]
    )
    absolute = RANDOM.uniform(0.0, 0.08, (*chunks.shape[:2], 1))
    states = RANDOM.uniform(-1.0, 1.0, (50, 2))
    moving = replace(one, channels=(*relative, one.channels[3]))
    return BodyStatistics.measure(moving, np.concatenate([chunks, absolute], axis=2), states, STATE, {})


def test_steps_that_grow_along_a_chunk_are_each_as_wide_to_the_model() -> None:
    found = told_in_changes(REACH)
    width = np.zeros((300, 8, 1))
    numbers = found.scale_actions(np.concatenate([REACH, width], axis=2))[:, 1:, :3]
    reach = np.percentile(np.abs(numbers), 99.0, axis=0)
    np.testing.assert_allclose(reach, 1.0, atol=0.1)
    assert np.array(found.growth)[0, :3] == pytest.approx(0.02)  # the start itself
    assert (np.array(found.growth)[:, 3] == 1.0).all()


def test_the_first_steps_of_a_chunk_come_back_too() -> None:
    found = told_in_changes(REACH)
    steps = RANDOM.normal(size=(2, 3, 4))
    np.testing.assert_allclose(found.unscale_actions(found.scale_actions(steps)), steps, atol=1e-12)
    with pytest.raises(ShapeError, match="8 steps"):
        found.scale_actions(np.zeros((9, 4)))
    with pytest.raises(ShapeError, match="8 steps"):
        found.unscale_actions(np.zeros(4))


@pytest.mark.parametrize(
    "growth",
    [
        ((0.5,),),
        ((0.0,) * 4,) * 8,
        ((1.5,) * 4,) * 8,
        ((float("nan"),) * 4,) * 8,
        pytest.param(((1e-200,) * 3 + (1.0,),) * 8, id="that makes any motion none"),
        pytest.param(((0.5,) * 4,) * 8, id="of a channel that is not relative"),
    ],
)
def test_refuses_a_growth_of_another_form(growth: tuple[tuple[float, ...], ...]) -> None:
    with pytest.raises(CheckpointError, match="growth"):
        replace(told_in_changes(REACH), growth=growth)


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_refuses_to_measure_a_growth_of_what_is_not_finite(broken: float) -> None:
    chunks = REACH.copy()
    chunks[3, 2, 1] = broken
    with pytest.raises(CheckpointError, match="finite"):
        told_in_changes(chunks)
