"""A process that plays cases: one JSON line in (table, key), one out (the row), until its input ends."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from tempfile import mkdtemp

from cases import Case, cases_of
from ledger import FAILED, is_failed
from play import play
from row import Row


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
        case = cases[table, key]

        def keep(row: Row, case: Case = case) -> Path | None:
            return FAILED / case.table / case.key if is_failed(case, row) else None

        told.write(json.dumps(play(case, scratch / "run", keep)) + "\n")
        told.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
