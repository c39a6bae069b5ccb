"""Calibrating and measuring: what is played, kept, refused and counted; no simulator is started."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.policy.uncertainty.likely import MADE_FOR, calibration, question, rollout

from interlock.errors import BadInputError, CheckpointError, StoppedError
from interlock.orchestrator import resumption, rollouts
from interlock.orchestrator.auroc_run import scores_of
from interlock.orchestrator.calibrate import calibrate
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.policy_auroc import auroc_rows, policy_auroc
from interlock.orchestrator.rollouts import RolloutsRequest
from interlock.orchestrator.uncertainty_command import auroc_table, calibrate_policy, calibration_lines
from interlock.orchestrator.watched_rollout import RolloutOrder
from interlock.policy.uncertainty.corruption import Corruption
from interlock.policy.uncertainty.features import Features
from interlock.policy.uncertainty.recorded_model import Question, RecordedModel

FAILS = 5  # every fifth rollout does


def told(features: Features) -> dict[str, Any]:
    return {
        "stage": features.stage,
        "spread": features.spread.tolist(),
        "embedding": features.embedding.tolist(),
    }


def row_of(order: RolloutOrder) -> dict[str, Any]:
    if order.seed % FAILS == 0:
        return {"outcome": "gave_up", "reason": "missed", "made_for": asdict(MADE_FOR), "questions": []}
    asked = rollout(np.random.default_rng(order.seed))
    return {
        "outcome": "achieved",
        "reason": "",
        "made_for": asdict(MADE_FOR),
        "questions": [told(each) for each in asked],
    }


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[RolloutOrder]:
    """What the workers were asked for; none is started."""
    orders: list[RolloutOrder] = []

    def done(function: object, jobs: Iterable[RolloutOrder], workers: int, what: str) -> Iterator[Any]:
        for order in jobs:
            orders.append(order)
            yield order, row_of(order)

    monkeypatch.setattr(resumption, "done_as_ready", done)
    monkeypatch.setattr(rollouts, "evaluated_cell", lambda cell, checkpoint: Cell.load(cell))
    return orders


@pytest.fixture
def request_for(tmp_path: Path) -> Callable[..., RolloutsRequest]:
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    (checkpoint / "model.safetensors").write_bytes(b"weights")

    def make(**changes: Any) -> RolloutsRequest:
        fields: dict[str, Any] = {
            "cell": "panda_tabletop",
            "checkpoint": str(checkpoint),
            "axes": (),
            "episodes": 30,
            "seed": 1,
            "goals": ("go home", "move above the tray"),
            "samples": 4,
            "shadow": False,
            "max_sim_time_s": 40.0,
            "workers": 1,
            "keep": tmp_path / "keep",
        }
        return RolloutsRequest(**(fields | changes))

    return make


def quiet(done: int, total: int, row: object) -> None:
    pass


def test_only_rollouts_that_succeed_are_calibrated_with(
    played: list[RolloutOrder], request_for: Callable[..., RolloutsRequest]
) -> None:
    made = calibrate(request_for(), quiet, Interrupts(), slow_share=0.3, doubt_share=0.1)
    assert made.played.episodes == 30
    assert made.played.seeds == tuple(seed for seed in range(1, 31) if seed % FAILS)
    assert (made.played.fitted, made.played.moved_by, made.made_for) == (8, "vla", MADE_FOR)
    assert [order.goal for order in played[:3]] == ["go home", "move above the tray", "go home"]
    good = made.likeness.score(question(np.random.default_rng(99)))
    assert good.total < 2.0


def test_calibrating_goes_on_where_it_was_cut_off_and_gives_the_same_file(
    played: list[RolloutOrder], request_for: Callable[..., RolloutsRequest], tmp_path: Path
) -> None:
    shares = {"slow_share": 0.3, "doubt_share": 0.1}
    whole = calibrate(request_for(), quiet, Interrupts(), **shares)
    played.clear()
    interrupts = Interrupts()

    def stop(done: int, total: int, row: object) -> None:
        if done == 7:
            interrupts.cause = "operator: Ctrl-C"

    again = request_for(keep=tmp_path / "again")
    with pytest.raises(StoppedError, match="7 of 30"):
        calibrate(again, stop, interrupts, **shares)
    with (tmp_path / "again" / "rollouts.jsonl").open("a") as file:
        file.write('{"digest": "cut')
    played.clear()
    assert calibrate(again, quiet, Interrupts(), **shares).sha256 == whole.sha256
    assert [order.seed for order in played] == list(range(8, 31))


def test_rollouts_of_another_policy_variation_or_seed_are_refused(
    played: list[RolloutOrder], request_for: Callable[..., RolloutsRequest]
) -> None:
    request = request_for()
    calibrate(request, quiet, Interrupts(), slow_share=0.3, doubt_share=0.1)
    (Path(request.checkpoint) / "calibration.json").write_text("{}")  # of the same weights: no other policy
    for told_afterwards in ("card.md", "SHA256SUMS"):
        (Path(request.checkpoint) / told_afterwards).write_text("results")
    played.clear()
    calibrate(request, quiet, Interrupts(), slow_share=0.3, doubt_share=0.1)
    assert not played
    for other in (request_for(samples=5), request_for(seed=2), request_for(shadow=True)):
        with pytest.raises(BadInputError, match="another cell, policy or variation"):
            calibrate(other, quiet, Interrupts(), slow_share=0.3, doubt_share=0.1)
    (Path(request.checkpoint) / "model.safetensors").write_bytes(b"others")
    with pytest.raises(BadInputError, match="another cell, policy or variation"):
        calibrate(request, quiet, Interrupts(), slow_share=0.3, doubt_share=0.1)


def test_too_few_that_succeed_are_refused_and_too_few_episodes_before_any_is_played(
    played: list[RolloutOrder], request_for: Callable[..., RolloutsRequest], tmp_path: Path
) -> None:
    from rich.console import Console

    with pytest.raises(BadInputError, match="no rollout succeeded"):
        calibrate(request_for(seed=5, episodes=1), quiet, Interrupts(), slow_share=0.3, doubt_share=0.1)
    played.clear()
    options = {"out": tmp_path / "c.json", "console": Console(quiet=True), "interrupts": Interrupts()}
    with pytest.raises(BadInputError, match="14 or more"):
        calibrate_policy(request_for(episodes=13), slow_share=0.3, doubt_share=0.1, **options)
    with pytest.raises(BadInputError, match="doubt-share"):
        calibrate_policy(request_for(), slow_share=0.1, doubt_share=0.3, **options)
    assert played == []
    made = calibrate_policy(request_for(keep=tmp_path / "k"), slow_share=0.3, doubt_share=0.1, **options)
    assert "24 of 30 rollouts succeeded, moved by vla: 8 fitted to, 16" in calibration_lines(made, Path("c"))


class Sees:
    """Its spread grows with what is wrong with the words, its embedding with the pictures' darkness."""

    name = "sees"
    provenance = None

    def __init__(self) -> None:
        self.generator = np.random.default_rng(0)

    def infer(self, observation: Any, prefix: object, samples: int, seed: int) -> Any:
        from interlock.policy.stream.chunk_model import Draft

        asked = np.random.default_rng(seed)
        wide = 1.0 if observation.task.step == "pick up the red block" else 30.0
        dark = 0.0 if observation.frames[0].rgb.any() else 5.0
        noise = asked.normal(size=(samples, 16, 3)) * np.array([0.01, 0.2, 0.0])
        drawn = wide * noise
        embedding = question(asked, shift=dark).embedding
        return Draft(samples=drawn, spread=drawn.std(axis=0), embedding=embedding)

    def reset(self) -> None:
        pass


