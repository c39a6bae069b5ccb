"""The cameras of made-up sets: one at the base, one at the wrist."""

from __future__ import annotations

from interlock.hal.camera_spec import CameraSpec

__all__ = ["two_cameras"]


def two_cameras(side_px: int) -> tuple[CameraSpec, CameraSpec]:
    """Square pictures of `side_px`; where the cameras stand is no matter where pictures are made up."""
    base, wrist = (
        CameraSpec(
            name=role,
            width_px=side_px,
            height_px=side_px,
            vertical_fov_deg=45.0,
            eye_m=(0.5, 0.5, 1.0),
            target_m=(0.5, 0.5, 0.0),
            rate_hz=10.0,
            role=role,
        )
        for role in ("base", "wrist")
    )
    return base, wrist
