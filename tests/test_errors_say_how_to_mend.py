"""What a user meets says how to mend it: read from the code, so that no path has to be walked for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock import errors, policy

ROOM = Path(policy.__file__).parent
FOR_PROGRAMMERS = frozenset({"ShapeError"})
"""An array of the wrong shape is a mistake in a program: there is nothing for a user to mend."""

FOR_USERS = frozenset(errors.__all__) - FOR_PROGRAMMERS - {"ExitCode"}


def without_mend(code: str) -> list[int]:
    """Lines in which an error is made without a mend, or an empty one is told.

    Made, not only raised: some are kept and raised later. To raise again what was caught makes none. What a
    helper passes on as `mend=mend` is held against the helper's callers.
    """
    tree = ast.parse(code)
    functions = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)]
    told = {each.name: [arg.arg for arg in each.args.args if arg.arg != "self"] for each in functions}
    helpers = {name: names.index("mend") for name, names in told.items() if "mend" in names}
    return sorted(each.lineno for each in _calls(tree) if _says_nothing(each, helpers))


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (each for each in ast.walk(tree) if isinstance(each, ast.Call))


def _says_nothing(call: ast.Call, helpers: dict[str, int]) -> bool:
    name = ast.unparse(call.func).rpartition(".")[2]
    told = [each.value for each in call.keywords if each.arg == "mend"]
    told += call.args[helpers[name] : helpers[name] + 1] if name in helpers else []
    if name in FOR_USERS and not told:
        return True
    return any(isinstance(each, ast.Constant) and not each.value for each in told)


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ('raise CheckpointError("is no JSON", field="config")', [1]),
        ('raise errors.GoalError("unknown name")', [1]),
        ('later = RemotePolicyError("is not connected")', [1]),
        ('raise StorageError("is full", mend="")', [1]),
        ('def _bad(what, mend):\n    return GoalError(what, mend=mend)\nraise _bad("is empty", "")', [3]),
        ('class A:\n    def _bad(self, what, mend): ...\nraise self._bad("is empty", "")', [3]),
        ('raise CheckpointError("is no JSON", mend="Copy it again.")', []),
        ('raise ShapeError("three numbers are wanted")', []),
        ("try:\n    pass\nexcept GoalError as error:\n    raise", []),
    ],
)
def test_finds_errors_that_do_not_say_how_to_mend(code: str, lines: list[int]) -> None:
    assert without_mend(code) == lines


def test_every_error_of_a_policy_says_how_to_mend_it() -> None:
    found = {path: without_mend(path.read_text(encoding="utf-8")) for path in sorted(ROOM.rglob("*.py"))}
    assert len(found) > 50
    silent = [f"{path.relative_to(ROOM)}:{line}" for path, lines in found.items() for line in lines]
    assert not silent, f"say how to mend it with mend=: {silent}"
