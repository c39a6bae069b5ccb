"""Fates on disk: those of a run under way, line by line, and the committed list, which may only shrink."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mutants import Mutant
from nursery import ROOT, TESTS, Fate, files_for

__all__ = ["COMMITTED", "RUNS", "Ledger", "entry", "read_table", "sources", "write_table"]

COMMITTED = ROOT / "evidence/mutants.json"
RUNS = ROOT / "runs/mutation"
_PACKAGES = ("numpy", "numba", "scipy", "cvxpy", "daqp", "pin", "coal", "pytest", "hypothesis")
_ROOMS = ("src/interlock/guards", "src/interlock/hal")
_OWN = ("exchange", "mutants", "nursery", "operators")
_HELPERS = ("tests/conftest.py", "tests/guards", "tests/properties", "tests/contracts")


class Ledger:
    """The fate of each mutant: `runs/mutation/fates.jsonl`, one line each, flushed at once.

    A fate counts only for the sources and tests it was found with. The name of the test that killed a mutant
    is kept beyond that: it is asked first the next time.
    """

    def __init__(self, folder: Path = RUNS) -> None:
        self.path = folder / "fates.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        self._fates: dict[str, tuple[str, Fate]] = {}
        if self.path.exists():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                try:
                    key, digest, fate = json.loads(line)
                except ValueError:
                    continue  # cut off
                self._fates[key] = (digest, Fate(**fate))
        self.path.write_text("".join(map(self._line, self._fates)), encoding="utf-8")

    def known(self, mutant: Mutant, digest: str) -> Fate | None:
        """Its fate, if it was found with these sources."""
        had, fate = self._fates.get(mutant.key, ("", None))
        return fate if had == digest and fate is not None and fate.status != "error" else None

    def likely(self, mutant: Mutant) -> str:
        """The test that killed it once, "" if none did."""
        _, fate = self._fates.get(mutant.key, ("", None))
        return fate.by if fate is not None else ""

    def add(self, mutant: Mutant, digest: str, fate: Fate) -> None:
        """Keep a fate."""
        self._fates[mutant.key] = (digest, fate)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(self._line(mutant.key))

    def _line(self, key: str) -> str:
        digest, fate = self._fates[key]
        return json.dumps([key, digest, asdict(fate)]) + "\n"


def sources(module: str) -> str:
    """SHA-256 over what the fates of a module's mutants depend on: guards, drivers, tests, packages."""
    versions = {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}
    files = {path for room in _ROOMS for path in (ROOT / room).rglob("*.py")}
    files |= {path for place in _HELPERS for path in _python(ROOT / place) if path.name[:5] != "test_"}
    files |= {ROOT / f"tests/mutation/{name}.py" for name in _OWN}
    files |= set(files_for(module)) | set((ROOT / "cells").glob("*.yaml"))
    digest = hashlib.sha256(json.dumps([versions, TESTS[module]]).encode())
    for path in sorted(files):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _python(place: Path) -> list[Path]:
    return sorted(place.rglob("*.py")) if place.is_dir() else [place]


def entry(mutant: Mutant, why: str) -> dict[str, Any]:
    """A survivor as it stands in the list."""
    told = {
        "key": mutant.key,
        "function": mutant.function,
        "operator": mutant.operator,
        "before": mutant.before,
        "after": mutant.after,
    }
    if mutant.occurrence:
        told["occurrence"] = mutant.occurrence
    return told | {"why": why}


def read_table(path: Path = COMMITTED) -> dict[str, Any]:
    """The committed list; one without modules if there is none."""
    if not path.exists():
        return {"modules": {}}
    table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return table


def write_table(
    modules: Mapping[str, Mapping[str, Any]], head: Mapping[str, Any], path: Path = COMMITTED
) -> None:
    """Write the list, modules in the order of `TESTS`, survivors in that of the source."""
    ordered = {name: modules[name] for name in _in_order(modules)}
    text = json.dumps({**head, "modules": ordered}, indent=1, ensure_ascii=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def _in_order(modules: Iterable[str]) -> Sequence[str]:
    return sorted(modules, key=list(TESTS).index)
