"""A camera's picture as a `foxglove.CompressedImage` record."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image

from interlock.hal.frame import Frame
from interlock.traces.foxglove import seconds

__all__ = ["jpeg", "picture_record"]

_QUALITY = 85


def jpeg(image: Image.Image) -> bytes:
    """The picture as JPEG; the same pixels give the same bytes."""
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, format="JPEG", quality=_QUALITY, subsampling=0)
    return buffer.getvalue()


def picture_record(frame: Frame) -> dict[str, Any]:
    """The picture, compressed."""
    data = jpeg(Image.fromarray(frame.rgb))
    return {
        "timestamp": seconds(frame.stamp_ns),
        "frame_id": frame.camera,
        "data": base64.b64encode(data).decode("ascii"),
        "format": "jpeg",
    }
