"""The expert's episodes with the gate off, beside the same goals and seeds with the gate on.

The half with the gate on is not played again: it is the table `expert`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from claim import Claim, none_of
from ledger import Ledger, read_table, source_digest
from row import Row

__all__ = ["LEAST", "MOST", "CostFigures", "beside_the_expert", "cost_claims"]

LEAST = 0.98
"""Share of the free episodes that succeed with the gate on."""

MOST = 1.15
"""Time with the gate on over time with the gate off."""


def beside_the_expert(rows: Iterable[Row], runs: Path, committed: Path) -> list[Row]:
    """Each row with outcome and ticks of the expert's row of that goal, cell and seed.

    Only rows that were made with the sources of today count; where there is none, the outcome is "missing".
    """
    digest = source_digest("expert")
    content = read_table("expert", committed)
    known = content["rows"] if content is not None and content["sources"] == digest else []
    found = {_episode(row): row for row in (*known, *Ledger("expert", digest, runs).rows.values())}
    missing: Row = {"outcome": "missing", "ticks": 0}
    joined = []
    for row in rows:
        gated = found.get(_episode(row), missing)
        joined.append(row | {"on_outcome": gated["outcome"], "on_ticks": gated["ticks"]})
    return joined


def _episode(row: Row) -> tuple[str, str, int]:
    return row["kind"], row["cell"], row["seed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostFigures:
    """What the gate costs in some episodes.

    Attributes:
        free: the episodes finished without a contact with the gate off.
        lost: those of them that do not succeed with the gate on.
        total: time of all the others with the gate on over that with the gate off; NaN without any.
        ratios: least, 5th percentile, median, 95th percentile and largest ratio of an episode.
        above: how many of them take longer than `MOST` times.
    """

    free: list[Row]
    lost: list[Row]
    total: float
    ratios: tuple[float, ...]
    above: int

    @classmethod
    def of(cls, rows: Sequence[Row]) -> CostFigures:
        """Figures of these rows, each with the expert's beside it."""
        free = [row for row in rows if row["outcome"] == "achieved" and not row["contacts"]]
        lost = [row for row in free if row["on_outcome"] != "achieved"]
        both = [row for row in free if row["on_outcome"] == "achieved"]
        ratios = sorted(row["on_ticks"] / row["ticks"] for row in both)
        marks = [max(0, math.ceil(share * len(ratios)) - 1) for share in (0.0, 0.05, 0.5, 0.95, 1.0)]
        off = sum(row["ticks"] for row in both)
        return cls(
            free=free,
            lost=lost,
            total=sum(row["on_ticks"] for row in both) / off if off else math.nan,
            ratios=tuple(ratios[mark] for mark in marks) if ratios else (math.nan,) * len(marks),
            above=sum(ratio > MOST for ratio in ratios),
        )


def cost_claims(rows: Sequence[Row]) -> list[Claim]:
    """What the gate may cost."""
    missing = [row for row in rows if row["on_outcome"] in ("", "missing")]
    found = CostFigures.of(rows)
    free, kept = len(found.free), len(found.free) - len(found.lost)
    text = f"{kept} of the {free} episodes finished without a contact with the gate off succeed with it on"
    lost = none_of(found.lost, f"{text}, at least {LEAST:.0%}")
    least, low, median, high, most = found.ratios
    longer = f"{found.above} of {kept} take longer"
    spread = f"{longer}; least {least:.3f}, 5 % {low:.3f}, 95 % {high:.3f}, largest {most:.3f}"
    return [
        none_of(missing, "the same episodes with the gate on are there, of today's sources"),
        replace(lost, holds=free > 0 and kept >= LEAST * free),
        Claim(
            text=f"in all they take {found.total:.3f} times as long, at most {MOST}",
            holds=found.total <= MOST,
        ),
        Claim(
            text=f"their median is {median:.3f} times as long, at most {MOST} ({spread})",
            holds=median <= MOST,
        ),
    ]
