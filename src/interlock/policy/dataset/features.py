"""The columns of a set of demonstrations: names, types, shapes, and what each number means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from interlock.hal.camera_spec import CameraSpec
from interlock.hal.embodiment import Embodiment
from interlock.policy.proprioception import state_names

__all__ = ["IMAGES", "POSE_NAMES", "PROJECTION", "VERSION", "Features"]

VERSION = "v3.0"
"""Version of LeRobot's format."""

IMAGES = "observation.images."
PROJECTION = "observation.projection."
"""Before the role of a camera: `Frame.projection`, row by row."""

POSE_NAMES = ("x", "y", "z", "r00", "r10", "r20", "r01", "r11", "r21")
_CAMERA = tuple(f"p{row}{column}" for row in range(3) for column in range(4))
_ANCHOR = tuple(f"m{row}{column}" for row in range(4) for column in range(4))

Feature = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What every frame of a set holds.

    Attributes:
        embodiment: the body whose channels the actions are in.
        joints: names of the arm joints, model order.
        cameras: the cameras, each with a role.
        frame_rate_hz: how often the expert was asked, [Hz].
    """

    embodiment: Embodiment
    joints: tuple[str, ...]
    cameras: tuple[CameraSpec, ...]
    frame_rate_hz: float

    @property
    def state_names(self) -> tuple[str, ...]:
        """What `observation.state` holds: tool pose, gripper width [m] if there is one, joints [rad]."""
        return state_names(self.joints, has_gripper=self.embodiment.has_gripper)

    @property
    def action_names(self) -> tuple[str, ...]:
        """The channels of an action."""
        return tuple(channel.name for channel in self.embodiment.channels)

    def table(self) -> Mapping[str, Feature]:
        """The features as LeRobot's meta/info.json lists them."""
        horizon, names = self.embodiment.horizon, list(self.action_names)
        table: dict[str, Feature] = {
            f"{IMAGES}{camera.role}": {
                "dtype": "image",
                "shape": [camera.height_px, camera.width_px, 3],
                "names": ["height", "width", "channels"],
            }
            for camera in self.cameras
        }
        table |= {f"{PROJECTION}{camera.role}": _vector("float32", _CAMERA) for camera in self.cameras}
        table |= {
            "observation.state": _vector("float32", self.state_names),
            "observation.task_object": _vector("float32", POSE_NAMES),
            "observation.task_object_size": _vector("float32", ("x", "y", "z")),
            "observation.task_object_mask": _scalar("bool"),
            "observation.task_target": _vector("float32", ("x", "y", "z")),
            "observation.task_target_mask": _scalar("bool"),
            "observation.time": _scalar("float64"),
            "action": _vector("float32", self.action_names),
            "action_chunk": {
                "dtype": "float32",
                "shape": [horizon, len(names)],
                "names": ["step", "channel"],
            },
            "anchor": _vector("float32", _ANCHOR),
            "phase": _scalar("string"),
            "skill": _scalar("string"),
            "step": _scalar("string"),
            "next.done": _scalar("bool"),
            "timestamp": _scalar("float32"),
            "frame_index": _scalar("int64"),
            "episode_index": _scalar("int64"),
            "index": _scalar("int64"),
            "task_index": _scalar("int64"),
        }
        return table

    def schema(self) -> pa.Schema:
        """The columns of a data file."""
        return pa.schema([(name, _arrow(feature)) for name, feature in self.table().items()])


def _vector(dtype: str, names: tuple[str, ...]) -> Feature:
    return {"dtype": dtype, "shape": [len(names)], "names": list(names)}


def _scalar(dtype: str) -> Feature:
    return {"dtype": dtype, "shape": [1], "names": None}


def _arrow(feature: Feature) -> pa.DataType:
    """As LeRobot stores it: a number alone, a list of fixed length, lists of lists, bytes beside a path."""
    if feature["dtype"] == "image":
        return pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    kinds = {"float32": pa.float32(), "float64": pa.float64(), "int64": pa.int64()}
    kinds |= {"bool": pa.bool_(), "string": pa.string()}
    kind, shape = kinds[feature["dtype"]], feature["shape"]
    if shape == [1]:
        return kind
    return pa.list_(kind, shape[0]) if len(shape) == 1 else pa.list_(pa.list_(kind))
