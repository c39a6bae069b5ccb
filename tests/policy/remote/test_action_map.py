"""The unit map, inward and outward: every unit and reference by its numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pinocchio as pin
import pytest
from tests.policy.remote.conftest import JOINTS, STEPS, good_actions, maps, observation_of

from interlock.errors import BadInputError, RemotePolicyError
from interlock.hal.embodiment import Channel, ChannelKind, Embodiment, Reference
from interlock.hal.robot import RobotSpec
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.policy import PolicyContext
from interlock.policy.remote.action_map import ActionMap
from interlock.policy.remote.observation_map import ObservationMap
from interlock.policy.remote.options import ActionSection, ObservationSection

RAMP = np.linspace(0.0, 0.3, STEPS)


@pytest.fixture
def body(context_of: Callable[..., PolicyContext], panda: RobotSpec) -> Embodiment:
    return context_of(panda).embodiment


def section(index: int, **changed: Any) -> ActionSection:
    columns = [dict(column) for column in maps()["actions"]["columns"]]
    columns[index] |= changed
    return ActionSection.model_validate({**maps()["actions"], "columns": columns})


READ: dict[str, tuple[int, dict[str, Any], Callable[[Any], np.ndarray]]] = {
    "degrees": (0, {"unit": "deg"}, lambda state: RAMP * math.pi / 180.0),
    "radians": (0, {"unit": "rad"}, lambda state: RAMP),
    "relative to the state": (2, {"relative_to": "state"}, lambda state: state.q[2] + RAMP),
    "relative to the start": (
        2,
        {"relative_to": "chunk_start"},
        lambda state: state.q_commanded[2] + RAMP,
    ),
    "relative to the step before, in degrees": (
        2,
        {"relative_to": "previous_step", "unit": "deg"},
        lambda state: state.q_commanded[2] + np.cumsum(RAMP) * math.pi / 180.0,
    ),
    "closed at 1": (7, {}, lambda state: 0.08 * (1.0 - RAMP)),
    "closed at -1": (7, {"closed": -1.0, "open": 1.0}, lambda state: 0.04 * (RAMP + 1.0)),
    "millimetres": (
        7,
        {"unit": "mm", "closed": None, "closed_m": None, "open": None, "open_m": None},
        lambda state: RAMP * 1e-3,
    ),
    "a width that changes": (7, {"relative_to": "state"}, lambda state: 0.04 - 0.08 * RAMP),
}


@pytest.mark.parametrize("case", READ)
def test_reads_a_column_in_its_unit_and_reference(case: str, panda: RobotSpec, body: Embodiment) -> None:
    index, changed, expected = READ[case]
    actions = good_actions(panda).astype(np.float64)
    actions[:, index] = RAMP
    state = observation_of(panda).state
    samples = ActionMap(panda, body, section(index, **changed)).read({"actions": actions}, state)
    assert samples[0, :, index] == pytest.approx(expected(state), abs=1e-15)
    others = [i for i in range(7) if i != index]
    assert np.array_equal(samples[0][:, others], actions[:, others])


def test_columns_that_nobody_uses_are_named_and_skipped(panda: RobotSpec, body: Embodiment) -> None:
    columns = [dict(column) for column in maps()["actions"]["columns"]]
    columns[7]["column"] = 9
    made = {**maps()["actions"], "columns": columns, "unused": {"actions": [7, 8]}}
    reader = ActionMap(panda, body, ActionSection.model_validate(made))
    wide = np.concatenate([good_actions(panda)[:, :7], np.zeros((STEPS, 2)), np.ones((STEPS, 1))], axis=1)
    assert reader.widths == {"actions": 10}
    assert not reader.read({"actions": wide}, observation_of(panda).state)[0, :, 7].any()


def test_a_width_relative_to_the_state_needs_one(panda: RobotSpec, body: Embodiment) -> None:
    reader = ActionMap(panda, body, section(7, relative_to="state"))
    state = replace(observation_of(panda).state, gripper=None)
    with pytest.raises(RemotePolicyError, match="not measured"):
        reader.read({"actions": good_actions(panda)}, state)


def tool_body(reference: Reference, frame: str, body: Embodiment) -> Embodiment:
    kinds = [ChannelKind.TOOL_POSITION] * 3 + [ChannelKind.TOOL_ROTATION] * 3
    names = ["tool_x", "tool_y", "tool_z", "tool_rx", "tool_ry", "tool_rz"]
    arm = tuple(
        Channel(
            name=name,
            kind=kind,
            unit="m" if kind is ChannelKind.TOOL_POSITION else "rad",
            frame=frame,
            reference=reference,
            lower=-1.0,
            upper=1.0,
        )
        for name, kind in zip(names, kinds, strict=True)
    )
    return replace(body, channels=(*arm, body.channels[-1]))


def tool_section(body: Embodiment, **changed: Any) -> ActionSection:
    columns = [
        {
            "channel": channel.name,
            "key": "actions",
            "column": i,
            "unit": {"m": "mm", "rad": "deg"}[channel.unit],
            "relative_to": "chunk_start",
            "frame": channel.frame,
            **changed,
        }
        for i, channel in enumerate(body.channels[:-1])
    ]
    hand = {"channel": "width", "key": "actions", "column": 6, "unit": "m", "relative_to": "nothing"}
    given = {"horizon": STEPS, "rate_hz": 25.0, "columns": [*columns, hand]}
    return ActionSection.model_validate(given)


def test_poses_of_the_tool_come_with_the_pose_they_are_anchored_to(
    panda: RobotSpec, body: Embodiment
) -> None:
    reaching = tool_body(Reference.CHUNK_START, "world", body)
    reader = ActionMap(panda, reaching, tool_section(reaching))
    state = observation_of(panda).state
    samples = reader.read({"actions": np.full((STEPS, 7), 10.0)}, state)
    assert samples[0, 0] == pytest.approx([0.01] * 3 + [math.radians(10.0)] * 3 + [10.0])
    anchor = reader.anchor(state)
    assert anchor is not None
    assert np.array_equal(anchor, ToolKinematics(panda).tool_in_world(state.q_commanded))


@pytest.mark.parametrize("changed", [{"relative_to": "nothing"}, {"frame": "tool"}, {"frame": None}])
def test_a_pose_is_never_read_in_another_frame_or_reference(
    changed: dict[str, Any], panda: RobotSpec, body: Embodiment
) -> None:
    reaching = tool_body(Reference.CHUNK_START, "world", body)
    with pytest.raises(BadInputError, match=r"cannot be read relative|axes of 'world'"):
        ActionMap(panda, reaching, tool_section(reaching, **changed))


def test_tells_joints_in_degrees_and_the_tool_in_millimetres(panda: RobotSpec) -> None:
    told = ObservationMap(
        panda,
        ObservationSection.model_validate(
            {
                "state": [
                    {"key": "deg", "values": JOINTS[::-1], "unit": "deg", "dtype": "float64"},
                    {"key": "tool", "values": ["tool_x", "tool_z"], "unit": "mm", "dtype": "float64"},
                    {"key": "turn", "values": ["tool_rx", "tool_ry", "tool_rz"], "unit": "rad"},
                ]
            }
        ),
        {},
    ).tell(observation_of(panda))
    state = observation_of(panda).state
    pose = ToolKinematics(panda).tool_in_world(state.q)
    assert told.states["deg"] == pytest.approx(np.degrees(state.q[::-1]))
    assert told.states["tool"] == pytest.approx(1e3 * pose[[0, 2], 3])
    assert told.states["turn"] == pytest.approx(pin.log3(pose[:3, :3]), abs=1e-6)
    assert (told.prompt, told.pictures) == (None, {})


def test_refuses_to_tell_what_is_not_finite(panda: RobotSpec) -> None:
    observation = observation_of(panda)
    q = observation.state.q.copy()
    q[4] = np.nan
    broken = replace(observation, state=replace(observation.state, q=q))
    fields = ObservationSection.model_validate({"state": [{"key": "q", "values": JOINTS, "unit": "rad"}]})
    with pytest.raises(RemotePolicyError, match=r"observation\.q: is not measured, or not finite"):
        ObservationMap(panda, fields, {}).tell(broken)
