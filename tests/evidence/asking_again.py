"""One recorded run, every decision of which is made again by another process and compared bit by bit."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from cases import Case
from play import play
from row import Row, blank

__all__ = ["ask_again"]

_PATIENCE_S = 600.0


def ask_again(case: Case, folder: Path) -> Row:
    """Play a case in `folder`, keep its trace, and have `interlock trace replay --exact` ask again."""
    kept = folder.with_name(folder.name + "-kept")
    played = play(replace(case, table="hostile"), folder, lambda row: kept)
    if played["outcome"] == "error":
        return blank(case, "error", played["reason"])
    command = [sys.executable, "-m", "interlock", "trace", "replay", "--exact", "--json", str(kept / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    if done.returncode not in (0, 3):
        return blank(case, "error", f"replay ended with {done.returncode}: {done.stderr}")
    said = json.loads(done.stdout.splitlines()[-1])
    row = blank(case, "same" if done.returncode == 0 else "differs", said["first_difference"])
    row.update(
        ticks=played["ticks"],
        refused=played["refused"],
        decisions=said["decisions"],
        same=said["same"],
        not_asked=said["not_asked"],
    )
    return row
