"""The channels in which a cell's policy proposes."""

from __future__ import annotations

import math
from typing import get_args

from interlock.errors import BadInputError
from interlock.hal.embodiment import Channel, ChannelKind, Reference
from interlock.orchestrator.cell_schema import ActionSpace, RobotSection
from interlock.orchestrator.nearest import nearest

__all__ = ["channels_of", "space_named"]

_AXES = ("x", "y", "z")
_REACH_M = 1.5  # of the tool from the base; no arm that a table carries reaches further
_IN_A_CHUNK_M = 1.0
_IN_A_STEP_M = 0.25


def channels_of(robot: RobotSection, space: ActionSpace) -> tuple[Channel, ...]:
    """The arm's channels in that space, then the gripper's width if there is a gripper."""
    arm = _joints(robot) if space == "joint_position" else _pose(robot, space)
    if robot.gripper is None:
        return arm
    gripper = Channel(
        name="gripper_width",
        kind=ChannelKind.GRIPPER_WIDTH,
        unit="m",
        frame="gripper",
        reference=Reference.ABSOLUTE,
        lower=robot.gripper.widths_m[0],
        upper=robot.gripper.widths_m[-1],
    )
    return (*arm, gripper)


def space_named(name: str) -> ActionSpace:
    """The action space of that name.

    Raises:
        BadInputError: if there is none.
    """
    spaces: tuple[ActionSpace, ...] = get_args(ActionSpace)
    for space in spaces:
        if space == name:
            return space
    raise BadInputError(
        "there is no such action space", field="action_space", value=name, mend=nearest(name, spaces)
    )


def _joints(robot: RobotSection) -> tuple[Channel, ...]:
    return tuple(
        Channel(
            name=name,
            kind=ChannelKind.JOINT_POSITION,
            unit="rad",
            frame="joint",
            reference=Reference.ABSOLUTE,
            lower=row.q_rad[0],
            upper=row.q_rad[1],
        )
        for name, row in robot.limits.joints.items()
    )


def _pose(robot: RobotSection, space: ActionSpace) -> tuple[Channel, ...]:
    """Position x, y, z, then rotation vector x, y, z."""
    reference, frame, most_m = {
        "tool_pose": (Reference.ABSOLUTE, "world", _REACH_M),
        "tool_delta": (Reference.CHUNK_START, "world", _IN_A_CHUNK_M),
        "tool_step": (Reference.PREVIOUS_STEP, "tool", _IN_A_STEP_M),
    }[space]
    around = robot.base.position_m if reference is Reference.ABSOLUTE else (0.0, 0.0, 0.0)
    position = [
        Channel(
            name=f"tool_{axis}",
            kind=ChannelKind.TOOL_POSITION,
            unit="m",
            frame=frame,
            reference=reference,
            lower=middle - most_m,
            upper=middle + most_m,
        )
        for axis, middle in zip(_AXES, around, strict=True)
    ]
    rotation = [
        Channel(
            name=f"tool_r{axis}",
            kind=ChannelKind.TOOL_ROTATION,
            unit="rad",
            frame=frame,
            reference=reference,
            lower=-math.pi,
            upper=math.pi,
        )
        for axis in _AXES
    ]
    return (*position, *rotation)
