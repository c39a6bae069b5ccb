"""The figures of a training run, a line a report, and a page to look at them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.errors import StorageError

__all__ = ["Curve"]


class Curve:
    """`curve.jsonl` in the folder of a training run, and `curve.html` drawn from it.

    Every row has `step` (over all stages), `stage`, and any numbers beside them. When a run goes on from a
    state, rows after that state are dropped: they are made again.

    Args:
        folder: the run's folder.
        from_step: the step from which the run goes on.
    """

    def __init__(self, folder: Path, from_step: int = 0) -> None:
        self._folder = folder
        self._path = folder / "curve.jsonl"
        self.rows = [row for row in _rows(self._path) if row["step"] <= from_step] if from_step else []
        self._write("".join(json.dumps(row) + "\n" for row in self.rows), "w")

    def add(self, row: Mapping[str, Any]) -> None:
        """Keep a row; it is on disk when this returns.

        Raises:
            StorageError: if it cannot be written.
        """
        self.rows.append(dict(row))
        self._write(json.dumps(dict(row)) + "\n", "a")

    def _write(self, text: str, mode: str) -> None:
        try:
            with self._path.open(mode, encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise StorageError(
                f"the figures of the training cannot be written: {error.strerror}",
                field="out",
                value=str(self._folder),
                mend="Name a folder that can be written.",
            ) from error

    def draw(self) -> Path | None:
        """Write `curve.html`: one offline file with a plot for each number; None where plotly is missing."""
        try:
            from plotly.io import to_html
        except ImportError:
            return None
        names = sorted({name for row in self.rows for name in row if name not in ("step", "stage")})
        plots = [_plot(name, [row for row in self.rows if name in row]) for name in names]
        pages = [
            to_html(plot, include_plotlyjs=number == 0, full_html=False, validate=False)
            for number, plot in enumerate(plots)
        ]
        path = self._folder / "curve.html"
        head = (
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Training curves</title></head>'
        )
        path.write_text(f"{head}<body>{''.join(pages)}</body></html>\n", encoding="utf-8")
        return path


def _plot(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A line a stage; losses on a logarithmic axis."""
    stages = list(dict.fromkeys(str(row["stage"]) for row in rows))
    lines = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": stage,
            "x": [row["step"] for row in rows if str(row["stage"]) == stage],
            "y": [row[name] for row in rows if str(row["stage"]) == stage],
        }
        for stage in stages
    ]
    axis = {"type": "log"} if "loss" in name or "error" in name else {}
    layout = {"title": {"text": name}, "height": 320, "xaxis": {"title": {"text": "step"}}, "yaxis": axis}
    return {"data": lines, "layout": layout}


def _rows(path: Path) -> list[dict[str, Any]]:
    """The rows there are; a last line that was cut off is left out."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows
