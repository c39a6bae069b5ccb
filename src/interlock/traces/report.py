"""The report: a run's trace as one HTML page that opens anywhere, without a network."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from interlock.errors import StorageError
from interlock.traces.figures import figures
from interlock.traces.odd_records import odd_records_are_damage
from interlock.traces.page import page
from interlock.traces.read import trace_path
from interlock.traces.show import summarise
from interlock.traces.timeline_reader import read_timeline

__all__ = ["REPORT_NAME", "build_report"]

REPORT_NAME = "report.html"


def build_report(run_folder: Path) -> Path:
    """Write `report.html` beside the trace, finished or not, and return its path.

    Args:
        run_folder: the run's folder, or the trace file in it.

    Raises:
        StorageError: if there is no trace, if it is damaged, or if the page cannot be written.
    """
    trace = trace_path(run_folder)
    with odd_records_are_damage(trace), np.errstate(divide="raise", over="raise", invalid="raise"):
        timeline = read_timeline(trace)
        text = page(timeline, summarise(trace), figures(timeline))
    report = trace.with_name(REPORT_NAME)
    part = report.with_suffix(".part")
    try:
        part.write_text(text, encoding="utf-8", errors="replace")
        os.replace(part, report)
    except OSError as error:
        raise StorageError(
            f"cannot be written: {error.strerror}",
            field="report",
            value=str(report),
            mend="Make the run's folder writable, or copy it to a disk with room.",
        ) from error
    return report
