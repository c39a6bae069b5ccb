"""A user's constraint is found by its entry point or its dotted name, and a bad one says how to mend it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.guards.closed_loop import (
    CELLS,
    ask,
    body_of,
    cell_scene,
    gate_with,
    hold,
    node_at_rest,
)

from interlock.errors import BadInputError
from interlock.guards.config import GateConfig, PluginConfig
from interlock.guards.plugins import available_constraints, load_constraints
from interlock.guards.speed_budget import SpeedBudget
from interlock.guards.verdict import Decision

PANDA = CELLS[0]
ROBOT = body_of(PANDA).robot
DOTTED = "interlock.guards.speed_budget:SpeedBudget"

Install = Callable[..., str]

SOURCE = """
import numpy as np


class Quiet:
    name, unit = "quiet", "rad"

    def __init__(self, context):
        self.robot, self.parameters = context.robot, dict(context.parameters)

    def program(self, velocity):
        return [velocity <= 1.0]

    def slack(self, nodes, period_s):
        return 0.25, "everywhere"


class Mute(Quiet):
    name = "mute"

    def slack(self, nodes, period_s):
        return float("nan"), "nowhere"


class Bursting(Quiet):
    name = "bursting"

    def slack(self, nodes, period_s):
        raise ArithmeticError("burst")


class Picky(Quiet):
    def __init__(self, context):
        raise KeyError("knob")


class Round(Quiet):
    name = "round"

    def program(self, velocity):
        import cvxpy as cp

        return [cp.norm2(velocity) <= 1.0]


class Hollow(Quiet):
    name = "hollow"

    def program(self, velocity):
        return [velocity @ velocity >= 1.0]


class Broken(Quiet):
    name = "broken"

    def program(self, velocity):
        raise TypeError("no such shape")


class Bare:
    def __init__(self, context):
        self.name = "bare"


