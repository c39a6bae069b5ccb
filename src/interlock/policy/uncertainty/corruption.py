"""Ways in which what a policy sees or hears can be wrong, made on purpose to see whether it shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from interlock.hal.scene import ObjectKind
from interlock.policy.observation import Observation
from interlock.policy.wording import Wording

__all__ = ["Corruption", "corrupted"]

Picture = NDArray[np.uint8]

_SHIFTED = 12 / 128  # of the picture's width


class Corruption(StrEnum):
    """What is wrong."""

    BLACK = "black"  # all pictures are black
    FROZEN = "frozen"  # pictures of another moment of the episode
    MIRRORED = "mirrored"  # left is right
    BGR = "bgr"  # red is blue
    SHIFTED = "shifted"  # the camera has been turned aside: by 12 of 128 columns
    INSTRUCTION = "instruction"  # another object, or another step, is named


def _shifted(picture: Picture) -> Picture:
    columns = np.arange(picture.shape[1]) - round(_SHIFTED * picture.shape[1])
    return picture[:, np.maximum(columns, 0)]


_PICTURES: Mapping[Corruption, Callable[[Picture], Picture]] = MappingProxyType(
    {
        Corruption.BLACK: np.zeros_like,
        Corruption.MIRRORED: lambda picture: picture[:, ::-1],
        Corruption.BGR: lambda picture: picture[..., ::-1],
        Corruption.SHIFTED: _shifted,
    }
)


def corrupted(how: Corruption, observation: Observation, other: Observation) -> Observation | None:
    """The observation, with this wrong; None if it cannot be: no pictures, or nothing else to name.

    Args:
        how: what is wrong.
        observation: as it was; state, scene and typed arguments stay so.
        other: another one of the same episode.
    """
    if how is Corruption.INSTRUCTION:
        step = _another_step(observation)
        return None if step is None else replace(observation, task=replace(observation.task, step=step))
    if not observation.frames:
        return None
    if how is Corruption.FROZEN:
        return replace(observation, frames=other.frames)
    change = _PICTURES[how]
    frames = (replace(frame, rgb=np.ascontiguousarray(change(frame.rgb))) for frame in observation.frames)
    return replace(observation, frames=tuple(frames))


def _another_step(observation: Observation) -> str | None:
    """Another movable object in the same words, where the step names one; else another skill."""
    task = observation.task
    named = task.arguments.get("object")
    others = sorted(
        thing.name
        for thing in observation.scene.objects
        if thing.kind is ObjectKind.MOVABLE and thing.name != named
    )
    if named is None or not others:
        return None if task.skill == "home" else Wording().say("home", {})
    other = _next(others, named)
    spoken, instead = (each.replace("_", " ") for each in (named, other))
    if spoken in task.step:
        return task.step.replace(spoken, instead)
    return Wording().say(task.skill, {**task.arguments, "object": other})


def _next(names: list[str], name: str) -> str:
    """The one that follows in the alphabet, or the first."""
    return next((each for each in names if each > name), names[0])
