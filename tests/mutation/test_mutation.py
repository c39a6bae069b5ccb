"""The mutator changes what it says, counts what survives, and its list only shrinks."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import mutate
import pytest
from mutants import Mutant, mutants_of, sampled
from nursery import PACKAGE, TESTS, Fate, files_for
from survivors import COMMITTED, Ledger, entry, read_table, sources, write_table

SOURCE = '''"""A module."""
__all__ = ["f"]
LIMIT: int = 3


def f(a: float, b: float = 0.0) -> float:
    """Not changed: 1 + 1."""
    if a < b and not a == LIMIT:
        a += 2.0 * min(a, b)
        print(f"{-a} left")
    return a
'''
STOP = "guards.stop"


def _of(name: str) -> list[Mutant]:
    return mutants_of(name, (PACKAGE / (name.replace(".", "/") + ".py")).read_text(encoding="utf-8"))


def test_changes_are_those_of_its_operators_and_no_others() -> None:
    found = [(m.function, m.operator, m.after) for m in mutants_of("m", SOURCE)]
    assert found == [
        ("", "constant", "LIMIT: int = 4"),
        ("f", "constant", "def f(a: float, b: float = 1.0) -> float:"),
        ("f", "condition", "if True:"),
        ("f", "condition", "if False:"),
        ("f", "and/or", "if a < b or not a == LIMIT:"),
        ("f", "compare", "if a <= b and not a == LIMIT:"),
        ("f", "compare", "if a >= b and not a == LIMIT:"),
        ("f", "not", "if a < b and a == LIMIT:"),
        ("f", "compare", "if a < b and not a != LIMIT:"),
        ("f", "dropped", "pass"),
        ("f", "arithmetic", "a -= 2.0 * min(a, b)"),
        ("f", "arithmetic", "a += 2.0 / min(a, b)"),
        ("f", "constant", "a += 4.0 * min(a, b)"),
        ("f", "function", "a += 2.0 * max(a, b)"),
        ("f", "dropped", "pass"),
        ("f", "minus", "print(f'{a} left')"),
        ("f", "return", "return None"),
    ]


@pytest.mark.parametrize("name", mutate.MUST)
def test_every_mutant_of_the_three_is_one_change_with_a_name_of_its_own(name: str) -> None:
    found = _of(name)
    assert len({m.key for m in found}) == len(found) > 100
    whole = ast.dump(ast.parse((PACKAGE / (name.replace(".", "/") + ".py")).read_text(encoding="utf-8")))
    assert all(ast.dump(ast.parse(m.source)) != whole for m in found[::5])
    assert [m.key for m in _of(name)] == [m.key for m in found]


def test_lines_that_come_elsewhere_change_no_name() -> None:
    later = SOURCE.replace("\n\ndef f", "\n# a word\nOTHER = None\n\n\ndef g():\n    return None\n\n\ndef f")
    assert {m.key for m in mutants_of("m", SOURCE)} <= {m.key for m in mutants_of("m", later)}


def test_lines_that_read_the_same_are_told_apart() -> None:
    found = mutants_of("m", "def f(a):\n    a += 1\n    a += 1\n")
    assert [m.occurrence for m in found] == [0, 0, 0, 1, 1, 1]
    assert len({m.key for m in found}) == 6


def test_a_sample_is_the_same_each_time_and_about_as_large_as_asked_for() -> None:
    found = _of(STOP)
    some = sampled(found, 0.5, 0)
    assert some == sampled(found, 0.5, 0) != sampled(found, 0.5, 1)
    assert 0.3 * len(found) < len(some) < 0.7 * len(found)
    assert sampled(found[1:], 0.5, 0) == [m for m in some if m is not found[0]]


def test_tests_that_are_run_are_there() -> None:
    assert all(path.is_file() for name in TESTS for path in files_for(name))
    assert all((PACKAGE / (name.replace(".", "/") + ".py")).is_file() for name in TESTS)


PLAY = """
import json, sys
sys.path.insert(0, sys.argv[1])
import nursery
from mutants import Mutant
from pathlib import Path
nursery.TESTS["guards.stop"] = ("guards/test_stop.py",)
path = nursery.PACKAGE / "guards/stop.py"
had, source = path.read_bytes(), path.read_text(encoding="utf-8")
changes = {
    "same": ("", ""),
    "wrong": ("for k in range(1, ticks):", "for k in range(2, ticks):"),
    "breaks": ("MAX_STOP_TICKS = 400", "MAX_STOP_TICKS = 400 // 0"),
    "hangs": ("    low = 0.0", "    while True: pass\\n    low = 0.0"),
}
mutants = [
    Mutant(module="guards.stop", function="", operator=name, before="", after="", occurrence=0,
           source=source.replace(old, new, 1) if old else source)
    for name, (old, new) in changes.items()
]
warm = nursery.Nursery(["guards.stop"], 2)
nursery._LEAST_S, nursery._PATIENCE = 3.0, 0.0
fates = {m.operator: (fate.status, fate.by) for m, fate in warm.play(mutants)}
assert path.read_bytes() == had
print("FATES" + json.dumps(fates))
"""


def test_a_change_is_killed_by_a_test_by_itself_or_by_time_and_no_change_survives() -> None:
    folder = str(Path(mutate.__file__).parent)
    done = subprocess.run([sys.executable, "-c", PLAY, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    fates = json.loads(done.stdout.split("FATES")[1])
    assert fates["same"] == ["survived", ""]
    assert fates["wrong"][0] == "killed"
    assert fates["wrong"][1].startswith("tests/guards/test_stop.py::")
    assert fates["breaks"] == ["killed", "import: ZeroDivisionError"]
    assert fates["hangs"][0] == "timeout"


def test_nothing_is_called_killed_that_fails_without_a_change() -> None:
    code = PLAY.split("changes = {")[0].replace("test_stop.py", "test_stop.py::no_such_test")
    code += 'nursery.Nursery(["guards.stop"], 1)\n'
    folder = str(Path(mutate.__file__).parent)
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=False)
    assert "a test fails without any mutant" in done.stderr


def _fates(mutants: list[Mutant], survivors: int) -> dict[str, Fate]:
    return {
        m.key: Fate(status="survived" if k < survivors else "killed", by="", cpu_s=0.1)
        for k, m in enumerate(mutants)
    }


def test_a_survivor_has_to_stand_in_the_list() -> None:
    found = _of(STOP)
    fates = _fates(found, 2)
    listed = {STOP: {"survivors": [entry(found[0], "equal")]}}
    good, lines = mutate.judge({STOP: found}, {STOP: found}, fates, listed)
    assert not good
    assert any("not in the list" in line and found[1].key in line for line in lines)
    listed[STOP]["survivors"].append(entry(found[1], "equal"))
    good, lines = mutate.judge({STOP: found}, {STOP: found}, fates, listed)
    assert good
    assert listed[STOP]["mutants"] == len(found) == listed[STOP]["killed"] + 2


def test_the_list_loses_what_is_killed_and_what_is_gone_and_gains_nothing() -> None:
    found = _of(STOP)
    gone = replace(found[5], before="gone")
    listed = {STOP: {"survivors": [entry(m, "equal") for m in (found[0], found[1], gone)]}}
    good, lines = mutate.judge({STOP: found}, {STOP: found}, _fates(found, 1), listed)
    assert good
    assert [told["key"] for told in listed[STOP]["survivors"]] == [found[0].key]
    assert len([line for line in lines if "struck" in line]) == 2


def test_a_part_of_the_mutants_says_nothing_of_the_others() -> None:
    found = _of(STOP)
    listed = {STOP: {"mutants": 9, "killed": 7, "survivors": [entry(m, "equal") for m in found[:2]]}}
    mutate.judge({STOP: found}, {STOP: found[10:40]}, _fates(found, 0), listed)
    assert listed[STOP]["mutants"] == 9
    assert len(listed[STOP]["survivors"]) == 2


@pytest.mark.parametrize("status", ["survived", "error"])
def test_too_few_killed_fails_and_so_does_one_that_could_not_be_played(status: str) -> None:
    found = _of(STOP)
    few = len(found) // 10 if status == "survived" else 1
    fates = _fates(found, few)
    fates = {
        key: replace(fate, status=fate.status.replace("survived", status)) for key, fate in fates.items()
    }
    listed = {STOP: {"survivors": [entry(m, "equal") for m in found[:few]]}}
    good, lines = mutate.judge({STOP: found}, {STOP: found}, fates, listed)
    assert not good
    assert ("FEWER THAN 95%" in lines[0]) == (status == "survived")


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    one, two, three = _of(STOP)[:3]
    ledger = Ledger(tmp_path)
    ledger.add(one, "a", Fate(status="killed", by="test_x", cpu_s=1.0))
    ledger.add(two, "a", Fate(status="error", by="it broke", cpu_s=1.0))
    with ledger.path.open("a", encoding="utf-8") as file:
        file.write('["cut o')
    again = Ledger(tmp_path)
    assert again.known(one, "a") == Fate(status="killed", by="test_x", cpu_s=1.0)
    assert again.known(one, "b") is None
    assert again.likely(one) == "test_x"
    assert again.known(two, "a") is again.known(three, "a") is None


def test_the_list_is_written_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "mutants.json"
    modules = {STOP: {"survivors": [entry(_of(STOP)[0], "équal")]}, "guards.gate": {"survivors": []}}
    write_table(modules, {"table": "mutants"}, path)
    table = read_table(path)
    assert list(table["modules"]) == ["guards.gate", STOP]
    assert table["modules"] == modules
    assert sources(STOP) == sources(STOP) != sources("guards.gate")


def test_a_reason_has_to_be_given_for_a_survivor_that_is_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        mutate.main(["--accept", "0123456789"])
    assert mutate.main(["--accept", "no such", "--because", "equal"]) == 1
    assert "there is no mutant" in capsys.readouterr().err


def test_the_committed_list_is_whole_and_gives_a_reason_for_each() -> None:
    assert COMMITTED.is_file(), "evidence/mutants.json is not there: `make mutate` makes it"
    modules = read_table()["modules"]
    for name in mutate.MUST:
        told = modules[name]
        assert told["killed"] >= mutate.LEAST * told["mutants"] > 100, name
        assert told["killed"] + len(told["survivors"]) == told["mutants"], name
        for survivor in told["survivors"]:
            assert len(survivor["why"]) > 30, survivor
            assert survivor["before"] != survivor["after"]