NUMBER = 3
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a small package with entry points for the time of one test; returns its module."""

    def installed(points: dict[str, str], module: str = "a_labs_guards", project: str = "a-lab") -> str:
        (tmp_path / f"{module}.py").write_text(SOURCE)
        folder = tmp_path / f"{project.replace('-', '_')}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project}\nVersion: 1.0\n")
        lines = "".join(f"{name} = {value}\n" for name, value in points.items())
        (folder / "entry_points.txt").write_text(f"[interlock.guards]\n{lines}")
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.invalidate_caches()
        monkeypatch.delitem(sys.modules, module, raising=False)
        return module

    return installed


def _load(name: str, **parameters: object):
    config = GateConfig(period_s=0.01, plugins=(PluginConfig(name=name, parameters=parameters),))
    return load_constraints(config, ROBOT)


def _decide(constraints):
    home = ROBOT.home
    return gate_with(PANDA, constraints).decide(
        ask(PANDA, node_at_rest(home), hold(PANDA, home), cell_scene(PANDA))
    )


@pytest.mark.parametrize("name", ["speed_budget", DOTTED])
def test_the_shipped_example_is_found_by_its_name_and_by_its_dotted_name(name):
    (constraint,) = _load(name, budget_rad_s=2.0)
    assert isinstance(constraint, SpeedBudget)


def test_no_plug_ins_no_constraints():
    assert load_constraints(GateConfig(period_s=0.01), ROBOT) == ()


def test_an_installed_package_is_found_by_its_entry_point(install):
    module = install({"quiet": "a_labs_guards:Quiet"})
    assert available_constraints()["quiet"] == "a_labs_guards:Quiet"
    (constraint,) = _load("quiet", volume=3)
    assert constraint.parameters == {"volume": 3}
    assert constraint.robot is ROBOT
    assert type(constraint).__module__ == module
    output = _decide((constraint,))
    assert output.command is not None
    assert [m.value for m in output.margins if m.family == "quiet"] == [0.25]


def test_a_module_beside_the_cell_is_found_by_its_dotted_name(install):
    install({})
    (constraint,) = _load("a_labs_guards:Quiet")
    assert constraint.name == "quiet"


def test_an_unknown_name_says_the_nearest_and_all_that_are_known():
    with pytest.raises(BadInputError, match=r"Did you mean 'speed_budget'") as caught:
        _load("speed_budgte")
    assert caught.value.field == "guards.plugins[0].name"
    assert caught.value.value == "speed_budgte"
    with pytest.raises(BadInputError, match=r"Known: speed_budget; or give `package.module:Class`"):
        _load("zzz")


@pytest.mark.parametrize(
    "name",
    [
        "nowhere_at_all:Thing",
        f"{DOTTED}s",
        "interlock.guards.speed_budget:",
        ":Thing",
        "a b:c",
        "json:loads.x",
    ],
)
def test_what_cannot_be_imported_says_so(name):
    with pytest.raises(BadInputError, match="cannot be imported"):
        _load(name)


def test_a_module_that_breaks_while_it_is_imported_says_so(install, tmp_path):
    install({})
    (tmp_path / "broken_lab.py").write_text("raise OSError('no licence')")
    with pytest.raises(BadInputError, match="OSError: no licence"):
        _load("broken_lab:Guard")


def test_parameters_it_refuses_are_named(install):
    install({})
    with pytest.raises(BadInputError, match="KeyError") as caught:
        _load("a_labs_guards:Picky", knob=1)
    assert caught.value.field == "guards.plugins[0].parameters"
    with pytest.raises(BadInputError, match="budget_rad_s"):
        _load("speed_budget")


@pytest.mark.parametrize("name", ["Bare", "NUMBER", "np"])
def test_what_is_no_constraint_is_refused_before_anything_moves(install, name):
    install({})
    with pytest.raises(BadInputError):
        _load(f"a_labs_guards:{name}")


def test_nobody_can_take_the_name_of_a_constraint_that_ships(install):
    install({"speed_budget": "a_labs_guards:Quiet"})
    with pytest.raises(BadInputError, match="two constraints have this name"):
        _load("speed_budget", budget_rad_s=1.0)


def test_the_same_entry_point_twice_is_one(install):
    install({"speed_budget": DOTTED})
    assert available_constraints()["speed_budget"] == DOTTED


@pytest.mark.parametrize(
    ("name", "match"),
    [("Round", "quadratic program"), ("Hollow", "convex"), ("Broken", "no such shape")],
)
def test_a_program_the_projector_cannot_use_is_refused_before_anything_moves(install, name, match):
    install({})
    with pytest.raises(BadInputError, match=match):
        gate_with(PANDA, _load(f"a_labs_guards:{name}"))


def test_a_plug_in_whose_slack_is_not_a_number_refuses(install):
    install({})
    output = _decide(_load("a_labs_guards:Mute"))
    assert output.command is None
    assert output.verdict.decision is Decision.REFUSE
    assert output.verdict.guard == "mute"


@pytest.mark.parametrize("answer", [float("inf"), "1", None, 1j, [1.0], np.array(1.0)])
def test_a_slack_is_a_finite_real_number_or_refuses(answer, install, monkeypatch):
    install({})
    constraints = _load("a_labs_guards:Quiet")
    monkeypatch.setattr(type(constraints[0]), "slack", lambda self, nodes, period_s: (answer, "here"))
    output = _decide(constraints)
    assert output.command is None
    assert output.verdict.guard == "quiet"


def test_a_plug_in_that_raises_mints_no_command(install):
    install({})
    with pytest.raises(ArithmeticError, match="burst"):
        _decide(_load("a_labs_guards:Bursting"))


def test_every_plug_in_is_asked(install):
    install({})
    output = _decide((*_load("a_labs_guards:Quiet"), *_load("speed_budget", budget_rad_s=3.0)))
    assert {m.family for m in output.margins} >= {"quiet", "speed_budget"}
    assert np.isfinite([m.value for m in output.margins]).all()
