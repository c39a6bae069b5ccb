"""Whether a held object gives way: it rises in the hand while the hand presses it on something."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.scene import SceneObject

__all__ = ["PressWatch"]

_WINDOW_NS = 300_000_000
_LEAST, _MOST = 3, 6  # sightings of a window that count; more of them share their error
_SIGMAS = 6.0
_APART_NS = 20_000_000  # a sighting further in time from any pose of the hand is left out


class PressWatch:
    """How far a held object has risen in the hand since the watch began.

    The fingers hold by friction: an arm that goes on down when the object stands already pushes it up between
    them, until the palm meets it. Where the object's origin is in the frame of the hand is compared with
    where it was, both means over 0.3 s of sightings, each with the hand as it was when it was sighted; a hand
    that turns with what it holds changes nothing. Up is up in the world.
    """

    def __init__(self) -> None:
        self._hands: deque[tuple[int, FloatArray]] = deque()
        self._sighted: deque[tuple[int, FloatArray]] = deque()
        self._began: FloatArray | None = None
        self._began_variance_m2 = 0.0
        self._sure_m = math.inf
        self.risen_m = 0.0
        """The mean rise, [m]; 0 until there are enough sightings."""

    def look(self, hand_in_world: FloatArray, at_ns: int, thing: SceneObject) -> None:
        """Take note of a tick.

        Args:
            hand_in_world: pose of a frame that is fixed to the hand, (4, 4).
            at_ns: when it was measured, [ns].
            thing: what is held, as it was last sighted; a sighting that was there before adds nothing.
        """
        if not np.isfinite(hand_in_world).all():
            return
        self._hands.append((at_ns, hand_in_world))
        while at_ns - self._hands[0][0] > 2 * _WINDOW_NS:
            self._hands.popleft()
        if self._sighted and thing.stamp_ns <= self._sighted[-1][0]:
            return
        stamp_ns, hand = min(self._hands, key=lambda known: abs(known[0] - thing.stamp_ns))
        if abs(stamp_ns - thing.stamp_ns) > _APART_NS or not np.isfinite(thing.object_in_world).all():
            return
        place = hand[:3, :3].T @ (thing.object_in_world[:3, 3] - hand[:3, 3])
        self._sighted.append((thing.stamp_ns, place))
        self._compare(hand, thing)

    def beyond(self, limit_m: float) -> bool:
        """Whether it rose by more than `limit_m`, and by more than errors of its sightings can feign."""
        return self.risen_m > max(limit_m, self._sure_m)

    def _compare(self, hand: FloatArray, thing: SceneObject) -> None:
        if thing.stamp_ns - self._sighted[0][0] < _WINDOW_NS:
            return
        while thing.stamp_ns - self._sighted[0][0] > _WINDOW_NS:
            self._sighted.popleft()
        if len(self._sighted) < _LEAST:
            return
        mean = np.mean([place for _, place in self._sighted], axis=0)
        many = min(len(self._sighted), _MOST)
        variance_m2 = thing.position_std_m**2 / many
        if self._began is None:
            self._began, self._began_variance_m2 = mean, variance_m2
        self.risen_m = float((hand[:3, :3] @ (mean - self._began))[2])
        self._sure_m = _SIGMAS * math.sqrt(self._began_variance_m2 + variance_m2)
