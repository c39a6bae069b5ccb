"""What a server is told, before a protocol puts it into its own form."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_PROMPT_BYTES", "Told"]

MOST_PROMPT_BYTES = 4096
"""No instruction is longer in UTF-8: a step of a plan is a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One observation in a server's own keys and units.

    Attributes:
        states: measured values by key, each shape (k,), float32 or float64, in the units of the map.
        pictures: by key, each shape (height, width, 3), uint8, RGB.
        prompt: key and words, or None.
        extra: sent along as it is.
        interlock: what only another Interlock understands: stamps, commanded state, task and scene; or None.
    """

    states: Mapping[str, NDArray[Any]]
    pictures: Mapping[str, NDArray[np.uint8]]
    prompt: tuple[str, str] | None
    extra: Mapping[str, Any] = field(default_factory=dict)
    interlock: Mapping[str, Any] | None = None

    @property
    def prompt_sha256(self) -> str:
        """SHA-256 of the words, UTF-8; "" without any."""
        return "" if self.prompt is None else hashlib.sha256(self.prompt[1].encode()).hexdigest()
