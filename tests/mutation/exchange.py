"""Puts a changed copy of a module in the place of the module, in a process that has imported all of it."""

from __future__ import annotations

import ast
import functools
import importlib.util
import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from mutants import Mutant

__all__ = ["exchange", "reached_by", "remember_bodies"]


def exchange(mutant: Mutant, place: Path, reached: set[str]) -> None:
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


def reached_by(target: str) -> set[str]:
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


def remember_bodies() -> None:
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
