"""From what a client sends to an observation: the unit map of `interlock serve`, which is fixed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from interlock.errors import RemotePolicyError
from interlock.hal.arrays import FloatArray
from interlock.hal.camera_spec import CameraSpec
from interlock.hal.frame import Frame
from interlock.hal.robot import RobotSpec
from interlock.hal.scene import FURTHEST_M, Scene, SceneObject
from interlock.hal.state import GripperState, RobotState
from interlock.policy.observation import Observation, TaskView
from interlock.policy.remote.executed_reader import read_executed
from interlock.policy.remote.told import MOST_PROMPT_BYTES

__all__ = ["ObservationReader"]

_JOINTS = ("joint_velocity", "commanded_position", "commanded_velocity", "commanded_acceleration")
_MORE = frozenset({"stamp_ns", "standstill", "task", "scene_stamp_ns", "scene", "executed"})
_TASK = frozenset({"task_id", "skill", "arguments", "phase", "step", "target_in_world"})
_SEEN = frozenset({"object_in_world", "position_std_m", "stamp_ns"})
_MOST_TEXT = 200
_RIGID = 1e-6


class ObservationReader:
    """Makes observations of one cell's robot, and refuses what does not belong to it.

    Args:
        robot: the body.
        objects: the cell's objects: their shapes are known here, a client sends where they are.
        cameras: the cell's cameras.
        clock_ns: monotonic time of observations that bring none, [ns].
    """

    def __init__(
        self,
        robot: RobotSpec,
        objects: tuple[SceneObject, ...],
        cameras: Iterable[CameraSpec],
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._robot = robot
        self._objects = {item.name: item for item in objects}
        self._cameras = {camera.name: camera for camera in cameras}
        self._clock_ns = clock_ns

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the values that are read; all but `joint_position` and `gripper` may be left out."""
        hand = ("gripper",) if self._robot.gripper is not None else ()
        return ("joint_position", *_JOINTS, *hand)

    def read(
        self,
        states: Mapping[str, object],
        pictures: Mapping[str, object],
        prompt: object,
        more: object = None,
    ) -> Observation:
        """The observation that a client sent.

        Args:
            states: measured values by name; what is left out means a robot at rest where it was commanded.
            pictures: by camera, shape (height, width, 3), uint8, RGB.
            prompt: the task in words.
            more: what only another Interlock sends.

        Raises:
            RemotePolicyError: if any of it is missing, unknown, or of another form.
        """
        more = {} if more is None else _map(more, "interlock", _MORE)
        stamp_ns = _stamp(more.get("stamp_ns", self._clock_ns()), "interlock.stamp_ns")
        return Observation(
            stamp_ns=stamp_ns,
            state=self._state(states, stamp_ns, more.get("standstill")),
            scene=self._scene(more.get("scene"), more.get("scene_stamp_ns", stamp_ns), stamp_ns),
            frames=tuple(self._frame(name, value, stamp_ns) for name, value in pictures.items()),
            task=_task(more.get("task"), _prompt(prompt)),
            executed=read_executed(more.get("executed"), self._robot, stamp_ns),
        )

    def _state(self, states: Mapping[str, object], stamp_ns: int, standstill: object) -> RobotState:
        n = self._robot.dof
        known = self.state_names
        for name in states:
            if name not in known:
                raise _bad(f"is unknown; known are {', '.join(known)}", f"state.{name}", None)
        position = _vector(states, "joint_position", n)
        at_rest = {"commanded_position": position}
        values = {
            name: _vector(states, name, n) if name in states else at_rest.get(name, np.zeros(n))
            for name in _JOINTS
        }
        gripper = None
        if self._robot.gripper is not None:
            width, force = _vector(states, "gripper", 2)
            gripper = GripperState(width_m=float(width), force_n=float(force))
        rest = not values["joint_velocity"].any() if standstill is None else standstill
        if not isinstance(rest, bool):
            raise _bad("is neither true nor false", "interlock.standstill", rest)
        return RobotState(
            stamp_ns=stamp_ns,
            q=position,
            v=values["joint_velocity"],
            q_commanded=values["commanded_position"],
            v_commanded=values["commanded_velocity"],
            a_commanded=values["commanded_acceleration"],
            gripper=gripper,
            standstill=rest,
        )

    def _frame(self, name: str, value: object, stamp_ns: int) -> Frame:
        field = f"picture.{name}"
        if name not in self._cameras:
            raise _bad(f"is unknown; the cell's cameras are {', '.join(self._cameras)}", field, None)
        camera = self._cameras[name]
        width, height = camera.width_px, camera.height_px
        if not isinstance(value, np.ndarray) or value.dtype != np.uint8 or value.shape != (height, width, 3):
            raise _bad(f"is no picture of {width} × {height} in RGB, uint8", field, _form(value))
        return Frame(camera=name, stamp_ns=stamp_ns, rgb=value, role=camera.role)

    def _scene(self, seen: object, taken_ns: object, stamp_ns: int) -> Scene:
        if seen is None:
            return Scene(stamp_ns=stamp_ns, objects=())
        if not isinstance(seen, Mapping) or seen.keys() != self._objects.keys():
            names = sorted(seen) if isinstance(seen, Mapping) else None
            raise _bad(f"does not hold exactly {', '.join(sorted(self._objects))}", "interlock.scene", names)
        objects = tuple(_seen(self._objects[name], seen[name]) for name in seen)
        return Scene(stamp_ns=_stamp(taken_ns, "interlock.scene_stamp_ns"), objects=objects)


