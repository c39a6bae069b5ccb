"""Plays mutants: a warm process that has imported everything forks one child for each.

The parent runs the tests once without a mutant; that loads the compiled kernels and the robots' models, and
says what each test costs. A child forgets the module in question and all that imports it, imports the changed
copy instead, and runs the tests, cheapest first, up to the first that fails. In a child every kernel of the
changed module, and of what is imported anew, is left as Python; kernels that the change does not reach stay
as the parent has loaded them, for a decision would take half a minute without.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from exchange import exchange, reached_by, remember_bodies
from mutants import Mutant

__all__ = ["ROOT", "TESTS", "Fate", "Nursery", "files_for"]

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src/interlock"
TESTS: dict[str, tuple[str, ...]] = {
    "guards.gate": (
        "guards/test_gate.py",
        "guards/test_gate_ladder.py",
        "guards/test_preview.py",
        "guards/test_tool_space.py",
        "contracts/test_families.py",
    ),
    "guards.verifier": ("guards/test_verifier.py", "guards/test_gate.py", "contracts/test_families.py"),
    "guards.stop": ("guards/test_stop.py", "guards/test_gate.py"),
    "guards.sweep": ("guards/test_sweep.py", "guards/test_verifier.py"),
    "guards.curve": ("guards/test_curve.py", "guards/test_stop.py", "guards/test_verifier.py"),
    "guards.tool_speed": ("guards/test_sweep.py", "guards/test_verifier.py"),
}
"""The tests that are run for each module; the first file is the one that mirrors it."""

# Starts a process of its own, which would not have the change: it would fail for every one, and tell nothing.
_ELSEWHERE = ("test_another_process_gives_the_same_bits",)
_PATIENCE = 10.0  # times what the tests take without a mutant, in processor time
_LEAST_S = 20.0
_WALL_S = 900.0


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What became of a mutant: "killed", "timeout", "survived" or "error"; the test that did it; its cost."""

    status: str
    by: str
    cpu_s: float


def files_for(module: str) -> list[Path]:
    """The test files for a module."""
    return [ROOT / "tests" / name for name in TESTS[module]]


class _Watch:
    """A pytest plugin: leaves out what cannot tell, runs the likeliest and cheapest first, notes failures."""

    def __init__(self, costs: dict[str, float] | None = None, likely: str = "") -> None:
        self.costs: dict[str, float] = {}
        self.failed = ""
        self._known = costs
        self._likely = likely

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = [item for item in items if item.name.split("[")[0] not in _ELSEWHERE]
        if self._known is not None:
            known = self._known
            items.sort(key=lambda item: (item.nodeid != self._likely, known.get(item.nodeid, 0.0)))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
        began = time.process_time()
        result = yield
        self.costs[item.nodeid] = time.process_time() - began
        return result

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed and not self.failed:
            self.failed = f"collecting {report.nodeid}"


