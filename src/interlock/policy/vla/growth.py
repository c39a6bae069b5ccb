"""How far each step of a chunk goes, as a share of the furthest: what is relative to its start grows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from interlock.errors import CheckpointError, ShapeError
from interlock.hal.arrays import FloatArray
from interlock.hal.embodiment import Channel, Reference

__all__ = ["check_growth", "growth_of"]

_LEAST = 0.02
"""A first step that is the start of the chunk itself does not move at all."""


def growth_of(chunks: FloatArray, channels: tuple[Channel, ...]) -> FloatArray:
    """The shares of a data set, shape (H, C); 1 in a channel that is not relative to the chunk's start.

    Args:
        chunks: shape (N, H, C), channel units.
        channels: of the body.

    Raises:
        CheckpointError: if a number is not finite.
        ShapeError: if the shape does not fit.
    """
    if chunks.shape[2] != len(channels) or not len(chunks):
        wanted = f"expected shape (N > 0, H, {len(channels)})"
        raise ShapeError(wanted, field="actions", value=chunks.shape)
    if not np.isfinite(chunks).all():
        raise CheckpointError("must be finite", field="actions", mend="Leave the broken episode out.")
    reach = np.percentile(np.abs(chunks), 99.0, axis=0)
    furthest = reach.max(axis=0)
    share = np.divide(reach, furthest, out=np.ones_like(reach), where=furthest > 0.0)
    return np.where(_relative(channels), np.clip(share, _LEAST, 1.0), 1.0)


def check_growth(growth: tuple[tuple[float, ...], ...], channels: tuple[Channel, ...], horizon: int) -> None:
    """Refuse shares that no data set gives.

    Raises:
        CheckpointError: if they are not one for each step and channel, from 0.02 to 1, or not 1 in a channel
            that is not relative to the chunk's start: what is said there would be bent.
    """
    whole = [len(row) for row in growth] == [len(channels)] * horizon
    if growth and not (whole and _usable(np.array(growth), _relative(channels))):
        raise CheckpointError(
            f"wants shares from {_LEAST:g} to 1 for {horizon} steps of {len(channels)} channels, 1 where a "
            "channel is not relative to the chunk's start",
            field="statistics.growth",
            value=growth,
            mend="Make the statistics again.",
        )


def _usable(shares: FloatArray, relative: NDArray[np.bool_]) -> bool:
    return bool(((shares >= _LEAST) & (shares <= 1.0)).all() and (shares[:, ~relative] == 1.0).all())


def _relative(channels: tuple[Channel, ...]) -> NDArray[np.bool_]:
    return np.array([channel.reference is Reference.CHUNK_START for channel in channels])
