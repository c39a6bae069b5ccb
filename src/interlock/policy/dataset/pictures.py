"""Pictures as JPEG bytes and back."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from interlock.errors import BadInputError, ShapeError

__all__ = ["decode", "encode"]

_QUALITY = 88


def encode(rgb: NDArray[np.uint8]) -> bytes:
    """The JPEG of a picture; the same picture gives the same bytes.

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
    Image.fromarray(rgb).save(buffer, format="JPEG", quality=_QUALITY, subsampling=0)
    return buffer.getvalue()


def decode(content: bytes, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture of JPEG or PNG bytes, shape (height, width, 3), uint8, RGB, read-only.

    Args:
        content: the bytes.
        size: height and width that it must have, [px].

    Raises:
        BadInputError: if they are no picture.
        ShapeError: if it has another size.
    """
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as image:
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
