"""Other light and other colours on a picture, so that a policy does not learn one lamp by heart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Photometry"]

_GAIN = 0.15  # of each colour, and of all together
_LIFT = 12.0  # of 255
_NOISE = 3.0


class Photometry:
    """Draws gain, lift and noise anew for each picture; where things are stays as it is.

    Args:
        generator: draws them.
    """

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator

    def change(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Another picture of the same scene, shape (height, width, 3)."""
        draw = self._generator
        gain = (1.0 + draw.uniform(-_GAIN, _GAIN)) * (1.0 + draw.uniform(-_GAIN, _GAIN, 3))
        lift = draw.uniform(-_LIFT, _LIFT)
        noise = draw.normal(0.0, _NOISE * draw.random(), rgb.shape).astype(np.float32)
        changed: NDArray[np.uint8] = np.clip(rgb * gain.astype(np.float32) + lift + noise, 0, 255).astype(
            np.uint8
        )
        return changed
