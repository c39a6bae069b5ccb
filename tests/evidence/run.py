"""Makes, compares and prints the long tables: `make evidence`, `make evidence-slice`, `make tables`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from cases import TABLES, Case, cases_of, chosen, share_of
from claims import Claim, claims
from compare import differences
from crew import Crew
from gate_cost import beside_the_expert
from ledger import COMMITTED, RUNS, Ledger, read_table, source_digest, table_path, write_table
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from row import Row
from tables import print_tables

__all__ = ["compare_slice", "main", "make_tables"]

CONSOLE = Console(stderr=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if all is well; 1 if a run broke, a claim fails or a row differs; 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--all", action="store_true", help="play what is missing and write evidence/*.json")
    what.add_argument("--slice", type=float, metavar="SHARE", help="play that share of each table again")
    what.add_argument("--tables", action="store_true", help="print the committed tables")
    parser.add_argument("--compare", action="store_true", help="with --slice: exit 1 if a row differs")
    parser.add_argument("--table", choices=TABLES, help="this table only")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes side by side")
    parser.add_argument(
        "--limit", type=int, metavar="N", help="with --all: play at most N runs of each table"
    )
    options = parser.parse_args(arguments)
    tables = [options.table] if options.table else list(TABLES)
    try:
        if options.tables:
            return 0 if print_tables(options.table) else 1
        if options.all:
            return make_tables(tables, options.workers, options.limit)
        if not 0.0 < options.slice <= 1.0:
            parser.error("--slice: a share is above 0 and at most 1")
        return compare_slice(tables, options.slice, options.workers, compare=options.compare)
    except KeyboardInterrupt:
        _say("\nInterrupted. The rows so far are kept; the same command goes on from here.")
        return 130


def make_tables(
    tables: Sequence[str],
    workers: int,
    limit: int | None = None,
    runs: Path = RUNS,
    committed: Path = COMMITTED,
) -> int:
    """Play what is missing, write each table that is complete, and say whether it shows what it should."""
    good = True
    for table in tables:
        ledger = Ledger(table, source_digest(table), runs)
        wanted = cases_of(table) if limit is None else chosen(table, limit)
        missing = [case for case in wanted if case.key not in ledger.rows]
        had = len(wanted) - len(missing)
        if had:
            _say(f"{table}: {had} of {len(wanted)} rows were there")
        for _, row in _played(table, missing, workers):
            ledger.add(row)
        known = list(ledger.rows.values())
        if table == "gate_cost":
            known = beside_the_expert(known, runs, committed)
        by_key = {row["key"]: row for row in known}
        rows = [by_key[case.key] | {"gate": case.gate} for case in wanted]
        if all(case.key in by_key for case in cases_of(table)):
            path = write_table(table, known, sum(row["wall_s"] for row in rows), committed)
            _say(f"{table}: wrote {path}")
        else:
            _say(f"{table}: {len(ledger.rows)} of {len(cases_of(table))} rows; nothing is written")
        good = _tell(table, claims(table, rows)) and good
    return 0 if good else 1


def compare_slice(
    tables: Sequence[str], share: float, workers: int, *, compare: bool = True, committed: Path = COMMITTED
) -> int:
    """Play a share of each table again and compare it with what is committed."""
    lines, asked = [], {}
    for table in tables:
        content = read_table(table, committed)
        if content is None and compare:
            lines.append(f"{table}: {table_path(table, committed)} is not there; `make evidence` makes it")
        else:
            asked[table] = share_of(table, share), content
    # All tables in one go: a few runs of each alone would leave processes waiting at the end of each.
    played = list(_played("slice", [case for cases, _ in asked.values() for case in cases], workers))
    for table, (cases, content) in asked.items():
        mine = [(case, row) for case, row in played if case.table == table]
        if len(mine) != len(cases):
            lines.append(f"{table}: {len(mine)} of {len(cases)} runs came back")
        lines += [f"{table} {row['key']}: {row['reason']}" for _, row in mine if row["outcome"] == "error"]
        if compare and content is not None:
            lines += differences(mine, content)
            _say(f"{table}: {len(mine)} of {len(content['rows'])} runs played again")
    for line in lines:
        print(line)
    if lines:
        print(f"{len(lines)} differences.", file=sys.stderr)
    return 1 if lines else 0


def _played(title: str, cases: Sequence[Case], workers: int) -> Iterator[tuple[Case, Row]]:
    """Each case with its row as it comes in, with a bar of that title and the time left."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=False),
        TextColumn("{task.fields[last]}"),
    )
    answers = Crew(workers).play(cases)
    with Progress(*columns, console=CONSOLE, speed_estimate_period=600.0) as bar, closing(answers):
        task = bar.add_task(title, total=len(cases), last="")
        for case, row in answers:
            bar.update(task, advance=1, last=f"{case.key}: {row['outcome']}")
            yield case, row


def _tell(table: str, found: Sequence[Claim]) -> bool:
    for claim in found:
        _say(f"{table}: {'holds' if claim.holds else 'FAILS'}  {claim.text}")
        for line in claim.against:
            _say(f"    {line}")
    return all(claim.holds for claim in found)


def _say(line: str) -> None:
    CONSOLE.print(line, highlight=False, markup=False, soft_wrap=True)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell may have told background jobs to ignore Ctrl-C
        signal.signal(number, signal.default_int_handler)
    raise SystemExit(main())
