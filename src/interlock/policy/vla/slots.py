"""What a task is about, as typed slots of numbers: its object and its target."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from interlock.hal.arrays import FloatArray, frozen_array

__all__ = ["LENGTH_SCALE_M", "SLOTS", "SLOT_WIDTH", "slot_vector"]

SLOTS = ("task_object", "target")
"""Order of the slots in `Inputs.scene` and in everything about grounding."""

SLOT_WIDTH = 12
"""Numbers of a slot: position 3, first two columns of the rotation 6, size 3."""

LENGTH_SCALE_M = 0.5
"""A length of so many metres is 1.0 to the model: about the reach of a table-top arm."""


def slot_vector(position_m: ArrayLike, rotation: ArrayLike, size_m: ArrayLike) -> FloatArray:
    """One slot's numbers.

    Two columns of the rotation rather than a quaternion or angles, because they have no jumps (Zhou et al.
    2019, "On the continuity of rotation representations").

    Args:
        position_m: of its middle in the frame of the robot's base, shape (3,), [m].
        rotation: of the thing in the robot's base, shape (3, 3).
        size_m: full lengths along its own axes, shape (3,), [m].

    Returns:
        Shape (12,), without unit.

    Raises:
        ShapeError: if a shape does not fit.
    """
    position = frozen_array(position_m, (3,), "slot.position_m")
    columns = frozen_array(rotation, (3, 3), "slot.rotation")[:, :2].T.ravel()
    size = frozen_array(size_m, (3,), "slot.size_m")
    return np.concatenate([position / LENGTH_SCALE_M, columns, size / LENGTH_SCALE_M])
