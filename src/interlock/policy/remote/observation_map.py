"""From an observation to the keys and units that a server wants: the unit map, outward."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
import pinocchio as pin
from numpy.typing import NDArray

from interlock.errors import BadInputError, RemotePolicyError
from interlock.hal.arrays import FloatArray
from interlock.hal.camera_spec import CameraSpec
from interlock.hal.robot import RobotSpec
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.observation import Observation
from interlock.policy.remote.options import ObservationSection, PictureField, StateField
from interlock.policy.remote.told import MOST_PROMPT_BYTES, Told
from interlock.policy.remote.unit import Unit

__all__ = ["ObservationMap", "instruction_of"]

_WIDTH = "gripper_width"
_TOOL = ("tool_x", "tool_y", "tool_z", "tool_rx", "tool_ry", "tool_rz")
_LENGTHS = frozenset({_WIDTH, *_TOOL[:3]})


class ObservationMap:
    """Tells a server what the cell's map says, and nothing else.

    Args:
        robot: the body.
        section: which values go where.
        extra: sent along as it is.

    Raises:
        BadInputError: if the map names a value that the body has not, a unit that is not the value's, or a
            key twice.
    """

    def __init__(self, robot: RobotSpec, section: ObservationSection, extra: Mapping[str, Any]) -> None:
        self._section = section
        self._extra = dict(extra)
        self._names = robot.limits.names
        known = [*self._names, *_TOOL, *([_WIDTH] if robot.gripper is not None else [])]
        for index, state in enumerate(section.state):
            for name in state.values:
                _check_value(name, state, known, f"policy.options.observation.state.{index}")
        asked = {name for state in section.state for name in state.values}
        self._kinematics = ToolKinematics(robot) if asked & set(_TOOL) else None
        keys = [*self.state_keys, *self.picture_keys]
        keys += [section.prompt.key] if section.prompt is not None else []
        for key in keys:
            if keys.count(key) > 1 or key in self._extra:
                raise BadInputError(
                    "this key is given twice",
                    field="policy.options.observation",
                    value=key,
                    mend="Give each key of the message one source.",
                )

    @property
    def state_keys(self) -> tuple[str, ...]:
        """Keys of the measured values."""
        return tuple(state.key for state in self._section.state)

    @property
    def picture_keys(self) -> tuple[str, ...]:
        """Keys of the pictures."""
        return tuple(picture.key for picture in self._section.pictures)

    @property
    def cameras(self) -> frozenset[str]:
        """Names of the cell's cameras whose pictures are sent."""
        return frozenset(picture.camera for picture in self._section.pictures)

    def check_sizes(self, cameras: Iterable[CameraSpec]) -> None:
        """Refuse a map whose pictures have another size than the cell's cameras take.

        Raises:
            BadInputError: with the first one.
        """
        known = {camera.name: camera for camera in cameras}
        for index, picture in enumerate(self._section.pictures):
            camera = known.get(picture.camera)
            if camera is None:
                continue  # a run says that the cell has none of that name
            size, taken = (picture.width_px, picture.height_px), (camera.width_px, camera.height_px)
            if size != taken:
                raise BadInputError(
                    f"the cell's camera {camera.name} takes pictures of {taken[0]} × {taken[1]} pixels",
                    field=f"policy.options.observation.pictures.{index}",
                    value=size,
                    mend=f"Let the camera take {size[0]} × {size[1]} pixels: nothing is resized.",
                )

    @property
    def prompt_key(self) -> str | None:
        """Key of the words."""
        return None if self._section.prompt is None else self._section.prompt.key

    def tell(self, observation: Observation) -> Told:
        """What the server is told of `observation`.

        Raises:
            RemotePolicyError: if a picture is missing or of another size, a value is not finite, or the
                instruction is too long.
        """
        values = self._values(observation)
        prompt = self._section.prompt
        return Told(
            states={state.key: _written(state, values) for state in self._section.state},
            pictures={picture.key: _picture(picture, observation) for picture in self._section.pictures},
            prompt=None if prompt is None else (prompt.key, instruction_of(observation)),
            extra=self._extra,
        )

    def _values(self, observation: Observation) -> dict[str, float]:
        state = observation.state
        values = dict(zip(self._names, (float(q) for q in state.q), strict=True))
        if state.gripper is not None:
            values[_WIDTH] = state.gripper.width_m
        if self._kinematics is not None:
            pose = self._kinematics.tool_in_world(state.q)
            values |= dict(zip(_TOOL, (*pose[:3, 3], *pin.log3(pose[:3, :3])), strict=True))
        return values


def instruction_of(observation: Observation) -> str:
    """The task in words.

    Raises:
        RemotePolicyError: if it is far longer than a sentence.
    """
    words = observation.task.instruction
    if len(words.encode()) > MOST_PROMPT_BYTES:
        raise RemotePolicyError(
            f"is longer than {MOST_PROMPT_BYTES} bytes",
            field="observation.task.instruction",
            value=words[:40],
            mend="Say it in a sentence.",
        )
    return words


def _check_value(name: str, state: StateField, known: list[str], field: str) -> None:
    if name not in known:
        near = get_close_matches(name, known, n=3) or known
        raise BadInputError(
            "this robot measures no such value",
            field=f"{field}.values",
            value=name,
            mend=f"Nearest valid names: {', '.join(near)}.",
        )
    physical = "m" if name in _LENGTHS else "rad"
    if state.scale.physical != physical or (state.unit is Unit.NORMALISED and name != _WIDTH):
        raise BadInputError(
            f"{name} is measured in {physical}",
            field=f"{field}.unit",
            value=str(state.unit),
            mend="Give values of different units different entries.",
        )


def _written(state: StateField, values: Mapping[str, float]) -> NDArray[Any]:
    missing = [name for name in state.values if name not in values]
    physical: FloatArray = np.array([values.get(name, np.nan) for name in state.values], dtype=np.float64)
    if missing or not np.isfinite(physical).all():
        raise RemotePolicyError(
            "is not measured, or not finite",
            field=f"observation.{state.key}",
            value=missing or physical.tolist(),
            mend="Look at the robot's state.",
        )
    return state.scale.write(physical).astype(state.dtype)


def _picture(wanted: PictureField, observation: Observation) -> NDArray[np.uint8]:
    frame = next((frame for frame in observation.frames if frame.camera == wanted.camera), None)
    field = f"observation.{wanted.key}"
    if frame is None:
        raise RemotePolicyError(
            "there is no picture of this camera",
            field=field,
            value=wanted.camera,
            mend="Look at why this camera sends none; until then nothing is asked.",
        )
    size = (wanted.height_px, wanted.width_px, 3)
    if frame.rgb.shape != size or frame.rgb.dtype != np.uint8:
        raise RemotePolicyError(
            f"is no picture of {wanted.width_px} × {wanted.height_px} in RGB",
            field=field,
            value=(frame.rgb.shape, str(frame.rgb.dtype)),
            mend="Let the camera take the size that the map names.",
        )
    return frame.rgb
