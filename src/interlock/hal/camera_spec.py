"""Where a camera stands and how it looks."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CameraSpec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSpec:
    """A pinhole camera, in the world or on a link of the robot.

    In the world its pictures have the world's z axis upright. On a link they have the link's x axis upright:
    the z axis of a link that carries a gripper is where such a camera looks.

    Attributes:
        name: unique in the cell.
        width_px: width of a picture, [px].
        height_px: height of a picture, [px].
        vertical_fov_deg: vertical field of view, [deg].
        eye_m: where it stands in the world or on the link, (x, y, z) [m].
        target_m: a point in the same frame at the middle of its pictures, (x, y, z) [m].
        rate_hz: pictures a second, [Hz].
        role: what a policy asks for it by ("base", "wrist"), unique in the cell; "" for none.
        link: the link of the robot that carries it; "" for one that stands in the world.
    """

    name: str
    width_px: int
    height_px: int
    vertical_fov_deg: float
    eye_m: tuple[float, float, float]
    target_m: tuple[float, float, float]
    rate_hz: float
    role: str = ""
    link: str = ""

    @property
    def up(self) -> tuple[float, float, float]:
        """The direction that is upright in its pictures, in the frame of `eye_m`."""
        return (1.0, 0.0, 0.0) if self.link else (0.0, 0.0, 1.0)
