"""From what a server sends to the embodiment's channels: the unit map, inward."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

import numpy as np

from interlock.errors import BadInputError, RemotePolicyError
from interlock.hal.arrays import FloatArray
from interlock.hal.embodiment import Channel, ChannelKind, Embodiment, Reference
from interlock.hal.robot import RobotSpec
from interlock.hal.state import RobotState
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.remote.options import ActionColumn, ActionSection
from interlock.policy.remote.unit import Unit

__all__ = ["ActionMap"]

_FIELD = "policy.options.actions"
_RELATIVE = {
    Reference.ABSOLUTE: "nothing",
    Reference.CHUNK_START: "chunk_start",
    Reference.PREVIOUS_STEP: "previous_step",
}


class ActionMap:
    """Reads action arrays as the steps of a chunk.

    Args:
        robot: the body.
        embodiment: channels, rate and horizon that are wanted.
        section: what each column is.

    Raises:
        BadInputError: if the map does not give every channel exactly one column of a fitting unit, frame and
            reference, or if horizon or rate do not fit.

    Attributes:
        widths: number of columns of each array, by key.
    """

    def __init__(self, robot: RobotSpec, embodiment: Embodiment, section: ActionSection) -> None:
        self._embodiment = embodiment
        self._section = section
        self._joints = {name: index for index, name in enumerate(robot.limits.names)}
        _check_clock(embodiment, section)
        _check_names(embodiment, section)
        self._columns = [_column_of(channel, section) for channel in embodiment.channels]
        self.widths = _widths(section)
        relative = embodiment.tool_reference not in (None, Reference.ABSOLUTE)
        self._kinematics = ToolKinematics(robot) if relative else None

    @property
    def horizon(self) -> int:
        """Number of steps that the server sends."""
        return self._section.horizon

    def read(self, arrays: Mapping[str, object], state: RobotState) -> FloatArray:
        """The steps of a chunk in channel units, shape (1, T, C), T the embodiment's horizon.

        Args:
            arrays: what came, by key.
            state: the state that the server was told of.

        Raises:
            RemotePolicyError: if an array is missing, or of another type or shape, or not finite.
        """
        checked = {key: self._array(arrays, key) for key in self.widths}
        steps = self._embodiment.horizon
        channels = zip(self._embodiment.channels, self._columns, strict=True)
        columns = [
            self._absolute(channel, column, checked[column.key][:steps, column.column], state)
            for channel, column in channels
        ]
        return np.stack(columns, axis=1)[None]

    def anchor(self, state: RobotState) -> FloatArray | None:
        """Pose of the tool that relative poses start from, shape (4, 4), [m]; None if they are absolute."""
        return None if self._kinematics is None else self._kinematics.tool_in_world(state.q_commanded)

    def _array(self, arrays: Mapping[str, object], key: str) -> FloatArray:
        array = arrays.get(key)
        field, shape = f"answer.{key}", (self.horizon, self.widths[key])
        if not isinstance(array, np.ndarray):
            raise _bad("there is no such array", field, sorted(arrays), "Name its key in the map.")
        if array.dtype not in (np.float32, np.float64):
            raise _bad("is not of type float32 or float64", field, str(array.dtype), "Send floats.")
        if array.shape != shape:
            raise _bad(
                f"is not {shape[0]} steps of {shape[1]} columns",
                field,
                array.shape,
                "Mend the map or the server.",
            )
        if not np.isfinite(array).all():
            step, column = (int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise _bad(
                f"is not finite at step {step}, column {column}",
                field,
                float(array[step, column]),
                "Look at the model and its statistics.",
            )
        return array.astype(np.float64)

    def _absolute(
        self, channel: Channel, column: ActionColumn, values: FloatArray, state: RobotState
    ) -> FloatArray:
        """A column in the channel's unit and reference, shape (T,)."""
        if channel.kind in (ChannelKind.TOOL_POSITION, ChannelKind.TOOL_ROTATION):
            return column.scale.read_step(values)
        if column.relative_to == "nothing":
            return column.scale.read(values)
        base, steps = 0.0, column.scale.read_step(values)
        if channel.kind is ChannelKind.GRIPPER_WIDTH:
            if state.gripper is None:
                raise _bad(
                    "the gripper's width is not measured",
                    "observation.state",
                    None,
                    "Give a driver that reports it.",
                )
            base = state.gripper.width_m
        else:
            whence = state.q if column.relative_to == "state" else state.q_commanded
            base = float(whence[self._joints[channel.name]])
        along: FloatArray = np.cumsum(steps) if column.relative_to == "previous_step" else steps
        return base + along


