"""Pictures as bytes and back, without loss: what a policy is taught with is what it will see.

Rendered pictures of 128 px take 2.9 kB as lossless WebP, 4.6 kB as PNG, and 3.1 kB as JPEG of quality 80,
which blurs what is four pixels wide. LeRobot reads each of them.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from interlock.errors import BadInputError, ShapeError

__all__ = ["decode", "encode"]

_EFFORT = 2  # of 6: 2.4 ms a picture; 6 takes three times as long and saves 4 %


def encode(rgb: NDArray[np.uint8]) -> bytes:
    """The lossless WebP of a picture; the same picture gives the same bytes.

    Args:
        rgb: shape (height, width, 3), uint8.

    Raises:
        ShapeError: if it is no such array.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ShapeError(
            "a picture has shape (height, width, 3) of bytes",
            field="frame.rgb",
            value=(rgb.shape, str(rgb.dtype)),
            mend="Give RGB in uint8.",
        )
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, format="WEBP", lossless=True, method=_EFFORT)
    return buffer.getvalue()


def decode(content: bytes, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture of WebP, PNG or JPEG bytes, shape (height, width, 3), uint8, RGB, read-only.

    Args:
        content: the bytes.
        size: height and width that it must have, [px].

    Raises:
        BadInputError: if they are no picture.
        ShapeError: if it has another size.
    """
    try:
        with Image.open(io.BytesIO(content), formats=("WEBP", "PNG", "JPEG")) as image:
            if (image.height, image.width) != size:
                raise ShapeError(
                    "the picture has another size",
                    field="observation.images",
                    value=(image.height, image.width),
                    mend=f"It has to have {size}, as meta/info.json says.",
                )
            rgb = np.array(image.convert("RGB"), dtype=np.uint8)
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise BadInputError(
            f"these bytes are no picture: {error}",
            field="observation.images",
            value=len(content),
            mend="Make the demonstrations again.",
        ) from error
    rgb.setflags(write=False)
    return rgb