class Nursery:
    """Warms up for some modules, then plays mutants of them.

    Args:
        modules: names as in `TESTS`.
        workers: how many children at a time.

    Raises:
        RuntimeError: if a test fails without any mutant, in the parent or in a child, or if another copy of
            the package is imported.
    """

    def __init__(self, modules: Sequence[str], workers: int) -> None:
        self._workers = max(1, workers)
        self._reached: dict[str, set[str]] = {}
        for module in modules:
            spec = importlib.util.find_spec(f"interlock.{module}")
            wanted = PACKAGE / (module.replace(".", "/") + ".py")
            if spec is None or spec.origin is None or Path(spec.origin).resolve() != wanted.resolve():
                raise RuntimeError(f"interlock.{module} comes from {spec and spec.origin}, not from {wanted}")
        remember_bodies()
        files = list(dict.fromkeys(path for module in modules for path in files_for(module)))
        watch = _Watch()
        began = time.process_time()
        code = _pytest(files, watch)
        if code == pytest.ExitCode.INTERRUPTED and not watch.failed:
            raise KeyboardInterrupt
        if code != 0:
            raise RuntimeError(f"a test fails without any mutant: {watch.failed or 'none was collected'}")
        self.costs = watch.costs
        self.warm_cpu_s = time.process_time() - began
        for module in modules:
            self._reached[module] = reached_by(f"interlock.{module}")
        self._check(modules)

    def _check(self, modules: Sequence[str]) -> None:
        """A change of nothing has to survive: or else whatever kills it would kill every mutant."""
        for mutant, fate in self.play([_unchanged(module) for module in modules]):
            if fate.status != "survived":
                raise RuntimeError(f"{mutant.module} is {fate.status} without any change: {fate.by}")

    def play(
        self, mutants: Sequence[Mutant], likely: Callable[[Mutant], str] = lambda _: ""
    ) -> Iterator[tuple[Mutant, Fate]]:
        """Each mutant with its fate, as they come in; `likely` names the test to ask first."""
        waiting = list(reversed(mutants))
        running: dict[int, tuple[Mutant, Path, float]] = {}
        with TemporaryDirectory(prefix="interlock-mutants-") as folder:
            try:
                while waiting or running:
                    while waiting and len(running) < self._workers:
                        mutant = waiting.pop()
                        place = Path(folder) / mutant.key
                        running[self._fork(mutant, place, likely(mutant))] = (mutant, place, time.monotonic())
                    for pid in list(running):
                        mutant, place, began = running[pid]
                        fate = _fate(pid, place, time.monotonic() - began > _WALL_S)
                        if fate is not None:
                            del running[pid]
                            yield mutant, fate
                    time.sleep(0.02)
            finally:
                for pid in running:
                    _end(pid)
                    os.waitpid(pid, 0)

    def _fork(self, mutant: Mutant, place: Path, likely: str) -> int:
        place.mkdir()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                os.setsid()
                self._live(mutant, place, likely)
                code = 0
            finally:
                os._exit(code)
        return pid

    def _live(self, mutant: Mutant, place: Path, likely: str) -> None:
        """The whole life of a child."""
        said = os.open(place / "said", os.O_WRONLY | os.O_CREAT)
        os.dup2(said, 1)
        os.dup2(said, 2)
        files = files_for(mutant.module)
        names = tuple(str(path.relative_to(ROOT)) for path in files)
        cost = sum(c for node, c in self.costs.items() if node.startswith(names))
        limit = int(_LEAST_S + _PATIENCE * cost)
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        watch = _Watch(self.costs, likely)
        try:
            exchange(mutant, place, self._reached[mutant.module])
        except Exception as error:
            fate = Fate(status="killed", by=f"import: {type(error).__name__}", cpu_s=time.process_time())
        else:
            code = _pytest(files, watch)
            status = {0: "survived", 1: "killed", 2: "killed"}.get(code, "error")
            fate = Fate(status=status, by=watch.failed, cpu_s=time.process_time())
        (place / "fate").write_text(json.dumps([fate.status, fate.by, fate.cpu_s]), encoding="utf-8")


def _unchanged(module: str) -> Mutant:
    source = (PACKAGE / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
    return Mutant(
        module=module, function="", operator="none", before="", after="", occurrence=0, source=source
    )


def _pytest(files: Sequence[Path], watch: _Watch) -> int:
    marks = "not slow and not network and not gpu and not hardware"
    quiet = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header", "--tb=line", "-m", marks]
    here = os.getcwd()
    os.chdir(ROOT)
    try:
        return int(pytest.main([*quiet, *(str(path) for path in files)], plugins=[watch]))
    finally:
        os.chdir(here)


def _fate(pid: int, place: Path, late: bool) -> Fate | None:
    """What became of a child, or None while it runs."""
    done, status, usage = os.wait4(pid, os.WNOHANG)
    if not done:
        if late:
            _end(pid)
        return None
    cpu_s = usage.ru_utime + usage.ru_stime
    if os.WIFSIGNALED(status):
        timeout = os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL)
        number = signal.Signals(os.WTERMSIG(status)).name
        return Fate(status="timeout" if timeout else "killed", by=number, cpu_s=cpu_s)
    if os.WEXITSTATUS(status) == 0:
        found, by, _ = json.loads((place / "fate").read_text(encoding="utf-8"))
        if found != "error":
            return Fate(status=found, by=by, cpu_s=cpu_s)
    said = (place / "said").read_text(encoding="utf-8", errors="replace").splitlines()[-3:]
    return Fate(status="error", by=" / ".join(said), cpu_s=cpu_s)


def _end(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