def _check_clock(embodiment: Embodiment, section: ActionSection) -> None:
    if section.horizon < embodiment.horizon:
        raise BadInputError(
            f"is shorter than the cell's chunks of {embodiment.horizon} steps",
            field=f"{_FIELD}.horizon",
            value=section.horizon,
            mend="Shorten rates.horizon in the cell.",
        )
    if section.rate_hz != embodiment.rate_hz:
        raise BadInputError(
            f"is not the cell's rate of {embodiment.rate_hz:g} Hz",
            field=f"{_FIELD}.rate_hz",
            value=section.rate_hz,
            mend="Set rates.chunk_rate_hz in the cell; steps are never resampled.",
        )


def _column_of(channel: Channel, section: ActionSection) -> ActionColumn:
    found = [column for column in section.columns if column.channel == channel.name]
    if len(found) != 1:
        raise BadInputError(
            f"needs one column for {channel.name}, has {len(found)}",
            field=f"{_FIELD}.columns",
            mend="Give each channel of the embodiment one column.",
        )
    column, field = found[0], f"{_FIELD}.columns.{section.columns.index(found[0])}"
    hand = channel.kind is ChannelKind.GRIPPER_WIDTH
    if column.scale.physical != channel.unit or (column.unit is Unit.NORMALISED and not hand):
        raise BadInputError(
            f"{channel.name} is in {channel.unit}",
            field=f"{field}.unit",
            value=str(column.unit),
            mend=f"Give a unit that can be read as {channel.unit}.",
        )
    _check_reference(channel, column, field)
    return column


def _check_reference(channel: Channel, column: ActionColumn, field: str) -> None:
    tool = channel.kind in (ChannelKind.TOOL_POSITION, ChannelKind.TOOL_ROTATION)
    if tool and column.frame != channel.frame:
        raise BadInputError(
            f"{channel.name} is given in the axes of {channel.frame!r}",
            field=f"{field}.frame",
            value=column.frame,
            mend="Set policy.action_space to the space that the server speaks.",
        )
    if tool:
        fits = {_RELATIVE[channel.reference]}
    elif channel.kind is ChannelKind.GRIPPER_WIDTH:
        fits = {"nothing", "state"}
    else:
        fits = {"nothing", "state", "chunk_start", "previous_step"}
    if column.relative_to not in fits:
        raise BadInputError(
            f"{channel.name} cannot be read relative to that",
            field=f"{field}.relative_to",
            value=column.relative_to,
            mend=f"Valid here: {', '.join(sorted(fits))}; else another policy.action_space.",
        )


def _check_names(embodiment: Embodiment, section: ActionSection) -> None:
    names = [channel.name for channel in embodiment.channels]
    for index, column in enumerate(section.columns):
        if column.channel not in names:
            near = get_close_matches(column.channel, names, n=3) or names
            raise BadInputError(
                f"{embodiment.tag} has no such channel",
                field=f"{_FIELD}.columns.{index}.channel",
                value=column.channel,
                mend=f"Nearest valid names: {', '.join(near)}.",
            )


def _widths(section: ActionSection) -> dict[str, int]:
    """How many columns each array has, once every one of them is spoken for exactly once."""
    taken: dict[str, list[int]] = {}
    for column in section.columns:
        taken.setdefault(column.key, []).append(column.column)
    for key, unused in section.unused.items():
        taken.setdefault(key, []).extend(unused)
    for key, columns in taken.items():
        if sorted(columns) != list(range(len(columns))):
            raise BadInputError(
                "leaves out a column or names one twice",
                field=f"{_FIELD}.columns",
                value=f"{key}: {sorted(columns)}",
                mend="Name every column from 0 up, those that nobody uses under unused.",
            )
    return {key: len(columns) for key, columns in taken.items()}


def _bad(what: str, field: str, value: object, mend: str) -> RemotePolicyError:
    return RemotePolicyError(what, field=field, value=value, mend=mend)
