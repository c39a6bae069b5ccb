"""The gripper's widths of a chunk go on from where the gripper has been told to be."""

from __future__ import annotations

import math

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.embodiment import ChannelKind, Embodiment

__all__ = ["GripProfile"]

_REACHED_M = 0.002
"""As far as a trained model's widths tremble while fingers stand."""
_OUTSIDE_M = 0.005
"""As far as trained models have said past a stroke of 80 mm where their teacher said its end."""
_BEGINS_S = 0.25
"""A ramp that is to be gone on with begins at once; a trained model hesitates so long."""


class GripProfile:
    """What a learned policy says of the gripper, as a set point that goes on.

    A teacher opens and closes along a ramp from the width that it last asked for. A policy is told the
    measured width alone, which stays where it is while fingers hold something: from that it cannot tell how
    far the ramp has come, begins it anew with every chunk, and never lets go. So a ramp that begins at once
    and leads to the width asked for last, or past it, is taken up there: the fingers are ahead of the arm's
    part of the chunk by so many steps, at most the chunk's length. Fingers that wait first, or turn back on
    the way, are left as they were said; a ramp slower than 8 mm/s counts as waiting.

    A width that is said a little outside the stroke means its end: no model says exactly 0. One far outside
    is left for the gate to refuse.

    Args:
        body: whose chunks.
    """

    def __init__(self, body: Embodiment) -> None:
        found = [k for k, channel in enumerate(body.channels) if channel.kind is ChannelKind.GRIPPER_WIDTH]
        self._channel = found[0] if found else None
        self._begins = 1 + max(1, math.ceil(_BEGINS_S * body.rate_hz))
        if found:
            channel = body.channels[found[0]]
            self._lower, self._upper = channel.lower, channel.upper

    def go_on(self, chunks: FloatArray, asked_m: float | None) -> FloatArray:
        """The chunks, their widths taken up where the gripper has been told to be.

        Args:
            chunks: shape (K, T, C), in the channels' units.
            asked_m: the width asked for last, [m]; None if nobody knows: then no ramp is gone on with.

        Returns:
            Shape (K, T, C).
        """
        if self._channel is None:
            return chunks
        changed = chunks.copy()
        for widths in changed[:, :, self._channel]:
            near = (widths > self._lower - _OUTSIDE_M) & (widths < self._upper + _OUTSIDE_M)
            widths[near] = np.clip(widths[near], self._lower, self._upper)
            if asked_m is not None:
                first = self._met(widths, asked_m)
                widths[:] = np.concatenate([widths[first:], np.full(first, widths[-1])])
        return changed

    def _met(self, widths: FloatArray, asked_m: float) -> int:
        """First step at which a ramp that begins at once is at the width asked for, or past it; else 0."""
        way = np.sign(asked_m - widths[0]) * (widths - widths[0])  # towards it
        reached = way >= abs(asked_m - widths[0]) - _REACHED_M
        if reached[0] or not reached.any():
            return 0
        first = int(np.argmax(reached))
        turns_back = (np.maximum.accumulate(way[:first]) - way[:first]).max() > _REACHED_M
        waits = way[: self._begins].max() <= _REACHED_M
        return 0 if turns_back or waits else first
