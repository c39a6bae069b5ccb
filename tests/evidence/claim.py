"""One sentence about a table that is true or false of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from row import Row

__all__ = ["Claim", "name_of", "none_of", "unharmed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One sentence, whether it holds, and the runs that speak against it."""

    text: str
    holds: bool
    against: tuple[str, ...] = ()


def none_of(rows: Sequence[Row], text: str) -> Claim:
    """The claim that there are no such rows."""
    return Claim(text=text, holds=not rows, against=tuple(name_of(row) for row in rows))


def name_of(row: Row) -> str:
    """A row as those are listed that speak against a claim."""
    return f"{row['kind']} {row['cell']} seed {row['seed']}: {row['outcome']} {row['reason']}".rstrip()


def unharmed(rows: Sequence[Row]) -> list[Claim]:
    """What has to hold of every run under the gate."""
    return [
        none_of([row for row in rows if row["contacts"]], "contacts while moving: 0"),
        none_of([row for row in rows if row["violations"]], "limit violations: 0"),
    ]
