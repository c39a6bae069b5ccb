"""Every example runs, is short, and says what its first line promises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pybullet")

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("[0-9][0-9]_*.py"))
SAID = {
    "01_check_one_proposal": ["allow (as_proposed)", "modify (", "refuse (braking) integrity", "not finite"],
    "02_plan_a_goal": ["pick(red_block)", "edges: [('t1', 't2')", "exit 2: ", "exit 3: "],
    "03_run_a_goal": ["achieved after", "the referee saw 0 contacts"],
    "04_your_own_constraint": ["'slow_wrist': "],
    "05_your_own_policy": ["gave_up: released 98%"],
    "06_read_a_trace": ["reckless", "chain holds: True"],
}


def test_examples_are_numbered_without_a_gap_and_each_is_looked_at() -> None:
    assert [int(path.name[:2]) for path in EXAMPLES] == list(range(1, len(EXAMPLES) + 1))
    assert [path.stem for path in EXAMPLES] == sorted(SAID)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_fits_a_screen(path: Path, tmp_path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 60
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    missing = [text for text in SAID[path.stem] if text not in done.stdout]
    assert not missing, done.stdout
    assert list(tmp_path.iterdir()) == []