def test_the_table_shows_what_each_score_can_tell() -> None:
    from tests.policy.stream.bodies import context_in, observe

    from interlock.hal.frame import Frame

    plain = observe(context_in("joint_position").robot.home)
    task = replace(
        plain.task, skill="pick", phase="approach", arguments={"object": "red_block"},
        step="pick up the red block",
    )  # fmt: skip
    picture = np.full((32, 32, 3), 90, np.uint8)
    seen = replace(plain, task=task, frames=(Frame(camera="front", stamp_ns=0, rgb=picture, role="base"),))
    made = calibration()
    recorded = RecordedModel(Sees(), samples=4)  # type: ignore[arg-type]
    for seed in range(30):
        recorded.infer(seen, None, 1, seed)
    scores = scores_of(recorded, made, questions=12)
    assert {how: len(pairs) for how, pairs in scores.items()} == dict.fromkeys(["clean", *Corruption], 12)
    rows = {row.corruption: row for row in auroc_rows([{"scores": scores}, {"scores": {}}], made)}
    assert (rows["clean"].rollouts, rows["clean"].right, rows["clean"].both) == (1, 12, None)
    black, words, mirrored = (rows[name] for name in ("black", "instruction", "mirrored"))
    assert (black.distance, black.spread, black.both, black.doubted) == (1.0, 0.5, 1.0, 1.0)
    assert (words.distance, words.spread, words.both) == (0.5, 1.0, 1.0)
    assert (mirrored.distance, mirrored.spread, mirrored.both) == (0.5, 0.5, 0.5)
    table = auroc_table(list(rows.values()))
    assert table.row_count == 7
    assert [column.header for column in table.columns][2:5] == ["spread", "distance", "both"]


