"""The evidence for one released command."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

import numpy as np

__all__ = ["Certificate", "Margin", "fingerprint"]


def fingerprint(value: object) -> str:
    """SHA-256 over plain data and arrays, every digit of every number included."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: object) -> object:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else repr(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """Smallest slack of one family over the tick and its stop: value, unit, and the pair or joint.

    `value` is what is left after every inflation; 0 means at the limit.
    """

    family: str
    value: float
    unit: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What was verified for one released command; hashed into the command.

    Attributes:
        seq: sequence number of the command.
        epoch: epoch of the command.
        stamp_ns: monotonic time at which the motion starts, [ns].
        model: SHA-256 of the kinematic and capsule model.
        constraints: SHA-256 of limits, margins, zones and plug-ins.
        scene: SHA-256 of the scene as judged: obstacles, held object, pairs that may touch, speed limit.
        phase: SHA-256 of the phase (allowed contacts, held object).
        chunk: SHA-256 of the chunk, "" if none.
        motion: SHA-256 over start, end and tail.
        rung: rung of the ladder the motion came from.
        margins: smallest slack per family.
        stop_time_s: time from the end of the tick to standstill, [s].
        stop_distance_rad: sum over joints of the path of the stop, [rad].
        solver_status: what the solver said, "" if it was not asked; never evidence.
        lateness_ns: how late the tick was, judged by the drive, [ns].
        numeric_path: "compiled" or "interpreted".
    """

    seq: int
    epoch: int
    stamp_ns: int
    model: str
    constraints: str
    scene: str
    phase: str
    chunk: str
    motion: str
    rung: str
    margins: tuple[Margin, ...]
    stop_time_s: float
    stop_distance_rad: float
    solver_status: str
    lateness_ns: int
    numeric_path: str

    @property
    def digest(self) -> str:
        """SHA-256 over every field."""
        return fingerprint(asdict(self))
