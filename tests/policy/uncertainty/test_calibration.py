from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.policy.uncertainty.likely import MADE_FOR, calibration, question

from interlock.errors import BadInputError, CheckpointError
from interlock.policy.uncertainty.calibration import Calibration


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "calibration.json"
    calibration().save(made)
    return made


def test_a_file_gives_back_the_same_scores_and_thresholds_bit_for_bit(path: Path) -> None:
    made, read = calibration(), Calibration.load(path)
    asked = question(np.random.default_rng(0))
    assert read.likeness.score(asked) == made.likeness.score(asked)
    assert (read.slow, read.doubt, read.played, read.sha256) == (
        made.slow, made.doubt, made.played, made.sha256,
    )  # fmt: skip
    assert (read.played.fitted, len(read.played.seeds)) == (12, 36)


@pytest.mark.parametrize("field", ["weights_sha256", "files_sha256", "embodiment", "sampling"])
def test_another_policy_is_refused_by_name(path: Path, field: str) -> None:
    read = Calibration.load(path)
    read.check(MADE_FOR)
    with pytest.raises(CheckpointError, match=field):
        read.check(replace(MADE_FOR, **{field: "other"}))


def changed(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    def edit(content: bytes) -> bytes:
        data = json.loads(content)
        change(data)
        return json.dumps(data).encode()

    return edit


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: content[: len(content) // 2], id="truncated"),
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: b"\xff" + content, id="no text"),
        pytest.param(changed(lambda data: data.update(doubt=float("nan"))), id="NaN threshold"),
        pytest.param(changed(lambda data: data.update(doubt=float("inf"))), id="endless threshold"),
        pytest.param(changed(lambda data: data.update(doubt=1e308)), id="huge threshold"),
        pytest.param(changed(lambda data: data.update(slow=data["doubt"] * 2)), id="thresholds in disorder"),
        pytest.param(changed(lambda data: data.update(slow=-1.0)), id="negative threshold"),
        pytest.param(changed(lambda data: data.update(doubt=True)), id="true for a number"),
        pytest.param(lambda content: b'{"doubt": 9e9, ' + content[1:], id="a key twice"),
        pytest.param(changed(lambda data: data.pop("residual")), id="missing key"),
        pytest.param(changed(lambda data: data.update(more=1)), id="unknown key"),
        pytest.param(changed(lambda data: data.update(format="other-2")), id="another format"),
        pytest.param(changed(lambda data: data["variances"].pop()), id="a variance short"),
        pytest.param(changed(lambda data: data["directions"][0].pop()), id="a direction short"),
        pytest.param(changed(lambda data: data.update(residual=0.0)), id="no residual"),
        pytest.param(changed(lambda data: data["stages"].append(data["stages"][0])), id="a stage twice"),
        pytest.param(changed(lambda data: data["stages"].clear()), id="no stage"),
        pytest.param(
            changed(lambda data: data["stages"][0]["spread"].__setitem__(0, -1.0)), id="negative spread"
        ),
        pytest.param(changed(lambda data: data["stages"][0]["spread"].pop()), id="a channel short"),
        pytest.param(changed(lambda data: data["stages"][0]["units"].__setitem__(0, 0.0)), id="no unit"),
        pytest.param(changed(lambda data: data["stages"][0]["mean"].pop()), id="a number short"),
        pytest.param(changed(lambda data: data.update(samples=1)), id="one sample"),
    ],
)
def test_a_damaged_file_is_refused(path: Path, damage: Callable[[bytes], bytes]) -> None:
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CheckpointError):
        Calibration.load(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be read"):
        Calibration.load(tmp_path / "none.json")


def test_too_few_rollouts_for_the_shares_are_refused_with_how_many_are_needed() -> None:
    with pytest.raises(BadInputError, match="19 successful rollouts beside"):
        calibration(rollouts=24, doubt_share=0.05)