def test_what_cannot_be_made_wrong_is_left_open_in_the_table() -> None:
    scores = {"clean": [[0.5, 0.5]], **{how.value: [] for how in Corruption}, "instruction": [[None, 0.5]]}
    rows = {row.corruption: row for row in auroc_rows([{"scores": scores}], calibration())}
    assert (rows["black"].wrong, rows["black"].both, rows["black"].doubted) == (0, None, None)
    assert (rows["instruction"].spread, rows["instruction"].distance) == (1.0, 0.5)
    assert rows["instruction"].doubted == 1.0


def test_seeds_of_the_calibration_cannot_be_measured_with(
    played: list[RolloutOrder], request_for: Callable[..., RolloutsRequest], tmp_path: Path
) -> None:
    path = tmp_path / "calibration.json"
    calibration().save(path)
    with pytest.raises(BadInputError, match="--seed 36 or above"):
        policy_auroc(request_for(seed=30, episodes=10), path, 5, quiet, Interrupts())
    assert played == []


def test_a_kept_question_is_asked_again_as_it_was() -> None:
    asked: list[tuple[object, int]] = []

    class Listens(Sees):
        def infer(self, observation: Any, prefix: object, samples: int, seed: int) -> Any:
            asked.append((prefix, seed))

    kept = Question(
        observation=None,  # type: ignore[arg-type]
        prefix="joins",  # type: ignore[arg-type]
        seed=7,
        features=question(np.random.default_rng(0)),
    )
    recorded = RecordedModel(Listens(), samples=4)  # type: ignore[arg-type]
    assert recorded.asked_instead(kept, None) is None  # type: ignore[arg-type]
    assert asked == [("joins", 7)]


def test_rollouts_that_were_kept_without_naming_all_they_were_made_for_are_refused(
    played: list[RolloutOrder], request_for: Callable[..., RolloutsRequest], tmp_path: Path
) -> None:
    request = request_for(keep=tmp_path / "kept")
    calibrate(request, quiet, Interrupts(), slow_share=0.3, doubt_share=0.1)
    kept = tmp_path / "kept" / "rollouts.jsonl"
    kept.write_text(kept.read_text().replace('"files_sha256"', '"files"'))
    with pytest.raises(CheckpointError, match="files"):
        calibrate(request, quiet, Interrupts(), slow_share=0.3, doubt_share=0.1)


def test_a_rollout_that_could_not_be_played_is_tried_again(
    played: list[RolloutOrder], request_for: Callable[..., RolloutsRequest]
) -> None:
    request = request_for()
    calibrate(request, quiet, Interrupts(), slow_share=0.3, doubt_share=0.1)
    kept = request.keep / "rollouts.jsonl"
    entries = [json.loads(line) for line in kept.read_text().splitlines()]
    entries[2]["row"] = {"outcome": "error", "reason": "no memory"}
    kept.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    played.clear()
    calibrate(request, quiet, Interrupts(), slow_share=0.3, doubt_share=0.1)
    assert [order.seed for order in played] == [3]
