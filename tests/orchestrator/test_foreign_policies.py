"""Runs over policies that are not ours: they get the pictures of their map; a fault ends in a standstill."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

pytest.importorskip("pybullet")
pytest.importorskip("websockets")
pytest.importorskip("zmq")

from tests.orchestrator.session_runner import Runner, records
from tests.policy.remote.conftest import MODALITIES, PROTOCOLS, STEPS, StandIn, maps, wrapped
from tests.policy.remote.stand_in import WebsocketStandIn, ZmqStandIn

from interlock.errors import BadInputError
from interlock.hal.latch import StopLatch
from interlock.orchestrator.cell_folder import find_cell
from interlock.orchestrator.summary import Outcome

SIDE = 224
HOME = np.array([0.0, -0.785398, 0.0, -2.356194, 0.0, 1.570796, 0.785398])
Reply = Callable[[Any, Any], object]


def foreign_maps(**picture: Any) -> dict[str, Any]:
    """As an openpi user maps the Panda's cell: the camera above the table under the key `eye`."""
    made = maps()
    made["observation"]["pictures"][0] |= {"camera": "above", "width_px": SIDE, "height_px": SIDE, **picture}
    for hand in (made["observation"]["state"][1], made["actions"]["columns"][-1]):
        hand["open_m"] = 0.0778
    made["actions"]["columns"][-1]["channel"] = "gripper_width"
    return made


def cell_over(folder: Path, name: str, side_px: int = SIDE, **options: Any) -> str:
    data = yaml.safe_load(find_cell("panda_tabletop").read_text())
    (above,) = (each for each in data["cameras"] if each["name"] == "above")
    above |= {"width_px": side_px, "height_px": side_px}
    data["policy"] |= {"name": name, "options": options}
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(data))
    return str(path)


def server_of(protocol: str, reply: Reply) -> StandIn:
    return ZmqStandIn(reply, MODALITIES) if protocol == "groot" else WebsocketStandIn(reply, {})


def picture_in(protocol: str, request: Any) -> Any:
    if protocol == "openpi":
        return request["eye"]
    if protocol == "starvla":
        return request["examples"][0]["image"][0]
    return request["data"]["observation"]["video"]["eye"][0, 0]


def onward(from_q: np.ndarray) -> np.ndarray:
    """Turns the first joint by 0.2 rad/s, the gripper half open."""
    turned = np.tile(from_q, (STEPS, 1))
    turned[:, 0] += 0.008 * np.arange(1, STEPS + 1)
    return np.concatenate([turned, np.full((STEPS, 1), 0.5)], axis=1).astype("<f4")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_server_is_sent_the_pictures_of_its_map_in_a_run(protocol: str, tmp_path: Path) -> None:
    with closing(server_of(protocol, lambda *_: wrapped(protocol, onward(HOME)))) as server:
        options = {"port": server.port, "deadline_s": 30.0, "connect_s": 30.0, **foreign_maps()}
        runner = Runner(tmp_path / "run")
        summary = runner.run(cell=cell_over(tmp_path, protocol, **options), policy=protocol, sim_time_s=0.6)
        asked = [each for each in server.requests if protocol != "groot" or each["endpoint"] == "get_action"]
    assert (summary.outcome, summary.reason) == (Outcome.GAVE_UP, "time is up")
    assert summary.released_fraction > 0.5
    for request in asked:
        picture = picture_in(protocol, request)
        assert (picture.shape, picture.dtype) == ((SIDE, SIDE, 3), np.uint8)
        assert picture.std() > 10.0  # a scene, no blank


def test_pi0_looks_through_the_camera_of_its_map_in_a_run(tmp_path: Path) -> None:
    pytest.importorskip("transformers", minversion="5.23")
    from tests.policy.vla.pi0_folder import SIDE as SMALL
    from tests.policy.vla.pi0_folder import lay_down

    (tmp_path / "weights").mkdir()
    given = {"path": str(lay_down(tmp_path / "weights")), "steps": 2}
    given |= foreign_maps(width_px=SMALL, height_px=SMALL)
    runner = Runner(tmp_path / "run")
    summary = runner.run(cell=cell_over(tmp_path, "pi0", SMALL, **given), policy="pi0", sim_time_s=0.4)
    assert (summary.outcome, summary.reason) == (Outcome.GAVE_UP, "time is up")
    assert {chunk["provenance"]["policy"] for chunk in records(runner.out, "/chunk")} == {"pi0"}


WRONG_PICTURES: dict[str, tuple[dict[str, Any], str]] = {
    "a camera that the cell has not": ({"camera": "abov"}, "no camera of this name.*above"),
    "another size": ({"width_px": 320}, "takes pictures of 224 × 224 pixels"),
}


@pytest.mark.parametrize("case", WRONG_PICTURES)
def test_a_map_of_pictures_that_there_are_not_ends_the_start(case: str, tmp_path: Path) -> None:
    change, reason = WRONG_PICTURES[case]
    with closing(server_of("openpi", lambda *_: wrapped("openpi", onward(HOME)))) as server:
        options = {"port": server.port, "connect_s": 30.0, **foreign_maps(**change)}
        with pytest.raises(BadInputError, match=reason):
            Runner(tmp_path / "run").run(cell=cell_over(tmp_path, "openpi", **options), policy="openpi")
        assert not server.requests


FAULTS: dict[str, tuple[object, str]] = {
    "it hangs": (None, "no answer within"),
    "a huge answer": (b"\0" * 5_000_000, "more than|too big|larger"),
    "NaN": (wrapped("openpi", np.full((STEPS, 8), np.nan, "<f4")), "not finite"),
    "text": ("Traceback: out of memory", "sent text"),
    "no msgpack": (b"\xc1", "no msgpack"),
    "another dtype": (wrapped("openpi", np.zeros((STEPS, 8), "<i4")), "float32"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_in_mid_motion_brings_the_robot_to_a_standstill_and_says_what_it_was(
    case: str, tmp_path: Path
) -> None:
    fault, reason = FAULTS[case]
    good = 4

    def reply(_: Any, request: Any) -> object:
        if len(server.requests) > good:
            return fault
        return wrapped("openpi", onward(np.asarray(request["joints"], np.float64)))

    with closing(server_of("openpi", reply)) as server:
        options = {"port": server.port, "deadline_s": 0.3, "connect_s": 30.0, **foreign_maps()}
        runner = Runner(tmp_path / "run")
        summary = runner.run(cell=cell_over(tmp_path, "openpi", **options), policy="openpi", sim_time_s=2.5)
        assert len(server.requests) > good
    assert summary.outcome is Outcome.GAVE_UP
    assert "proposal refused before the gate: " in summary.reason
    assert any(re.search(reason, event) for event in runner.notes.events), runner.notes.events
    assert (summary.referee.contacts, summary.referee.limit_violations) == (0, 0), runner.counters
    moved = [abs(report.state.v).max() > 0.05 for report in runner.notes.reports]
    assert any(moved)
    assert runner.notes.reports[-1].state.standstill
    assert not any(moved[-50:])
    assert not StopLatch(runner.state_dir).latched
    assert records(runner.out, "/command")