def _seen(item: SceneObject, value: object) -> SceneObject:
    field = f"interlock.scene.{item.name}"
    told = _map(value, field, _SEEN, whole=True)
    pose, std_m = told["object_in_world"], told["position_std_m"]
    if not _is_pose(pose):
        raise _bad("is no pose", f"{field}.object_in_world", _form(pose))
    if not isinstance(std_m, float) or not 0.0 <= std_m <= FURTHEST_M:
        raise _bad("is no length", f"{field}.position_std_m", std_m)
    stamp_ns = _stamp(told["stamp_ns"], f"{field}.stamp_ns")
    return replace(item, object_in_world=pose, position_std_m=std_m, stamp_ns=stamp_ns)


def _is_pose(value: object) -> bool:
    if not isinstance(value, np.ndarray) or value.dtype != np.float64 or value.shape != (4, 4):
        return False
    if not (np.isfinite(value).all() and np.abs(value).max() <= FURTHEST_M):
        return False
    turn = value[:3, :3]
    rigid = np.abs(turn @ turn.T - np.eye(3)).max() < _RIGID and np.linalg.det(turn) > 0.0
    return bool(rigid and np.array_equal(value[3], (0.0, 0.0, 0.0, 1.0)))


def _vector(states: Mapping[str, object], name: str, length: int) -> FloatArray:
    value = states.get(name)
    if not isinstance(value, np.ndarray) or value.dtype not in (np.float32, np.float64):
        raise _bad("is no array of float32 or float64", f"state.{name}", _form(value))
    if value.shape != (length,):
        raise _bad(f"does not hold {length} numbers", f"state.{name}", value.shape)
    if not np.isfinite(value).all():
        raise _bad("is not finite", f"state.{name}", value.tolist())
    return value.astype(np.float64)


def _prompt(value: object) -> str:
    if not isinstance(value, str) or len(value.encode("utf-8", "replace")) > MOST_PROMPT_BYTES:
        raise _bad(f"is no text of at most {MOST_PROMPT_BYTES} bytes", "prompt", _form(value))
    return value


def _task(value: object, instruction: str) -> TaskView:
    if value is None:
        return TaskView(
            task_id="", skill="", arguments={}, phase="", instruction=instruction, target_in_world=None
        )
    told = _map(value, "interlock.task", _TASK, whole=True)
    arguments = _map(told["arguments"], "interlock.task.arguments", None)
    texts = [*((name, told[name]) for name in ("task_id", "skill", "phase", "step")), *arguments.items()]
    for name, text in texts:
        if not isinstance(text, str) or len(text) > _MOST_TEXT or len(texts) > 16:
            raise _bad(
                f"is no text of at most {_MOST_TEXT} characters", f"interlock.task.{name}", _form(text)
            )
    return TaskView(
        task_id=told["task_id"],
        skill=told["skill"],
        arguments=arguments,
        phase=told["phase"],
        instruction=instruction,
        target_in_world=_target(told["target_in_world"]),
        step=told["step"],
    )


def _target(value: object) -> tuple[float, float, float] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 3:
        raise _bad("is no position", "interlock.task.target_in_world", _form(value))
    x, y, z = value
    if not all(isinstance(c, float) and math.isfinite(c) and abs(c) <= FURTHEST_M for c in value):
        raise _bad("is no position in metres", "interlock.task.target_in_world", value)
    return x, y, z


def _map(value: object, field: str, known: frozenset[str] | None, *, whole: bool = False) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _bad("is no map", field, _form(value))
    if known is not None and (value.keys() - known or (whole and known - value.keys())):
        raise _bad(f"does not have the keys {', '.join(sorted(known))}", field, sorted(value))
    return dict(value)


def _stamp(value: object, field: str) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise _bad("is no time in nanoseconds", field, value)
    return value


def _form(value: object) -> str | None:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return None if value is None else type(value).__name__


def _bad(what: str, field: str, value: object) -> RemotePolicyError:
    return RemotePolicyError(what, field=field, value=value, mend="docs/remote.md says what is expected.")
