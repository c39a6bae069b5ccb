"""Projector and verifier share the model and the world; distances, limits and stops are separate code.

What is imported shows that. The walk over imports ends at `SHARED`.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from interlock import guards

ROOM = Path(guards.__file__).parent
PROJECTOR = ("projector", "rows", "nearest_part", "chunk_rows", "chunk_curve", "velocity_box", "program")
VERIFIER = ("verifier", "sweep", "broken", "recede", "retreat", "part_distance", "curve", "tool_speed")
STOPS = ("stop", "gate", "preview")  # these make the stop

MODEL = {"body", "kinematics", "reach", "robot_model"}
WORLD = {"obstacles", "part_kind", "solid"}
WORDS = {"certificate", "compile", "config", "constraint", "verdict"}
SHARED = MODEL | WORLD | WORDS
DATA = {("verifier", "Surroundings")}  # the snapshot of the world
LAW = {("curve", "next_node")}  # how a command becomes motion: who makes one uses it, the verifier does not

DISTANCES = {
    "projector": {"segment_nearest", "box_nearest", "hull_nearest", "nearest_part"},
    "verifier": {"distance", "box_distance", "hull_distance", "part_distance"},
}


def _imports(module: str) -> set[tuple[str, str]]:
    """Pairs of module and name that a module of the room takes from the room, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse((ROOM / f"{module}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not any(alias.name.startswith("interlock.guards") for alias in node.names), module
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            assert node.module != "interlock.guards"
            if (node.module or "").startswith("interlock.guards."):
                found |= {(str(node.module).removeprefix("interlock.guards."), a.name) for a in node.names}
    return found


def _reached(roots: tuple[str, ...]) -> set[str]:
    reached: set[str] = set()
    left = list(roots)
    while left:
        module = left.pop()
        if module not in reached:
            reached.add(module)
            left += [to for to, name in _imports(module) - DATA - LAW if to not in SHARED]
    return reached


def test_nothing_is_reached_from_both_sides():
    ours, theirs = _reached(PROJECTOR), _reached(VERIFIER)
    assert ours & theirs == set()
    assert ours >= DISTANCES["projector"]
    assert theirs >= DISTANCES["verifier"]


@pytest.mark.parametrize("module", sorted(SHARED - MODEL - {"compile"}))
def test_what_is_shared_holds_no_kernel(module):
    source = ast.parse((ROOM / f"{module}.py").read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(source) if isinstance(node, ast.FunctionDef)]
    assert not any(ast.unparse(d) == "kernel" for node in functions for d in node.decorator_list)


def test_the_verifier_does_not_reach_what_makes_stops():
    assert _reached(VERIFIER) & {*STOPS, "velocity_box", "projector", "preview"} == set()


def test_the_verifier_does_not_take_a_node_from_what_makes_nodes():
    assert not any(LAW & _imports(module) for module in _reached(VERIFIER))
    curve = ast.parse((ROOM / "curve.py").read_text(encoding="utf-8"))
    assert not [n for n in ast.walk(curve) if isinstance(n, ast.Name) and n.id == "next_node"]


def test_kernels_take_constants_only_from_files_that_their_cache_knows():
    """Machine code holds a constant's value: a change of it must lead to another cache."""
    sources = {path.stem: path.read_bytes() for path in ROOM.glob("*.py")}
    for module in (name for name, source in sources.items() if b"@kernel" in source):
        for to, name in _imports(module):
            if name.isupper():
                assert b"@kernel" in sources[to], f"{module} takes {name} from {to}"
