"""What a benchmark measured, as a table for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

__all__ = ["bench_table"]

_COLUMNS = ("median", "p95", "p99")


def bench_table(measured: Mapping[str, Any]) -> Table:
    """One row a figure of what `bench.run` gave: median and high percentile, or a value; what is asked."""
    table = Table(box=None, pad_edge=False)
    table.add_column("benchmark")
    table.add_column("figure")
    for heading in (*_COLUMNS, "value", "asked"):
        table.add_column(heading, justify="right")
    before = ""
    for name, figure, value in _rows(measured):
        shown = Text("" if name == before else name, style="bold")
        before = name
        if isinstance(value, Mapping):
            share, most = value.get("in_ticks"), value.get("asked_at_most")
            told = "" if share is None else f"in {100.0 * share:.0f} % of ticks"
            asked = "" if most is None else f"≤ {most:g}"
            numbers = [f"{value[column]:g}" if column in value else "" for column in _COLUMNS]
            table.add_row(shown, figure, *numbers, told, asked)
        else:
            told = value if isinstance(value, str) else "none" if value is None else f"{value:g}"
            table.add_row(shown, figure, *[""] * len(_COLUMNS), told, "")
    return table


def _rows(measured: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for name, figures in measured.items():
        for figure, value in figures.items():
            if isinstance(value, Mapping) and "median" not in value:
                yield from ((name, f"{figure}  {inner}", each) for inner, each in value.items())
            else:
                yield name, figure, value
