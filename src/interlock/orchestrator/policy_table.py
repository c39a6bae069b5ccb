"""Where a learned policy's parameters sit, as a table for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from interlock.policy.vla.describe import Description

__all__ = ["policy_table"]


def policy_table(description: Description) -> Table:
    """One row a count; a last column where a figure was published."""
    table = Table(box=None, pad_edge=False)
    table.add_column("part")
    table.add_column("parameters", justify="right")
    published = any(row.published for row in description.rows)
    if published:
        table.add_column("published", justify="right")
    table.add_column("how")
    for row in description.rows:
        if row.count:
            extra = (row.published,) if published else ()
            table.add_row(row.key, f"{row.count:,}", *extra, row.how)
    return table
