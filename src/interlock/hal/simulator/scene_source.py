"""The simulator's door to the world: true poses, blurred by declared noise."""

from __future__ import annotations

from dataclasses import replace
from zlib import crc32

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.scene import ObjectKind, Scene, SceneObject
from interlock.hal.simulator.world import World

__all__ = ["SimulatedSceneSource"]

_SIGMAS = 3.0
_MOVABLE_HOLD_NS = 50_000_000
"""A movable object's noise stays for this long, as between two frames of a camera, [ns]."""


class SimulatedSceneSource:
    """Implements `interlock.hal.scene.SceneSource` over a simulated world.

    Each position is the true one plus Gaussian noise of the object's `position_std_m` per axis, drawn again
    if it is longer than 3 standard deviations; orientations are exact. A FIXED object is seen once and for
    all, a MOVABLE one anew each 50 ms, a MOVING one each period. The noise depends on seed, name and time
    alone, not on how often anybody looks.

    Args:
        world: the simulated world.
        objects: the objects to report, with their declared noise; all of them exist in `world`.
        seed: seed of the noise; the world's own if None.
    """

    def __init__(self, world: World, objects: tuple[SceneObject, ...], seed: int | None = None) -> None:
        self._world = world
        self._objects = objects
        self._seed = world.seed if seed is None else seed
        period_ns = round(world.period_s * 1e9)
        self._hold_ns = {ObjectKind.MOVABLE: _MOVABLE_HOLD_NS, ObjectKind.MOVING: period_ns}
        self._drawn: dict[str, tuple[int, FloatArray]] = {}

    def snapshot(self) -> Scene:
        """The world as seen now."""
        now_ns = self._world.now_ns
        return Scene(stamp_ns=now_ns, objects=tuple(self._see(item, now_ns) for item in self._objects))

    def _see(self, item: SceneObject, now_ns: int) -> SceneObject:
        pose = self._world.object_in_world(item.name)
        pose[:3, 3] += item.position_std_m * self._noise(item, now_ns)
        return replace(item, object_in_world=pose, stamp_ns=now_ns)

    def _noise(self, item: SceneObject, now_ns: int) -> FloatArray:
        """A vector of unit variance per axis, no longer than 3, shape (3,)."""
        hold_ns = self._hold_ns.get(item.kind)
        look = now_ns // hold_ns if hold_ns else 0
        drawn = self._drawn.get(item.name)
        if drawn is None or drawn[0] != look:
            random = np.random.default_rng([self._seed, crc32(item.name.encode()), look])
            noise = random.standard_normal(3)
            while np.linalg.norm(noise) > _SIGMAS:
                noise = random.standard_normal(3)
            drawn = self._drawn[item.name] = look, noise
        return drawn[1]
