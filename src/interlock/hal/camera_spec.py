"""Where a camera stands and how it looks."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CameraSpec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSpec:
    """A pinhole camera with the world's z axis upright in its pictures.

    Attributes:
        name: unique in the cell.
        width_px: width of a picture, [px].
        height_px: height of a picture, [px].
        vertical_fov_deg: vertical field of view, [deg].
        eye_m: where it stands in the world, (x, y, z) [m].
        target_m: a point in the world at the middle of its pictures, (x, y, z) [m].
        rate_hz: pictures a second, [Hz].
    """

    name: str
    width_px: int
    height_px: int
    vertical_fov_deg: float
    eye_m: tuple[float, float, float]
    target_m: tuple[float, float, float]
    rate_hz: float
