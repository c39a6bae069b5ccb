"""Plays mutants: a warm process that has imported everything forks one child for each.

The parent runs the tests once without a mutant; that loads the compiled kernels and the robots' models, and
says what each test costs. A child forgets the module in question and all that imports it, imports the changed
copy instead, and runs the tests, cheapest first, up to the first that fails. In a child every kernel of the
changed module, and of what is imported anew, is left as Python; kernels that the change does not reach stay
as the parent has loaded them, for a decision would take half a minute without.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import json
import os
import pickle
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import pytest
from mutants import Mutant

__all__ = ["ROOT", "TESTS", "Fate", "Nursery", "files_for"]

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src/interlock"
TESTS: dict[str, tuple[str, ...]] = {
    "guards.gate": ("guards/test_gate.py", "guards/test_gate_ladder.py", "contracts/test_families.py"),
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
        RuntimeError: if a test fails without any mutant, or another copy of the package is imported.
    """

    def __init__(self, modules: Sequence[str], workers: int) -> None:
        self._workers = max(1, workers)
        self._reached: dict[str, set[str]] = {}
        for module in modules:
            spec = importlib.util.find_spec(f"interlock.{module}")
            wanted = PACKAGE / (module.replace(".", "/") + ".py")
            if spec is None or spec.origin is None or Path(spec.origin).resolve() != wanted.resolve():
                raise RuntimeError(f"interlock.{module} comes from {spec and spec.origin}, not from {wanted}")
        _remember_bodies()
        files = list(dict.fromkeys(path for module in modules for path in files_for(module)))
        watch = _Watch()
        began = time.process_time()
        if _pytest(files, watch) != 0:
            raise RuntimeError(f"a test fails without any mutant: {watch.failed or 'none was collected'}")
        self.costs = watch.costs
        self.warm_cpu_s = time.process_time() - began
        for module in modules:
            self._reached[module] = _reached(f"interlock.{module}")

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
            _exchange(mutant, place, self._reached[mutant.module])
        except Exception as error:
            fate = Fate(status="killed", by=f"import: {type(error).__name__}", cpu_s=time.process_time())
        else:
            code = _pytest(files, watch)
            status = {0: "survived", 1: "killed", 2: "killed"}.get(code, "error")
            fate = Fate(status=status, by=watch.failed, cpu_s=time.process_time())
        (place / "fate").write_text(json.dumps([fate.status, fate.by, fate.cpu_s]), encoding="utf-8")


def _pytest(files: Sequence[Path], watch: _Watch) -> int:
    marks = "not slow and not network and not gpu and not hardware"
    quiet = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header", "--tb=line", "-m", marks]
    here = os.getcwd()
    os.chdir(ROOT)
    try:
        return int(pytest.main([*quiet, *(str(path) for path in files)], plugins=[watch]))
    finally:
        os.chdir(here)


def _exchange(mutant: Mutant, place: Path, reached: set[str]) -> None:
    """Forget the module, all that imports it and all tests, and import the changed copy."""
    for name in list(sys.modules):
        if name in reached or name.split(".")[0] in ("tests", "conftest"):
            del sys.modules[name]
    from interlock.guards import compile as compiling
    from interlock.hal import command

    compiling.kernel = lambda function: function
    if "interlock.guards.gate" in reached:
        command._claimed = False  # the gate of the parent is gone; that of the child takes its place
    copy = place / f"{mutant.module.rsplit('.', 1)[-1]}.py"
    copy.write_text(mutant.source, encoding="utf-8")
    name = f"interlock.{mutant.module}"
    spec = importlib.util.spec_from_file_location(name, copy)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"cannot load {copy}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    room, _, last = name.rpartition(".")
    setattr(sys.modules[room], last, module)


def _reached(target: str) -> set[str]:
    """The target and every loaded module of the package that imports it, directly or through others."""
    uses = {
        name: _imports(module)
        for name, module in list(sys.modules.items())
        if name.startswith("interlock.") and getattr(module, "__file__", None)
    }
    found, waiting = {target}, [target]
    while waiting:
        wanted = waiting.pop()
        new = {name for name, used in uses.items() if wanted in used} - found
        found |= new
        waiting += new
    return found


def _imports(module: ModuleType) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def _remember_bodies() -> None:
    """A robot's model takes a second to build and no mutant changes it: children find it ready."""
    from interlock.guards.body import BodyModel

    build, built = BodyModel.build, {}

    @functools.wraps(build)
    def remembered(robot: Any) -> BodyModel:
        key = pickle.dumps(robot)
        if key not in built:
            built[key] = build(robot)
        return built[key]

    BodyModel.build = staticmethod(remembered)  # type: ignore[method-assign,assignment]


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
