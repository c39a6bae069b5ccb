"""Seeds made of other seeds, so that what is drawn under one does not repeat what is drawn under another."""

from __future__ import annotations

import numpy as np

__all__ = ["derived_seed"]


def derived_seed(seed: int, number: int) -> int:
    """The seed of the piece with this number, from 0, of what `seed` decides; both 0 or above."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
