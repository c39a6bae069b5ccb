"""The weights that ship do what they ship for, whatever has changed around them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

pytest.importorskip("pybullet")
pytest.importorskip("torch")

from tests.orchestrator.session_runner import Runner

from interlock.orchestrator.cell_folder import find_cell
from interlock.orchestrator.summary import Outcome
from interlock.policy.vla.shipped_weights import DEFAULT_WEIGHTS, SHIPPED


def test_the_default_weights_put_the_block_in_the_tray(tmp_path: Path) -> None:
    data = yaml.safe_load(find_cell("panda_tabletop").read_text())
    options = {"checkpoint": str(SHIPPED / DEFAULT_WEIGHTS)}
    data["policy"] |= {"name": "vla", "action_space": "tool_delta", "options": options}
    path = tmp_path / "cell.yaml"
    path.write_text(yaml.safe_dump(data))
    runner = Runner(tmp_path / "run")
    summary = runner.run(cell=str(path), policy="vla", seed=1)
    assert (summary.outcome, summary.reason) == (Outcome.ACHIEVED, "")
    assert (summary.referee.contacts, summary.referee.limit_violations) == (0, 0), runner.counters
