"""A process that plays cases: one JSON line in (table, key), one out (the row), until its input ends."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from cases import PLAYED, Case, cases_of
from ledger import FAILED, is_failed
from play import play
from row import Row, blank


def main() -> int:
    """Play what is asked for."""
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # PyBullet greets on the C-level stdout
    scratch = Path(mkdtemp(prefix="play-", dir=sys.argv[1]))
    cases: dict[tuple[str, str], Case] = {}
    for line in sys.stdin:
        table, key = json.loads(line)
        if (table, key) not in cases:
            cases |= {(case.table, case.key): case for case in cases_of(table)}
        told.write(json.dumps(_row(cases[table, key], scratch)) + "\n")
        told.flush()
    return 0


def _row(case: Case, scratch: Path) -> Row:
    def keep(row: Row) -> Path | None:
        return FAILED / case.table / case.key if is_failed(case, row) else None

    if case.table in PLAYED:
        return play(case, scratch / "run", keep)
    began_s = time.monotonic()
    try:
        row = _searched(case, scratch)
    except Exception as error:  # a shard that breaks is a row like any other, and is listed at the end
        row = blank(case, "error", f"{type(error).__name__}: {error}")
    row["wall_s"] = round(time.monotonic() - began_s, 2)
    return row


def _searched(case: Case, scratch: Path) -> Row:
    """A row of a table that is no run in the simulator; what it needs is imported when it is asked for."""
    if case.table == "replay":
        from asking_again import ask_again

        with TemporaryDirectory(dir=scratch) as folder:
            return ask_again(case, Path(folder) / "run")
    if case.table == "retreats":
        from retreating import retreat

        return retreat(case)
    from search import search

    return search(case)


if __name__ == "__main__":
    raise SystemExit(main())
