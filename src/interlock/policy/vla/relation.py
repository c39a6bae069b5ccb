"""How tool, things and the tool's own motion stand to each other: what a motion of the tool depends on."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from interlock.hal.arrays import FloatArray, frozen_array
from interlock.policy.vla.slots import LENGTH_SCALE_M

__all__ = [
    "OFFSET_WIDTH",
    "PAST_S",
    "POSE_WIDTH",
    "TOOL_WIDTH",
    "TURN_WIDTH",
    "WAY_WIDTH",
    "offsets",
    "tool_vector",
    "turns",
]

POSE_WIDTH = 9
"""Numbers of the tool's pose: position 3, first two columns of the rotation 6."""

WAY_WIDTH = 3
"""Numbers of the way that the tool has come."""

TOOL_WIDTH = POSE_WIDTH + WAY_WIDTH
"""Numbers of the tool: its pose, then its way."""

PAST_S = 0.16
"""The way is that of so many last seconds, as commanded after the gate, [s].

An expert joins each chunk on to the motion under way: it says another one to an arm at speed than to one at
rest. A model that is not told has to answer with something between, and creeps.
"""

OFFSET_WIDTH = 6
"""Numbers of an offset: at the scale of the arm's reach 3, at that of the last centimetres 3."""

TURN_WIDTH = 6
"""Numbers of a turn: two columns of a rotation."""

_NEAR_M = 0.05
_NEAR = _NEAR_M / LENGTH_SCALE_M


def tool_vector(tool_in_base: ArrayLike, way_m: ArrayLike) -> FloatArray:
    """The tool's numbers.

    Args:
        tool_in_base: pose of the TCP in the frame of the robot's base, shape (4, 4), [m].
        way_m: from where the TCP was `PAST_S` ago to where it is, along the base's axes, shape (3,), [m].

    Returns:
        Shape (12,), without unit; the pose scaled as `slots.slot_vector` scales, the way by 5 cm.

    Raises:
        ShapeError: if the shape does not fit.
    """
    pose = frozen_array(tool_in_base, (4, 4), "tool_in_base")
    way = frozen_array(way_m, (3,), "way_m")
    return np.concatenate([pose[:3, 3] / LENGTH_SCALE_M, pose[:3, :2].T.ravel(), way / _NEAR_M])


def offsets(positions: Tensor, tool: Tensor) -> Tensor:
    """From the tool to places, along the axes of the robot's base.

    A model that has to find this difference in two separate tokens learns it place by place from few
    demonstrations; told, it carries over to places that it never saw. The second half resolves what is within
    some 5 cm, where a grasp is decided.

    Args:
        positions: shape (B, S, 3), in units of `LENGTH_SCALE_M`.
        tool: as `tool_vector` makes it, shape (B, 12).

    Returns:
        Shape (B, S, 6).
    """
    away = positions - tool[:, None, :3]
    return torch.cat([away, torch.tanh(away / _NEAR)], dim=-1)


def turns(columns: Tensor, tool: Tensor) -> Tensor:
    """How things are turned against the tool: their first two columns in the tool's axes.

    Args:
        columns: of rotations in the robot's base, one behind the other, shape (B, S, 6).
        tool: as `tool_vector` makes it, shape (B, 12).

    Returns:
        Shape (B, S, 6).
    """
    first, second = tool[:, 3:6], tool[:, 6:9]
    rotation = torch.stack([first, second, torch.linalg.cross(first, second)], dim=1)  # rows: the tool's axes
    return torch.einsum("bij,bskj->bski", rotation, columns.unflatten(-1, (2, 3))).flatten(2)
