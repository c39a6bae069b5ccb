"""What the stops of some runs come to: predicted against measured way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from cases import cases_of
from claim import Claim, none_of, unharmed
from row import Row

__all__ = ["LONG_RAD", "MOST", "StopFigures", "stop_claims"]

MOST = 1.3
"""Predicted over measured."""

LEAST_WITHIN = 0.95
"""Share of the stops that are predicted at most `MOST` times as long as they are."""

LEAST_STOPS = 500

LONG_RAD = 0.01
"""A stop with a longer way than this counts as long, [rad]; claims are about all stops, short ones too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopFigures:
    """Figures of some stops.

    Attributes:
        stops: how many.
        short: how many were predicted shorter than they were.
        least_left_rad: least of predicted less measured, [rad].
        median_rad: median of the measured way, [rad].
        ratios: median, 95th percentile and largest of predicted over measured.
        within: share predicted at most `MOST` times as long as they were.
        long: how many are longer than `LONG_RAD`.
        long_within: share of these predicted at most `MOST` times as long.
    """

    stops: int
    short: int
    least_left_rad: float
    median_rad: float
    ratios: tuple[float, float, float]
    within: float
    long: int
    long_within: float

    @classmethod
    def of(cls, rows: Sequence[Row]) -> StopFigures | None:
        """Figures of all stops of these rows; None if there are none."""
        pairs = np.array([pair for row in rows for pair in row["stops"]], dtype=np.float64)
        if len(pairs) == 0:
            return None
        predicted, measured = pairs.T
        ratio = np.divide(predicted, measured, out=np.full(len(pairs), math.inf), where=measured > 0.0)
        good, long = ratio <= MOST, measured > LONG_RAD
        ordered = np.sort(ratio)
        return cls(
            stops=len(pairs),
            short=int((predicted < measured).sum()),
            least_left_rad=float((predicted - measured).min()),
            median_rad=float(np.median(measured)),
            ratios=tuple(float(ordered[math.ceil(share * len(ordered)) - 1]) for share in (0.5, 0.95, 1.0)),
            within=float(good.mean()),
            long=int(long.sum()),
            long_within=float(good[long].mean()) if long.any() else 1.0,
        )


def stop_claims(rows: Sequence[Row]) -> list[Claim]:
    """What has to hold of all stops, the shortest ones too."""
    claims = unharmed(rows)
    found = StopFigures.of(rows)
    count = found.stops if found is not None else 0
    if len(rows) == len(cases_of("stops")):
        claims.append(Claim(text=f"{count} stops, at least {LEAST_STOPS}", holds=count >= LEAST_STOPS))
    if found is None:
        return claims
    short = [row for row in rows if any(predicted < measured for predicted, measured in row["stops"])]
    never = f"none of {count} predicted shorter than it was (least left {found.least_left_rad:.1e} rad)"
    within = (
        f"{found.within:.1%} predicted at most {MOST} times as long as they were, at least {LEAST_WITHIN:.0%}"
    )
    return [
        *claims,
        none_of(short, never),
        Claim(text=within, holds=found.within >= LEAST_WITHIN),
    ]
