"""The evidence for one released command."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

import numpy as np

__all__ = ["Certificate", "Margin", "fingerprint", "least_by_family"]


def fingerprint(value: object) -> str:
    """SHA-256 over plain data and arrays, every digit of every number included."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: object) -> object:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else repr(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """Smallest slack of one family over the tick and its stop: value, unit, and the pair or joint.

    `value` is what is left after every inflation, at the instants that were judged; 0 means at the limit,
    below it a retreat from a margin that was broken already.
    """

    family: str
    value: float
    unit: str
    where: str


def least_by_family(margins: Iterable[Margin]) -> tuple[Margin, ...]:
    """The smallest margin of each family, in the order in which the families come."""
    least: dict[str, Margin] = {}
    for margin in margins:
        if margin.family not in least or margin.value < least[margin.family].value:
            least[margin.family] = margin
    return tuple(least.values())


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
        state: SHA-256 of the measured and the commanded state, its stamp included.
        chunk: SHA-256 of the chunk, "" if none.
        proposal: SHA-256 of the node that was proposed for the end of the tick.
        motion: SHA-256 over start, end and tail.
        tail: SHA-256 of the stop tail alone.
        rung: rung of the ladder the motion came from.
        margins: smallest slack seen at the instants judged, one a family, with its pair. Below 0 are, on the
            rung `retreating` alone, distances that were too small at the start and shrink at no instant.
        interval_bound_m: no distance has less slack than this at any instant, between samples included, [m];
            in a retreat that is the slack of what is broken most, at the start. None if nothing is near
            enough to have a distance.
        intervals: how many intervals of time were judged to show that.
        stop_time_s: time from the end of the tick to standstill, [s].
        stop_distance_rad: from the end of the tick to *measured* standstill, sum over joints, [rad]: the path
            of the stop, turns between nodes included, and what a joint may still travel in the period that
            shows it standing (`hal.driver.STANDSTILL_RAD_S`). How far a driver lags is the tube's matter.
        solver_status: what the solver said, "" if it was not asked; never evidence.
        slack_m_s: how far the candidate gave way on comfort margins, [m/s].
        residual_m_s: by how much its worst row is broken beyond that slack, computed afresh, [m/s].
        dual: largest multiplier of a row, as the solver has it.
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
    state: str
    chunk: str
    proposal: str
    motion: str
    tail: str
    rung: str
    margins: tuple[Margin, ...]
    interval_bound_m: float | None
    intervals: int
    stop_time_s: float
    stop_distance_rad: float
    solver_status: str
    slack_m_s: float
    residual_m_s: float
    dual: float
    lateness_ns: int
    numeric_path: str

    @property
    def digest(self) -> str:
        """SHA-256 over every field."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        # `asdict` would copy each of them deeply, which costs more than the hash
        return fingerprint(plain | {"margins": [asdict(margin) for margin in self.margins]})
