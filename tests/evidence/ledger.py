"""Rows on disk: those of a run under way, kept line by line, and the committed tables."""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import subprocess
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cases import PLAYED, Case, cases_of
from family_off import TRIALS
from row import EXTRA, FIGURES, Row

__all__ = [
    "COMMITTED",
    "FAILED",
    "RUNS",
    "Ledger",
    "columns_of",
    "fingerprint",
    "is_failed",
    "read_table",
    "source_digest",
    "table_path",
    "wilson",
    "write_table",
]

ROOT = Path(__file__).resolve().parents[2]
RUNS = ROOT / "runs/evidence"
FAILED = RUNS / "failed"
COMMITTED = ROOT / "evidence"
_IDENTITY = ("kind", "cell", "seed", "outcome")
_COLUMNS = (
    *_IDENTITY,
    "ticks",
    "released",
    "path_rad",
    "contacts",
    "standing",
    "violations",
    "margin_m",
    "refused",
    "counters",
    "reason",
)
_PACKAGES = ("numpy", "numba", "scipy", "cvxpy", "daqp", "pin", "coal", "pybullet")
_SEEDS_OF_CLOSURE = ("orchestrator/session.py", "orchestrator/cell.py")
_WHOLE_ROOMS = ("policy", "guards", "hal")
_OWN = (
    "case.py",
    "cases.py",
    "composed.py",
    "family_off.py",
    "million.py",
    "play.py",
    "root.py",
    "row.py",
    "stopping.py",
    "tailored.py",
    "ungated.py",
)
_ROBOTS = "guards/robots.py"
_SEARCH = ("closed_loop.py", "robots.py", "lies.py", "meshes.py", "oracle.py", "released.py", "retreats.py")
_SHARDS = ("search.py", "retreating.py", "asking_again.py")


class Ledger:
    """The rows of one table as they come in: `runs/evidence/<table>.jsonl`, one line a row, flushed at once.

    A row counts only for the sources it was made with; others are dropped when the ledger is opened.
    """

    def __init__(self, table: str, digest: str, folder: Path = RUNS) -> None:
        self.path = folder / f"{table}.jsonl"
        self._digest = digest
        self.rows: dict[str, Row] = {}
        if self.path.exists():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                entry = _whole(line)
                if entry is not None and entry["digest"] == digest and entry["row"]["outcome"] != "error":
                    self.rows[entry["row"]["key"]] = entry["row"]
        folder.mkdir(parents=True, exist_ok=True)
        kept = "".join(self._line(row) for row in self.rows.values())
        self.path.write_text(kept, encoding="utf-8")

    def add(self, row: Row) -> None:
        """Keep a row; one that tells of an error is played again next time."""
        self.rows[row["key"]] = row
        with self.path.open("a", encoding="utf-8") as file:
            file.write(self._line(row))

    def _line(self, row: Row) -> str:
        return json.dumps({"digest": self._digest, "row": row}) + "\n"


def _whole(line: str) -> dict[str, Any] | None:
    """The entry, or None if the line was cut off."""
    try:
        entry: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return entry


def is_failed(case: Case, row: Row) -> bool:
    """Whether a row says that something is wrong with Interlock; then its trace is kept."""
    if row["outcome"] == "error":
        return True
    if case.table == "families":
        tripped = bool(row["counters"].get(TRIALS[case.kind].counter))
        return case.gate == "on" and tripped
    if case.gate == "off":
        return False
    harm = row["contacts"] or row["violations"] or row["refused"] != row["refused_in_trace"]
    return bool(harm) or (case.table == "expert" and row["outcome"] != "achieved")


def columns_of(table: str) -> list[str]:
    """Columns of a committed table."""
    if table in PLAYED:
        return [*_COLUMNS, *EXTRA.get(table, {})]
    return [*_IDENTITY, *FIGURES[table], "reason"]


def source_digest(table: str) -> str:
    """SHA-256 over all a row depends on: what a session imports, the cells, the tests' part, the packages."""
    package = ROOT / "src/interlock"
    files = {path for room in _WHOLE_ROOMS for path in (package / room).rglob("*.py")}
    files |= _closure([package / name for name in _SEEDS_OF_CLOSURE], package)
    files |= {Path(__file__).with_name(name) for name in _OWN} | set((ROOT / "cells").glob("*.yaml"))
    files.add(ROOT / "tests" / _ROBOTS)
    if table not in PLAYED:
        files |= {Path(__file__).with_name(name) for name in _SHARDS}
        files |= {path for name in _SEARCH for path in (ROOT / "tests").glob(f"*/{name}")}
    digest = hashlib.sha256(json.dumps(_versions(), sort_keys=True).encode())
    for path in sorted(files):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _closure(seeds: Sequence[Path], package: Path) -> set[Path]:
    """The seeds and every module of the package that they import when they are imported, and so on."""
    found: set[Path] = set()
    waiting = list(seeds)
    while waiting:
        path = waiting.pop()
        if path in found or not path.exists():
            continue
        found.add(path)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names: list[str] = []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            for name in names:
                head, *rest = name.split(".")
                if head == "interlock":
                    base = package.joinpath(*rest)
                    waiting += [base.with_suffix(".py"), base / "__init__.py"]
    return found


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}


