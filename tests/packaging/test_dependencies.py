"""What the package imports is what it declares, and what it declares is pinned."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# Packages whose wheels do not say which modules they hold, those that `make` does not install, and pydantic,
# which pins its core exactly.
DISTRIBUTION = {
    "coal": "coal",
    "libusb_package": "libusb-package",
    "pinocchio": "pin",
    "pybullet": "pybullet",
    "pybullet_data": "pybullet",
    "pydantic_core": "pydantic",
    "pyrealsense2": "pyrealsense2",
    "torch": "torch",
    "transformers": "transformers",
}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[^\w.-]", requirement, maxsplit=1)[0]) for requirement in requirements}


def imported_modules(folder: str) -> dict[str, str]:
    """Top-level modules beyond the standard library that a folder imports, each with one file that does."""
    found: dict[str, str] = {}
    for file in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            whole = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                whole = [node.module or ""]
            found |= {name.partition(".")[0]: str(file.relative_to(ROOT)) for name in whole}
    return {name: file for name, file in found.items() if name not in {*sys.stdlib_module_names, "interlock"}}


def undeclared(folder: str, extras: set[str]) -> dict[str, str]:
    """Imports of a folder's files that neither the dependencies nor these extras bring."""
    wanted = [needs for extra, needs in PROJECT["optional-dependencies"].items() if extra in extras]
    declared = names(PROJECT["dependencies"]).union(*map(names, wanted))
    holders = packages_distributions()
    found = {}
    for module, file in imported_modules(folder).items():
        candidates = [DISTRIBUTION.get(module, module), *holders.get(module, [])]
        if declared.isdisjoint(map(normal, candidates)):
            found[module] = file
    return found


def test_every_import_of_the_package_is_declared() -> None:
    assert undeclared("src/interlock", {"sim", "vla", "realsense", "remote"}) == {}


def test_every_required_package_is_used() -> None:
    holders = packages_distributions()
    modules = imported_modules("src/interlock")
    used = {normal(name) for m in modules for name in (DISTRIBUTION.get(m, m), *holders.get(m, []))}
    # numba is imported by name, because the gate does without it; of plotly the report takes only its script.
    assert sorted(names(PROJECT["dependencies"]) - used - {"numba", "plotly"}) == []


@pytest.mark.parametrize("folder", ["tests", "examples", "benchmarks"])
def test_every_import_around_the_package_is_declared(folder: str) -> None:
    # a test installs openpi's client in an environment of its own
    beside = {"openpi_client", folder, *(file.stem for file in (ROOT / folder).rglob("*.py"))}
    found = undeclared(folder, set(PROJECT["optional-dependencies"]))
    assert {module: file for module, file in found.items() if module not in beside} == {}


def test_every_declared_package_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []
    wanted = names(PROJECT["dependencies"]).union(*map(names, PROJECT["optional-dependencies"].values()))
    assert sorted(wanted - names(pins)) == []
