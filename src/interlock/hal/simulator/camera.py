"""A camera in the simulator, rendered on the CPU."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pybullet

from interlock.hal.frame import Frame
from interlock.hal.simulator.world import World

__all__ = ["SimulatedCamera"]

_NEAR_M = 0.05
_FAR_M = 10.0


class SimulatedCamera:
    """Implements `interlock.hal.frame.Camera` with PyBullet's TinyRenderer; shadows would cost tenfold.

    A frame takes 15 to 100 ms: never inside a control tick.

    Args:
        world: the simulated world.
        name: name of the camera.
        position_in_world: where it stands, (x, y, z), [m].
        target_in_world: what it looks at, (x, y, z), [m].
        fov_deg: vertical field of view, [deg].
        width: picture width, [px].
        height: picture height, [px].
        up_in_world: the direction that is up in the picture, (x, y, z).
    """

    def __init__(
        self,
        world: World,
        name: str,
        position_in_world: Sequence[float],
        target_in_world: Sequence[float],
        *,
        fov_deg: float = 60.0,
        width: int = 224,
        height: int = 224,
        up_in_world: Sequence[float] = (0.0, 0.0, 1.0),
    ) -> None:
        self.name = name
        self._world = world
        self._size = width, height
        self._view = pybullet.computeViewMatrix(
            list(position_in_world), list(target_in_world), list(up_in_world)
        )
        self._projection = pybullet.computeProjectionMatrixFOV(fov_deg, width / height, _NEAR_M, _FAR_M)

    def capture(self) -> Frame:
        """Take one picture now."""
        width, height = self._size
        pixels = pybullet.getCameraImage(
            width,
            height,
            viewMatrix=self._view,
            projectionMatrix=self._projection,
            shadow=0,
            renderer=pybullet.ER_TINY_RENDERER,
            flags=pybullet.ER_NO_SEGMENTATION_MASK,
            physicsClientId=self._world.client,
        )[2]
        rgb = np.asarray(pixels, dtype=np.uint8).reshape(height, width, 4)[:, :, :3].copy()
        rgb.setflags(write=False)
        return Frame(camera=self.name, stamp_ns=self._world.now_ns, rgb=rgb)
