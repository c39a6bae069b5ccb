"""The self-test holds on the shipped cells, and each check in it can fail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pybullet")

from interlock.errors import BadInputError
from interlock.guards.body import BodyModel
from interlock.orchestrator import body_check, self_check
from interlock.orchestrator.cell import Cell

CHECKS = [
    "kernels are compiled",
    "kinematics agree with Pinocchio",
    "capsules cover the meshes",
    "limits are inside the URDF's",
    "unjudged links meet always or never",
    "home is free",
    "constraints load",
    "solvers agree",
    "objects are in reach",
    "the policy knows this body",
    "chunks last until the next",
    "the tick fits its period",
    "this host wakes in time",
]
OF_THE_HOST = {"the tick fits its period", "this host wakes in time"}
"""A busy computer may fail these, and says so rightly."""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_check, "_TICKS", 20)
    monkeypatch.setattr(self_check, "_WAKES", 3)


@pytest.fixture(scope="module")
def body(panda_cell: Cell) -> BodyModel:
    return BodyModel.build(panda_cell.robot_spec())


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", ["panda_tabletop", "xarm6_tabletop"])
def test_every_check_holds_on_a_shipped_cell_and_gives_its_numbers(name: str) -> None:
    results = self_check.run(Cell.load(name))
    assert [r.name for r in results] == CHECKS
    failed = [r for r in results if not r.ok and r.name not in OF_THE_HOST]
    assert failed == []
    assert all(any(c.isdigit() for c in r.detail) for r in results[1:])


@pytest.mark.usefixtures("quick")
def test_a_check_that_raises_has_failed_and_the_others_still_run(
    panda_cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(body: BodyModel) -> tuple[bool, str]:
        raise ZeroDivisionError("no such thing")

    def refused(cell: Cell, body: BodyModel) -> tuple[bool, str]:
        raise BadInputError("this cannot be", field="guards", mend="Mend it.")

    monkeypatch.setattr(body_check, "kinematics", broken)
    monkeypatch.setattr(body_check, "home", refused)
    results = {r.name: r for r in self_check.run(panda_cell)}
    assert list(results) == CHECKS
    one, two = results["kinematics agree with Pinocchio"], results["home is free"]
    assert (one.ok, one.detail) == (False, "ZeroDivisionError: no such thing")
    assert (two.ok, two.detail) == (False, "guards: this cannot be. Mend it.")
    assert results["solvers agree"].ok


def test_the_policy_of_the_cell_is_looked_at(panda_cell: Cell, tmp_path: Path) -> None:
    ok, detail = self_check._policy(panda_cell)
    assert ok
    assert "with the weights tiny-scene that ship, proposing in tool_delta" in detail
    assert "it knows 3 bodies and pick, place" in detail
    path = tmp_path / "own.yaml"
    path.write_text(panda_cell.text.replace("  options: {}", "  options: {checkpoint: nowhere}"))
    result = self_check._one("policy", lambda: self_check._policy(Cell.load(path)))
    assert (result.ok, "nowhere" in result.detail) == (False, True)


def test_an_answer_may_take_what_the_page_on_streams_says(panda_cell: Cell) -> None:
    ok, detail = self_check._answers(panda_cell)
    assert ok
    assert "235 ms" in detail
    assert "simulated are 0 ms" in detail


def test_a_joint_a_micrometre_off_is_seen(body: BodyModel) -> None:
    moved = np.array(body.joint_pos)
    moved[3, 0] += 1e-6
    ok, detail = body_check.kinematics(replace(body, joint_pos=moved))
    assert not ok
    assert "e-06 m" in detail


def test_a_capsule_too_thin_is_seen_with_its_link(body: BodyModel) -> None:
    thin = np.array(body.cap_radius)
    link = body.cap_link[4]
    thin[[k for k, name in enumerate(body.cap_link) if name == link]] *= 0.9
    ok, detail = body_check.capsule_cover(replace(body, cap_radius=thin))
    assert not ok
    assert "OUTSIDE" in detail
    assert link in detail


@pytest.mark.parametrize(("name", "add"), [("q_min", -0.5), ("q_max", 0.5), ("v_max", 0.1)])
def test_a_limit_wider_than_the_urdfs_is_seen(
    name: str, add: float, panda_cell: Cell, body: BodyModel
) -> None:
    wider = np.array(getattr(body.robot.limits, name))
    wider[2] += add
    limits = replace(body.robot.limits, **{name: wider})
    ok, _ = body_check.limits(panda_cell, replace(body, robot=replace(body.robot, limits=limits)))
    assert not ok


def test_a_pair_that_may_collide_but_is_not_judged_is_seen(body: BodyModel) -> None:
    ok, detail = body_check.unjudged_pairs(replace(body, self_pairs=np.empty((0, 2), dtype=np.int64)))
    assert not ok
    assert "now and then: " in detail
    assert "panda_hand" in detail


def cell_with(cell: Cell, **changed: Any) -> Any:
    told = {"zones": cell.zones(), "gate_config": cell.gate_config(), "scene_objects": None} | changed
    objects = told["scene_objects"]
    return SimpleNamespace(
        zones=lambda: told["zones"],
        gate_config=lambda: told["gate_config"],
        scene_objects=lambda seed: cell.scene_objects(seed) if objects is None else objects(seed),
    )


def test_home_in_the_pillar_for_one_seed_is_seen(panda_cell: Cell, body: BodyModel) -> None:
    def objects(seed: int) -> Any:
        if seed != 7:
            return panda_cell.scene_objects(seed)
        pose = np.eye(4)
        pose[:3, 3] = [0.3, 0.0, 0.5]
        return tuple(
            replace(o, object_in_world=pose) if o.name == "pillar" else o
            for o in panda_cell.scene_objects(seed)
        )

    assert body_check.home(cell_with(panda_cell), body)[0]
    ok, detail = body_check.home(cell_with(panda_cell, scene_objects=objects), body)
    assert not ok
    assert "pillar" in detail


def test_home_outside_its_keep_in_zone_is_seen(panda_cell: Cell, body: BodyModel) -> None:
    zones = tuple(
        replace(z, lower=[0.6, 0.6, 0.6]) if z.name == "work_space" else z for z in panda_cell.zones()
    )
    ok, detail = body_check.home(cell_with(panda_cell, zones=zones), body)
    assert not ok
    assert "keep-in zone" in detail


BROKEN: dict[str, tuple[str, Any]] = {
    "kernels are compiled": ("NUMERIC_PATH", "interpreted"),
    "solvers agree": ("worst_disagreement", lambda: (1e-3, 30)),
    "objects are in reach": ("make_reachable", lambda robot, zones: lambda point: "too far"),
    "the tick fits its period": ("tick_parts_us", lambda cell, ticks: {"gate": np.full(9, 1.1e4)}),
    "this host wakes in time": ("sleep_lateness_us", lambda period, wakes: np.full(9, 1.1e4)),
}


@pytest.mark.usefixtures("quick")
def test_what_the_host_or_a_solver_does_wrong_is_seen(
    panda_cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, broken in BROKEN.values():
        monkeypatch.setattr(self_check, name, broken)
    failed = {r.name for r in self_check.run(panda_cell) if not r.ok}
    assert failed == set(BROKEN)
