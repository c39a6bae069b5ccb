"""One demonstration: its frames, and how it came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from interlock.hal.arrays import FloatArray, frozen_array

__all__ = ["DemoFrame", "Episode"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoFrame:
    """What was seen when the expert was asked, and what it wanted.

    Attributes:
        pictures: encoded pictures by role of the camera (`interlock.policy.dataset.pictures`).
        projections: camera matrices by role (`Frame.projection`), each shape (3, 4).
        time_s: time since the start of the run, [s].
        state: tool pose, gripper width, joint positions as `Features.state_names`, shape (S,), [m, rad].
        chunk: the expert's clean chunk, shape (H, C), in the channels of the embodiment, physical units.
        anchor: pose of the tool that relative channels start from, shape (4, 4), [m].
        task_object: pose of the task's object in the world, shape (4, 4), [m], or None.
        task_object_size: its full lengths along its own axes, shape (3,), [m], or None.
        task_target: where it goes, (x, y, z) [m], or None.
        phase: the granted phase.
        skill: the skill.
        step: the step in words.
    """

    pictures: Mapping[str, bytes]
    projections: Mapping[str, FloatArray]
    time_s: float
    state: FloatArray
    chunk: FloatArray
    anchor: FloatArray
    task_object: FloatArray | None
    task_object_size: FloatArray | None
    task_target: tuple[float, float, float] | None
    phase: str
    skill: str
    step: str

    def __post_init__(self) -> None:
        for name, shape in (("state", (None,)), ("chunk", (None, None)), ("anchor", (4, 4))):
            object.__setattr__(self, name, frozen_array(getattr(self, name), shape, f"frame.{name}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One demonstration.

    Attributes:
        frames: in the order of time.
        attempt: which try of the command it was, from 0; kept ones rise.
        success: whether the goal was achieved.
        note: how it came about: goal, seed, variation; JSON.
    """

    frames: tuple[DemoFrame, ...]
    attempt: int
    success: bool
    note: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
