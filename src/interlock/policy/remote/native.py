"""What two Interlocks say to each other over a foreign protocol: an observation, in SI units.

All of it but the chunk that the coming ticks follow (`Executed.in_force`), when each picture was taken (it
counts as taken at the observation) and the cameras' matrices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.hal.camera_spec import CameraSpec
from interlock.hal.embodiment import ChannelKind, Embodiment, Reference
from interlock.policy.executed import Executed
from interlock.policy.observation import Observation
from interlock.policy.remote.observation_map import instruction_of
from interlock.policy.remote.options import ActionColumn, ActionSection
from interlock.policy.remote.told import Told
from interlock.policy.remote.unit import Unit

__all__ = [
    "GROOT_KEYS",
    "OPENPI_KEYS",
    "SECTION",
    "VERSION",
    "NativeKeys",
    "NativeMap",
    "describe",
    "seen_by",
]

SECTION = "interlock"
"""Key of what only another Interlock understands, in metadata and messages."""

VERSION = 2
"""Changes when an Interlock of before would misread a message."""

_RELATIVE = {
    Reference.ABSOLUTE: "nothing",
    Reference.CHUNK_START: "chunk_start",
    Reference.PREVIOUS_STEP: "previous_step",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeKeys:
    """How a protocol names things.

    Attributes:
        state: what comes before the name of measured values.
        picture: what comes before the name of a camera.
        prompt: key of the words.
        arm: key of the arm's columns in an answer.
        gripper: key of the gripper's column; if it is `arm`'s, the column is the last one there.
    """

    state: str
    picture: str
    prompt: str
    arm: str
    gripper: str


OPENPI_KEYS = NativeKeys(state="state/", picture="image/", prompt="prompt", arm="actions", gripper="actions")
GROOT_KEYS = NativeKeys(state="", picture="", prompt="task", arm="arm", gripper="gripper")


def describe(
    embodiment: Embodiment, policy: str, cameras: Iterable[CameraSpec], skills: Iterable[str]
) -> dict[str, Any]:
    """What a server says of itself.

    Args:
        embodiment: the body that its chunks are for.
        policy: the policy's name.
        cameras: those of the cell that it looks through.
        skills: what it was taught; none if it does not say.
    """
    return {
        "version": VERSION,
        "policy": policy,
        "cameras": {each.name: seen_by(each) for each in cameras},
        "skills": sorted(skills),
        "embodiment": embodiment.fingerprint,
        "tag": embodiment.tag,
        "rate_hz": float(embodiment.rate_hz),
        "horizon": embodiment.horizon,
        "channels": [f"{c.name} [{c.unit}] {c.reference} in {c.frame}" for c in embodiment.channels],
    }


def seen_by(camera: CameraSpec) -> list[Any]:
    """What both have to mean by a camera: width and height, [px], and role."""
    return [camera.width_px, camera.height_px, camera.role]


class NativeMap:
    """Tells another Interlock everything; nothing is scaled.

    Args:
        keys: how the protocol names things.
    """

    def __init__(self, keys: NativeKeys) -> None:
        self._keys = keys

    def tell(self, observation: Observation) -> Told:
        """What the server is told of `observation`."""
        return Told(
            states={self._keys.state + name: value for name, value in states_of(observation).items()},
            pictures={self._keys.picture + frame.camera: frame.rgb for frame in observation.frames},
            prompt=(self._keys.prompt, instruction_of(observation)),
            interlock=_more(observation),
        )

    def actions(self, embodiment: Embodiment) -> ActionSection:
        """What comes back: every channel in its own unit and reference."""
        columns = []
        for index, channel in enumerate(embodiment.channels):
            hand = channel.kind is ChannelKind.GRIPPER_WIDTH
            apart = hand and self._keys.gripper != self._keys.arm
            tool = channel.kind in (ChannelKind.TOOL_POSITION, ChannelKind.TOOL_ROTATION)
            columns.append(
                ActionColumn.model_validate(
                    {
                        "channel": channel.name,
                        "key": self._keys.gripper if hand else self._keys.arm,
                        "column": 0 if apart else index,
                        "unit": Unit(channel.unit),
                        "relative_to": _RELATIVE[channel.reference],
                        "frame": channel.frame if tool else None,
                    }
                )
            )
        return ActionSection(
            horizon=embodiment.horizon, rate_hz=float(embodiment.rate_hz), columns=tuple(columns)
        )


def states_of(observation: Observation) -> dict[str, NDArray[Any]]:
    """Measured and commanded values, [rad], [rad/s], [rad/s^2]; the gripper's width [m] and force [N]."""
    state = observation.state
    values: dict[str, NDArray[Any]] = {
        "joint_position": state.q,
        "joint_velocity": state.v,
        "commanded_position": state.q_commanded,
        "commanded_velocity": state.v_commanded,
        "commanded_acceleration": state.a_commanded,
    }
    if state.gripper is not None:
        values["gripper"] = np.array([state.gripper.width_m, state.gripper.force_n])
    return values


def _more(observation: Observation) -> Mapping[str, Any]:
    task, scene = observation.task, observation.scene
    return {
        "stamp_ns": int(observation.stamp_ns),
        "standstill": bool(observation.state.standstill),
        "task": {
            "task_id": task.task_id,
            "skill": task.skill,
            "arguments": dict(task.arguments),
            "phase": task.phase,
            "step": task.step,
            "target_in_world": None if task.target_in_world is None else list(task.target_in_world),
        },
        "scene_stamp_ns": int(scene.stamp_ns),
        "scene": {
            item.name: {
                "object_in_world": item.object_in_world,
                "position_std_m": float(item.position_std_m),
                "stamp_ns": int(item.stamp_ns),
            }
            for item in scene.objects
        },
        "executed": _executed(observation.executed),
    }


def _executed(executed: Executed) -> Mapping[str, Any] | None:
    if not len(executed):
        return None
    return {
        "stamps_ns": executed.stamps_ns,
        "q": executed.q,
        "widths_m": executed.widths_m,
        "kinds": [str(kind) for kind in executed.kinds],
    }
