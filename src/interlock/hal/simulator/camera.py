"""A camera in the simulator, rendered on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pybullet
from numpy.typing import NDArray

from interlock.hal.arrays import FloatArray
from interlock.hal.camera_spec import CameraSpec
from interlock.hal.frame import Frame
from interlock.hal.look import Light, Look
from interlock.hal.simulator.robot_body import RobotBody

__all__ = ["SimulatedCamera", "Stage"]

_NEAR_M = 0.01  # a camera beside a hand has its fingers before it
_FAR_M = 10.0
_LAMP_M = 10.0  # far enough for parallel light


class Stage(Protocol):
    """What a camera looks at: a physics client with a robot in it, and its time."""

    client: int
    body: RobotBody

    @property
    def now_ns(self) -> int:
        """Time of what is seen, [ns]."""
        ...


class SimulatedCamera:
    """Implements `interlock.hal.frame.Camera` with PyBullet's TinyRenderer; shadows would cost tenfold.

    A frame takes 15 to 100 ms: never inside a control tick.

    Args:
        stage: what it looks at.
        spec: where it stands and how it looks.
        look: light and background.

    Raises:
        RobotModelError: if the robot has no link that carries the camera.
    """

    def __init__(self, stage: Stage, spec: CameraSpec, look: Look | None = None) -> None:
        look = look if look is not None else Look()
        self.name = spec.name
        self.spec = spec
        self._stage = stage
        self._link = stage.body.find_link(spec.link, f"cameras.{spec.name}.link") if spec.link else None
        aspect = spec.width_px / spec.height_px
        self._projection = pybullet.computeProjectionMatrixFOV(spec.vertical_fov_deg, aspect, _NEAR_M, _FAR_M)
        self._lamp = _lamp(look.light)
        self._background = _sky(look, spec.height_px)

    def capture(self) -> Frame:
        """Take one picture now."""
        width, height = self.spec.width_px, self.spec.height_px
        view = self._view()
        _, _, pixels, depth, _ = pybullet.getCameraImage(
            width,
            height,
            viewMatrix=view,
            projectionMatrix=self._projection,
            shadow=0,
            renderer=pybullet.ER_TINY_RENDERER,
            flags=pybullet.ER_NO_SEGMENTATION_MASK,
            physicsClientId=self._stage.client,
            **self._lamp,
        )
        rgb = np.asarray(pixels, dtype=np.uint8).reshape(height, width, 4)[:, :, :3].copy()
        if self._background is not None:
            nothing = np.asarray(depth).reshape(height, width) >= 1.0
            rgb = np.where(nothing[:, :, None], self._background[:, None], rgb)
        rgb.setflags(write=False)
        return Frame(
            camera=self.name,
            stamp_ns=self._stage.now_ns,
            rgb=rgb,
            role=self.spec.role,
            projection=_camera_matrix(view, self._projection),
        )

    def _view(self) -> Any:
        pose = np.eye(4) if self._link is None else self._stage.body.frame_in_world(self._link)
        eye, target = (_point(pose, point) for point in (self.spec.eye_m, self.spec.target_m))
        return pybullet.computeViewMatrix(eye, target, (pose[:3, :3] @ self.spec.up).tolist())


def _point(pose: FloatArray, point: tuple[float, float, float]) -> list[float]:
    moved: list[float] = (pose[:3, :3] @ point + pose[:3, 3]).tolist()
    return moved


def _camera_matrix(view: Sequence[float], projection: Sequence[float]) -> FloatArray:
    """`Frame.projection` of OpenGL's two matrices, each column by column; rows of a picture go down."""
    clip = np.reshape(projection, (4, 4)).T @ np.reshape(view, (4, 4)).T
    matrix: FloatArray = np.array([0.5 * (clip[0] + clip[3]), 0.5 * (clip[3] - clip[1]), clip[3]])
    matrix.setflags(write=False)
    return matrix


def _lamp(light: Light | None) -> dict[str, Any]:
    """PyBullet's arguments for a lamp."""
    if light is None:
        return {}
    return {
        "lightDirection": list(light.direction),
        "lightColor": list(light.color),
        "lightDistance": _LAMP_M,
        "lightAmbientCoeff": light.ambient,
        "lightDiffuseCoeff": light.diffuse,
        "lightSpecularCoeff": light.specular,
    }


def _sky(look: Look, height: int) -> NDArray[np.uint8] | None:
    """A colour a row where nothing stands, shape (height, 3), from the upper colour to the lower one."""
    if look.background is None:
        return None
    upper, lower = np.array(look.background)
    share = np.linspace(0.0, 1.0, height)[:, None]
    return np.asarray(np.rint(255.0 * ((1.0 - share) * upper + share * lower)), dtype=np.uint8)