def fingerprint() -> dict[str, str]:
    """What the last bits of a run depend on beside the sources: the processor and the numeric packages."""
    facts: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        facts.setdefault(name.strip(), value.strip())
    flags = hashlib.sha256(" ".join(sorted(facts.get("flags", "").split())).encode()).hexdigest()[:12]
    cpu = facts.get("model name", platform.machine())
    return {"cpu": cpu, "flags": flags, **_versions()}


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def table_path(table: str, folder: Path = COMMITTED) -> Path:
    """The committed file of a table."""
    return folder / f"{table}.json"


def read_table(table: str, folder: Path = COMMITTED) -> dict[str, Any] | None:
    """A committed table, its rows as mappings again; None if it is not there."""
    path = table_path(table, folder)
    if not path.exists():
        return None
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    content["rows"] = [dict(zip(content["columns"], values, strict=True)) for values in content["rows"]]
    return content


def write_table(table: str, rows: Iterable[Row], wall_s: float, folder: Path = COMMITTED) -> Path:
    """Write a whole table: where it comes from, totals, and a line a run."""
    by_key = {row["key"]: row for row in rows}
    ordered = [by_key[case.key] for case in cases_of(table)]
    columns = columns_of(table)
    head = {
        "table": table,
        "command": f".venv/bin/python tests/evidence/run.py --all --table {table}",
        "seeds": sorted({row["seed"] for row in ordered}),
        "goals": sorted({case.goal for case in cases_of(table)} - {""}),
        "commit": _git("rev-parse", "HEAD") or None,
        "changed_since_commit": bool(_git("status", "--porcelain", "--", "src", "cells", "tests")),
        "sources": source_digest(table),
        "fingerprint": fingerprint(),
        "cpu_s": round(wall_s),
        "totals": _totals(ordered) if table in PLAYED else _sums(table, ordered),
        "columns": columns,
    }
    text = json.dumps(head, indent=1, ensure_ascii=False)[:-2]  # without the closing line
    values = ([row[name] for name in columns] for row in ordered)
    lines = ",\n".join("  " + json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in values)
    path = table_path(table, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{text},\n "rows": [\n{lines}\n ]\n}}\n', encoding="utf-8")
    return path


def _totals(rows: Sequence[Row]) -> dict[str, Any]:
    totals = {}
    for cell in sorted({row["cell"] for row in rows}):
        mine = [row for row in rows if row["cell"] == cell]
        achieved = sum(row["outcome"] == "achieved" for row in mine)
        totals[cell] = {
            "runs": len(mine),
            "ticks": sum(row["ticks"] for row in mine),
            "achieved": achieved,
            "achieved_wilson_95": [round(bound, 4) for bound in wilson(achieved, len(mine))],
            "contacts": sum(row["contacts"] for row in mine),
            "contacts_into_standing_arm": sum(row["standing"] for row in mine),
            "limit_violations": sum(row["violations"] for row in mine),
            "refused_ticks": sum(row["refused"] for row in mine),
            "refused_ticks_in_traces": sum(row["refused_in_trace"] for row in mine),
            "errors": sum(row["outcome"] == "error" for row in mine),
        }
    return totals


def _sums(table: str, rows: Sequence[Row]) -> dict[str, Any]:
    """By robot, what its rows count together, and the least of their least distances."""
    totals = {}
    for cell in sorted({row["cell"] for row in rows}):
        mine = [row for row in rows if row["cell"] == cell]
        totals[cell] = {
            "rows": len(mine),
            **{
                name: min((row[name] for row in mine if row[name] is not None), default=None)
                if name == "least_mm"
                else sum(row[name] for row in mine)
                for name in FIGURES[table]
            },
            "errors": sum(row["outcome"] == "error" for row in mine),
        }
    return totals


def wilson(successes: int, runs: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's score interval for a share (Wilson 1927), at 95 % unless `z` says otherwise."""
    if runs == 0:
        return 0.0, 1.0
    share, square = successes / runs, z * z
    middle = share + square / (2 * runs)
    reach = z * (share * (1 - share) / runs + square / (4 * runs * runs)) ** 0.5
    scale = 1 + square / runs
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)
