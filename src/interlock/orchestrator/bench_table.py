"""What a benchmark measured, as a table for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

__all__ = ["bench_table"]


def bench_table(measured: Mapping[str, Any]) -> Table:
    """One row a figure of what `bench.run` gave: median and 99th percentile, or a single number."""
    table = Table(box=None, pad_edge=False)
    table.add_column("benchmark")
    table.add_column("figure")
    for heading in ("median", "p99", "value"):
        table.add_column(heading, justify="right")
    before = ""
    for name, figure, value in _rows(measured):
        shown = Text("" if name == before else name, style="bold")
        before = name
        if isinstance(value, Mapping):
            share = value.get("in_ticks")
            asked = "" if share is None else f"in {100.0 * share:.0f} % of ticks"
            table.add_row(shown, figure, f"{value['median']:g}", f"{value['p99']:g}", asked)
        else:
            told = value if isinstance(value, str) else "none" if value is None else f"{value:g}"
            table.add_row(shown, figure, "", "", told)
    return table


def _rows(measured: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for name, figures in measured.items():
        for figure, value in figures.items():
            if isinstance(value, Mapping) and "median" not in value:
                yield from ((name, f"{figure}  {inner}", each) for inner, each in value.items())
            else:
                yield name, figure, value
