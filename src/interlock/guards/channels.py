"""The channels that the gate can judge: joint positions, or the pose of the tool; then a gripper."""

from __future__ import annotations

import numpy as np

from interlock.errors import BadInputError
from interlock.hal.embodiment import Channel, ChannelKind, Embodiment, Reference
from interlock.hal.robot import RobotSpec

__all__ = ["check_channels", "in_joints"]

_POSE = (ChannelKind.TOOL_POSITION,) * 3 + (ChannelKind.TOOL_ROTATION,) * 3


def check_channels(robot: RobotSpec, embodiment: Embodiment) -> None:
    """Every channel has to mean what the gate takes it for.

    Raises:
        BadInputError: naming the channel and what it has to be.
    """
    channels = embodiment.channels
    kinds = tuple(channel.kind for channel in channels)
    if kinds[: len(_POSE)] == _POSE:
        arm, hand = channels[: len(_POSE)], channels[len(_POSE) :]
        _check_pose(arm)
    else:
        arm, hand = channels[: robot.dof], channels[robot.dof :]
        if tuple(c.name for c in arm) != robot.limits.names:
            raise _others(robot, embodiment)
        for channel in arm:
            _check(channel, ChannelKind.JOINT_POSITION, Reference.ABSOLUTE)
    if len(hand) > 1:
        raise _others(robot, embodiment)
    for channel in hand:
        _check(channel, ChannelKind.GRIPPER_WIDTH, Reference.ABSOLUTE)


def in_joints(robot: RobotSpec, embodiment: Embodiment) -> Embodiment:
    """The same body with the arm's joints as channels; `embodiment` itself if it has them."""
    if embodiment.tool_reference is None:
        return embodiment
    limits = robot.limits
    joints = tuple(
        Channel(
            name=name,
            kind=ChannelKind.JOINT_POSITION,
            unit="rad",
            frame="joint",
            reference=Reference.ABSOLUTE,
            lower=float(lower),
            upper=float(upper),
        )
        for name, lower, upper in zip(limits.names, limits.q_min, limits.q_max, strict=True)
    )
    return Embodiment(
        tag=embodiment.tag,
        channels=joints + embodiment.channels[len(_POSE) :],
        rate_hz=embodiment.rate_hz,
        horizon=embodiment.horizon,
    )


def _check_pose(channels: tuple[Channel, ...]) -> None:
    first = channels[0]
    frames = ("world",) if first.reference is Reference.ABSOLUTE else ("world", "tool")
    for channel, kind in zip(channels, _POSE, strict=True):
        _check(channel, kind, first.reference)
        if channel.frame != first.frame or channel.frame not in frames:
            raise BadInputError(
                "a pose of the tool is given in one frame",
                field=f"embodiment.channels.{channel.name}.frame",
                value=channel.frame,
                mend=f"Give all six in the frame {' or '.join(frames)}.",
            )


def _check(channel: Channel, kind: ChannelKind, reference: Reference) -> None:
    unit = "rad" if kind in (ChannelKind.JOINT_POSITION, ChannelKind.TOOL_ROTATION) else "m"
    fits = channel.kind is kind and channel.unit == unit and channel.reference is reference
    if not (fits and -np.inf < channel.lower < channel.upper < np.inf):
        raise BadInputError(
            "the gate cannot judge this channel",
            field=f"embodiment.channels.{channel.name}",
            value=channel,
            mend=f"Give a {kind.value} in {unit}, {reference.value}, with finite bounds.",
        )


def _others(robot: RobotSpec, embodiment: Embodiment) -> BadInputError:
    return BadInputError(
        "the channels of an embodiment are the arm's joints or the tool's pose, then at most a gripper",
        field="embodiment.channels",
        value=tuple(c.name for c in embodiment.channels),
        mend=f"Name the joints {', '.join(robot.limits.names)}, in this order, or three tool positions and "
        "three tool rotations.",
    )
