"""Arrays that nobody can change after they were checked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interlock.errors import ShapeError

__all__ = ["FloatArray", "frozen_array"]

FloatArray = NDArray[np.float64]


def frozen_array(value: ArrayLike, shape: Sequence[int | None], field: str) -> FloatArray:
    """Copy `value` to a read-only float64 array of `shape` (None matches any length).

    Values are not judged here: NaN passes, because a bad value is a verdict, not an error.

    Raises:
        ShapeError: if the shape does not fit.
    """
    array = np.array(value, dtype=np.float64, copy=True)
    fits = array.ndim == len(shape) and all(
        want is None or want == got for want, got in zip(shape, array.shape, strict=True)
    )
    if not fits:
        raise ShapeError(
            f"expected shape {tuple('*' if s is None else s for s in shape)}",
            field=field,
            value=tuple(array.shape),
            mend="Give one value per channel, in the order the embodiment names them.",
        )
    array.setflags(write=False)
    return array
