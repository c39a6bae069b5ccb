"""Batch axes: one robot asks, so each has length 1."""

from __future__ import annotations

import numpy as np

from interlock.errors import RemotePolicyError

__all__ = ["unbatched"]


def unbatched(value: object, field: str, *, axes: int) -> object:
    """An array of more than `axes` axes without its first ones, which must have length 1 each.

    Anything else comes back as it is: whoever reads it says what is wrong with it.

    Raises:
        RemotePolicyError: if a batch is of another length.
    """
    while isinstance(value, np.ndarray) and value.ndim > axes:
        if len(value) != 1:
            raise RemotePolicyError(
                "is a batch of other than one",
                field=field,
                value=value.shape,
                mend="One robot asks: send one.",
            )
        value = value[0]
    return value
