"""`interlock --help` answers at once, because it loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"numpy", "scipy", "cvxpy", "pinocchio", "numba", "pybullet", "torch", "transformers"}

LOADED_AFTER = """
import sys
sys.argv = ["interlock", *sys.argv[1:]]
from interlock.__main__ import main
code = 0
try:
    code = main()
except SystemExit as done:
    code = done.code
print(*sorted(sys.modules), sep="\\n", file=sys.stderr)
raise SystemExit(code)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["policy", "--help"]], ids=" ".join)
def test_help_teaches_and_loads_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED_AFTER, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
    loaded = set(done.stderr.split())
    assert "interlock.cli" in loaded
    assert sorted(HEAVY & loaded) == []


def test_importing_the_package_and_its_rooms_loads_nothing_else() -> None:
    rooms = "guards hal orchestrator planners policy traces".split()
    code = f"import sys\nfor room in {rooms}: __import__('interlock.' + room)\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.startswith("interlock")}
    assert loaded == {"interlock", *(f"interlock.{room}" for room in rooms)}
