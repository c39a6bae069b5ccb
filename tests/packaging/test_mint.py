"""Commands are minted in one place: `interlock/guards/gate.py`."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from interlock.hal.command import GuardedCommand

PACKAGE = Path(__file__).resolve().parents[2] / "src/interlock"
GATE = PACKAGE / "guards/gate.py"
DEFINITION = PACKAGE / "hal/command.py"

WHOLE = {
    "seq": 0,
    "epoch": 1,
    "stamp_ns": 0,
    "period_s": 0.01,
    "start": np.zeros((3, 7)),
    "end": np.zeros((3, 7)),
    "tail": np.zeros((0, 3, 7)),
    "gripper": None,
    "certificate": "0" * 64,
}


def minting(tree: ast.AST) -> list[str]:
    """Whatever in a module could make a command: a call of the class, or the right to call it."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "GuardedCommand":
            found.append("GuardedCommand(")
        elif isinstance(node, ast.Name | ast.Attribute | ast.alias):
            name = {ast.Name: "id", ast.Attribute: "attr", ast.alias: "name"}[type(node)]
            if getattr(node, name) in {"claim_mint", "_MINT", "mint"}:
                found.append(getattr(node, name))
    return found


def test_gate_alone_constructs_commands() -> None:
    minters = {
        str(file.relative_to(PACKAGE))
        for file in PACKAGE.rglob("*.py")
        if file != DEFINITION and minting(ast.parse(file.read_text(encoding="utf-8")))
    }
    assert minters == {str(GATE.relative_to(PACKAGE))}


@pytest.mark.parametrize(
    "source",
    [
        "GuardedCommand(seq=1)",
        "command.GuardedCommand()",
        "from x import claim_mint",
        "command._MINT",
        "old.mint",
    ],
)
def test_scan_sees_each_way_to_mint(source: str) -> None:
    assert minting(ast.parse(source))


@pytest.mark.parametrize("mint", [None, object(), True, "_MINT"])
def test_constructing_a_command_elsewhere_raises(mint: object) -> None:
    with pytest.raises(PermissionError, match="by nothing else"):
        GuardedCommand(**WHOLE, mint=mint)


def test_gate_has_taken_the_only_right_to_mint() -> None:
    code = (
        "import interlock.guards.gate\n"
        "from interlock.hal.command import claim_mint\n"
        "try:\n    claim_mint()\nexcept PermissionError:\n    print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "refused"
