"""The gripper's widths of a chunk go on from where the gripper has been told to be."""

from __future__ import annotations

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.embodiment import ChannelKind, Embodiment

__all__ = ["GripProfile"]

_REACHED_M = 0.002
_OUTSIDE_M = 0.005


class GripProfile:
    """What a learned policy says of the gripper, as a set point that goes on.

    A teacher opens and closes along a ramp from the width that it last asked for. A policy is told the
    measured width alone, which stays where it is while fingers hold something: from that it cannot tell how
    far the ramp has come, begins it anew with every chunk, and never lets go. So a profile is taken up where
    it meets the width that was asked for last; it ends with its own last width, earlier.

    A width that is said a little outside the stroke means its end: no model says exactly 0. One far outside
    is left for the gate to refuse.

    Args:
        body: whose chunks.
    """

    def __init__(self, body: Embodiment) -> None:
        found = [k for k, channel in enumerate(body.channels) if channel.kind is ChannelKind.GRIPPER_WIDTH]
        self._channel = found[0] if found else None
        if found:
            channel = body.channels[found[0]]
            self._lower, self._upper = channel.lower, channel.upper

    def go_on(self, chunks: FloatArray, asked_m: float | None) -> FloatArray:
        """The chunks, their widths taken up where the gripper has been told to be.

        Args:
            chunks: shape (K, T, C), in the channels' units.
            asked_m: the width asked for last, [m]; None if nobody knows.

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
                first = _met(widths, asked_m)
                widths[:] = np.concatenate([widths[first:], np.full(first, widths[-1])])
        return changed


def _met(widths: FloatArray, asked_m: float) -> int:
    """First step at which the profile is at the width asked for, or past it; 0 if it never is."""
    away = widths - asked_m
    met = np.abs(away) <= _REACHED_M
    met[1:] |= np.sign(away[1:]) != np.sign(away[0])
    return int(np.argmax(met)) if met.any() else 0
