"""The six rooms stand at the front door, and only there: nobody imports them without `interlock.` before."""

from __future__ import annotations

import ast
import importlib.machinery
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("guards", "hal", "orchestrator", "planners", "policy", "traces")

# Every module of the package, one after the other, with the root on the path as `python -m pytest` puts it.
IMPORT_EVERYTHING = """
import importlib, pkgutil, sys
import interlock
optional = {"pybullet", "pybullet_data", "pyrealsense2", "libusb_package", "torch", "transformers"}
for module in pkgutil.walk_packages(interlock.__path__, "interlock."):
    if module.name.endswith("__main__"):
        continue
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in optional:
            raise
print(*sorted(sys.modules), sep="\\n")
"""


def bare_imports(tree: ast.AST) -> Iterator[str]:
    """Each room that a module imports without `interlock.` before it."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        yield from (name for name in names if name.partition(".")[0] in ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_room_link_is_relative_and_leads_into_the_package(room: str) -> None:
    link = ROOT / room
    assert link.is_symlink()
    assert os.readlink(link) == f"src/interlock/{room}"
    assert (link / "__init__.py").is_file()


@pytest.mark.parametrize("room", ROOMS)
def test_room_says_its_purpose_and_what_it_may_import_and_imports_nothing(room: str) -> None:
    tree = ast.parse((ROOT / "src/interlock" / room / "__init__.py").read_text())
    assert "May import:" in (ast.get_docstring(tree) or "")
    imports = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [line for line in imports if not line.startswith("from __future__")] == []


def test_no_test_has_imported_a_bare_room() -> None:
    assert sorted(set(ROOMS) & {name.partition(".")[0] for name in sys.modules}) == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_place_on_the_path_but_the_root_offers_a_bare_room(room: str) -> None:
    elsewhere = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]
    assert importlib.machinery.PathFinder.find_spec(room, elsewhere) is None


def test_pytest_puts_nothing_on_the_path(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.getini("pythonpath") == []
    assert pytestconfig.getoption("importmode") == "importlib"


def test_no_file_imports_a_bare_room() -> None:
    found = {
        str(file.relative_to(ROOT)): names
        for folder in ("src", "tests", "examples", "benchmarks")
        for file in sorted((ROOT / folder).rglob("*.py"))
        if (names := list(bare_imports(ast.parse(file.read_text(encoding="utf-8")))))
    }
    assert found == {}


def test_importing_every_module_beside_the_links_loads_no_bare_room() -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EVERYTHING], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert {f"interlock.{room}" for room in ROOMS} <= loaded
    assert sorted(loaded & set(ROOMS)) == []
