"""Records as bytes: canonical JSON, and float64 arrays whose every bit survives."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from interlock.hal.arrays import FloatArray

__all__ = ["encode", "number", "packed", "unpacked"]


def _plain(value: object) -> object:
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(k): v for k, v in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in fields(value)}
    if isinstance(value, AbstractSet):
        return sorted(value, key=str)
    return str(value)


def _finite(value: object) -> object:
    """The same record with every NaN and infinity as the text "NaN", "Infinity" or "-Infinity"."""
    if isinstance(value, (str, bool, int)) or value is None:
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, Mapping):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return _finite(_plain(value))


_ENCODER = json.JSONEncoder(separators=(",", ":"), sort_keys=True, allow_nan=False, default=_plain)


def encode(record: Mapping[str, Any]) -> bytes:
    """Canonical JSON: sorted keys, no spaces, ASCII; the same record gives the same bytes.

    JSON has no NaN: a number that is not finite becomes the text "NaN", "Infinity" or "-Infinity", never 0
    and never null.
    """
    try:
        return _ENCODER.encode(record).encode("ascii")
    except (ValueError, TypeError):
        return _ENCODER.encode(_finite(record)).encode("ascii")


def number(value: float | str) -> float:
    """The number that `encode` wrote, one that is not finite included."""
    return float(value)


def packed(array: ArrayLike) -> dict[str, object]:
    """An array as shape and little-endian float64 in base64: exact, NaN payloads included, and quick."""
    values = np.asarray(array, dtype="<f8")
    return {"f64": base64.b64encode(values.tobytes()).decode("ascii"), "shape": list(values.shape)}


def unpacked(record: Mapping[str, Any]) -> FloatArray:
    """The array that `packed` wrote, bit for bit."""
    flat = np.frombuffer(base64.b64decode(record["f64"]), dtype="<f8").astype(np.float64)
    return flat.reshape(record["shape"])
