"""A chunk that means to stand is told as one that stands."""

from __future__ import annotations

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.embodiment import ChannelKind, Embodiment, Reference

__all__ = ["RestBand"]

_ANGLES = (ChannelKind.JOINT_POSITION, ChannelKind.TOOL_ROTATION)


class RestBand:
    """Below which motion a chunk counts as standing.

    A phase such as a grasp ends at a *measured* standstill, and a model that was trained to stand says a
    millimetre where its teacher said nothing: the arm would tremble for ever. What is that little is no
    motion that anybody meant. The gripper's width is left alone. Absolute poses of the tool are left too.

    The price: a motion so slow that no single chunk leaves the band does not happen, until the arm has stood
    for half a second: then `LearnedModel` lets the next chunk be as it is.

    Args:
        body: whose chunks.
        rest_m: largest way of the tool from where it is that counts as standing, [m].
        rest_rad: the same for its rotation, or for a joint, [rad].
    """

    def __init__(self, body: Embodiment, rest_m: float, rest_rad: float) -> None:
        kinds = [channel.kind for channel in body.channels]
        self._ways = np.array([kind is ChannelKind.TOOL_POSITION for kind in kinds])
        self._angles = np.array([kind in _ANGLES for kind in kinds])
        self._moving = self._ways | self._angles
        self._chained = body.tool_reference is Reference.PREVIOUS_STEP
        self._joints = body.tool_reference is None
        self._known = body.tool_reference is not Reference.ABSOLUTE
        self._rest_m, self._rest_rad = rest_m, rest_rad

    def settle(self, chunks: FloatArray, q_commanded: FloatArray) -> FloatArray:
        """The chunks, those that hardly move exactly at rest.

        Args:
            chunks: shape (K, T, C), in the channels' units.
            q_commanded: joints as commanded where the chunks begin, shape (n,), [rad].

        Returns:
            Shape (K, T, C).
        """
        if not self._known:
            return chunks
        here = np.zeros(chunks.shape[2])
        if self._joints:
            here[self._moving] = q_commanded
        away = np.cumsum(chunks, axis=1) if self._chained else chunks - here
        way = np.linalg.norm(away[:, :, self._ways], axis=2).max(axis=1, initial=0.0)
        angle = np.abs(away[:, :, self._angles]).max(axis=(1, 2), initial=0.0)
        still = (way < self._rest_m) & (angle < self._rest_rad)
        settled = chunks.copy()
        settled[np.ix_(still, np.ones(chunks.shape[1], dtype=bool), self._moving)] = here[self._moving]
        return settled
