from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.policy.training.taught import BODY, write_set

from interlock.errors import BadInputError, CheckpointError
from interlock.policy.dataset.reader import Demonstrations
from interlock.policy.training.command import main
from interlock.policy.training.request import TrainRequest
from interlock.policy.training.stage import Stage
from interlock.policy.training.train import TrainSummary, train
from interlock.policy.vla.checkpoint import Checkpoint


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("sets") / "numbers")


def request_for(data: Path, out: Path, *stages: str, rate: float = 3e-3) -> TrainRequest:
    return TrainRequest(
        data=(data,),
        out=out,
        preset="smoke",
        stages=tuple(Stage.parse(stage) for stage in stages or ("t2a:3", "pretrain:5")),
        batch=8,
        rate=rate,
        draws=2,
        held_out=0.2,
        device="cpu",
        save_every=2,
        evaluate_every=4,
    )


def weights(summary: TrainSummary) -> dict[str, torch.Tensor]:
    return dict(Checkpoint.load(Path(summary.checkpoint)).model.state_dict())


@pytest.mark.parametrize(
    "stages", [("t2a:3", "pretrain:5"), ("pretrain:2", "geometry:6"), ("pretrain:3", "action:5")]
)
def test_run_that_was_cut_off_and_went_on_is_the_run_that_was_not(
    stages: tuple[str, ...], tmp_path: Path
) -> None:
    known = write_set(tmp_path / "known", wrist=True)
    whole = train(request_for(known, tmp_path / "whole", *stages))
    cut = request_for(known, tmp_path / "cut", *stages)
    asked = 0

    def third_time() -> bool:
        nonlocal asked
        asked += 1
        return asked == 4

    said: list[str] = []
    first = train(cut, stop=third_time)
    assert (first.done, first.steps, first.checkpoint) == (False, 4, "")
    second = train(cut, say=said.append)
    assert (second.done, second.steps) == (True, 8)
    assert any("goes on from step 4" in text for text in said)
    one, other = weights(whole), weights(second)
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert second.figures == whole.figures


def test_loss_falls_and_the_checkpoint_is_of_this_body_alone(numbers: Path, tmp_path: Path) -> None:
    summary = train(request_for(numbers, tmp_path, "pretrain:60", rate=1e-2))
    rows = [json.loads(line) for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    losses = [row["action_loss"] for row in rows if "action_loss" in row]
    assert losses[-1] < 0.8 * losses[0], losses
    checkpoint = Checkpoint.load(Path(summary.checkpoint))
    assert checkpoint.body(BODY).tag == "pointer"
    assert "interlock train --preset smoke" in checkpoint.card
    assert "interlock demos --cell numbers --episodes 6 --seed 0" in checkpoint.card
    assert Demonstrations(numbers).sha256 in checkpoint.card
    assert "pretrain:60" in checkpoint.card
    assert (tmp_path / "curve.html").is_file()


def test_weights_are_stored_as_asked_and_that_may_be_asked_of_a_training_that_is_done(
    numbers: Path, tmp_path: Path
) -> None:
    request = request_for(numbers, tmp_path)
    whole = weights(train(request))
    half = train(replace(request, store="bfloat16"))
    found = Checkpoint.load(Path(half.checkpoint))
    assert found.stored == "bfloat16"
    assert "--store bfloat16" in found.card
    for name, weight in found.model.state_dict().items():
        assert torch.equal(weight, whole[name].to(torch.bfloat16).float())


def test_geometry_is_learned_by_what_turns_pixels_into_places_alone(tmp_path: Path) -> None:
    known = write_set(tmp_path / "known", wrist=True)
    both = train(request_for(known, tmp_path / "both", "pretrain:4", "geometry:6"))
    rows = [json.loads(line) for line in (tmp_path / "both" / "curve.jsonl").read_text().splitlines()]
    assert rows[-1]["stage"] == "geometry"
    before = train(request_for(known, tmp_path / "before", "pretrain:4"))
    old, new = weights(before), weights(both)
    changed = {name for name, weight in new.items() if not torch.equal(weight, old[name])}
    assert changed == {name for name in new if name.startswith("grounding.place.")}
    assert "--stage geometry:6" in Checkpoint.load(Path(both.checkpoint)).card


def test_action_is_learned_by_the_decoder_alone_and_from_sets_that_show_one(
    numbers: Path, tmp_path: Path
) -> None:
    both = train(request_for(numbers, tmp_path / "both", "pretrain:4", "action:30", rate=1e-2))
    rows = [json.loads(line) for line in (tmp_path / "both" / "curve.jsonl").read_text().splitlines()]
    assert rows[-1]["stage"] == "action"
    before = train(request_for(numbers, tmp_path / "before", "pretrain:4", rate=1e-2))
    assert both.figures["way_error_mm"] < before.figures["way_error_mm"]
    assert both.figures["place_error_mm"] == before.figures["place_error_mm"]
    old, new = weights(before), weights(both)
    changed = {name for name, weight in new.items() if not torch.equal(weight, old[name])}
    assert changed == {name for name in new if not name.startswith(("backbone.", "grounding."))}


def test_geometry_that_cannot_be_learned_is_refused(numbers: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="matrix") as unknown:
        train(request_for(numbers, tmp_path / "unknown", "geometry:1"))
    assert unknown.value.value == "wrist"
    with pytest.raises(BadInputError, match="no geometry"):
        train(replace(request_for(numbers, tmp_path / "told", "geometry:1"), preset="tiny-scene"))


def test_geometry_asks_only_the_sets_that_it_learns_from(numbers: Path, tmp_path: Path) -> None:
    known = write_set(tmp_path / "known", wrist=True)
    asked = request_for(known, tmp_path / "out", "pretrain:1", "geometry:1:known")
    assert train(replace(asked, data=(known, numbers))).done
    with pytest.raises(BadInputError, match="matrix"):
        train(replace(asked, data=(known, numbers), stages=(Stage.parse("geometry:1:numbers"),)))


def test_small_numbers_are_small_numbers_again_behind_a_training(numbers: Path, tmp_path: Path) -> None:
    smallest = torch.tensor(1e-40)
    inside: list[float] = []

    def never() -> bool:
        inside.append(float(smallest * 1.0))
        return False

    train(request_for(numbers, tmp_path / "done", "pretrain:1"), stop=never)
    assert inside == [0.0]
    assert float(smallest * 1.0) > 0.0
    with pytest.raises(BadInputError):
        train(request_for(numbers, tmp_path / "burst", "pretrain:8", rate=1e30))
    assert float(smallest * 1.0) > 0.0


def test_a_training_does_not_go_on_with_other_demonstrations(tmp_path: Path) -> None:
    asked = request_for(write_set(tmp_path / "numbers"), tmp_path / "out", "pretrain:2")
    train(asked)
    shutil.rmtree(tmp_path / "numbers")
    write_set(tmp_path / "numbers", episodes=7)
    with pytest.raises(BadInputError) as refused:
        train(asked)
    assert refused.value.field == "data"


def test_folder_of_another_training_is_refused(numbers: Path, tmp_path: Path) -> None:
    train(request_for(numbers, tmp_path, "t2a:2"))
    with pytest.raises(BadInputError, match=r"stages.*--out"):
        train(request_for(numbers, tmp_path, "t2a:3"))


def test_what_an_earlier_version_did_not_note_is_named(
    numbers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = request_for(numbers, tmp_path, "t2a:2")
    train(asked)
    noted = TrainRequest.decisive
    monkeypatch.setattr(TrainRequest, "decisive", lambda self: noted(self) | {"later": None})
    with pytest.raises(BadInputError, match="earlier version") as refused:
        train(asked)
    assert refused.value.field == "later"


def test_weights_that_were_told_the_same_numbers_in_another_order_are_not_gone_on_with(
    numbers: Path, tmp_path: Path
) -> None:
    first = Path(train(request_for(numbers, tmp_path / "first", "t2a:1")).checkpoint)
    found = Checkpoint.load(first)
    body = found.statistics.bodies[0]
    turned = replace(body, state=(body.state[1], body.state[0], *body.state[2:]))
    replace(found, statistics=replace(found.statistics, bodies=(turned,))).save(first)
    with pytest.raises(CheckpointError, match="another order") as refused:
        train(replace(request_for(numbers, tmp_path / "again", "t2a:1"), begin_from=first))
    assert refused.value.field == "from.statistics.state"


def test_constants_of_weights_that_are_gone_on_with_cannot_be_told_anew(
    numbers: Path, tmp_path: Path
) -> None:
    first = Path(train(request_for(numbers, tmp_path / "first", "t2a:1")).checkpoint)
    again = replace(request_for(numbers, tmp_path / "again", "t2a:1"), begin_from=first)
    with pytest.raises(BadInputError, match=r"--constant") as refused:
        train(replace(again, constants=(("tool_x", 0.0),)))
    assert refused.value.field == "constant"


def test_training_goes_on_from_a_checkpoint(numbers: Path, tmp_path: Path) -> None:
    first = train(request_for(numbers, tmp_path / "first", "t2a:2"))
    request = request_for(numbers, tmp_path / "second", "finetune:1:numbers", rate=1e-9)
    object.__setattr__(request, "begin_from", Path(first.checkpoint))
    second = weights(train(request))
    for name, tensor in weights(first).items():
        assert torch.allclose(tensor, second[name], atol=1e-6)
    assert "> # smoke\n" in Checkpoint.load(tmp_path / "second" / "checkpoint").card


def test_training_does_not_go_on_from_another_checkpoint_of_that_name(numbers: Path, tmp_path: Path) -> None:
    first = Path(train(request_for(numbers, tmp_path / "first", "pretrain:2")).checkpoint)
    asked = replace(request_for(numbers, tmp_path / "then", "pretrain:2"), begin_from=first)
    train(asked)
    other = train(replace(request_for(numbers, tmp_path / "other", "pretrain:2"), seed=9))
    Checkpoint.load(Path(other.checkpoint)).save(first)
    with pytest.raises(BadInputError) as refused:
        train(asked)
    assert refused.value.field == "begin_from"


def test_stills_are_learned_from_beside_motion_and_by_models_that_see(numbers: Path, tmp_path: Path) -> None:
    stills = write_set(tmp_path / "numbers_stills", episodes=2, still=True)
    request = replace(request_for(numbers, tmp_path / "seen", "t2a:1", "pretrain:2"), data=(numbers, stills))
    checkpoint = Checkpoint.load(Path(train(request).checkpoint))
    assert "interlock demos --cell numbers --episodes 2 --seed 0 --stills 4" in checkpoint.card
    with pytest.raises(BadInputError, match="learns nothing from stills"):
        train(replace(request, preset="tiny-scene", out=tmp_path / "told"))


def test_training_goes_on_with_a_skill_that_was_not_shown_before(numbers: Path, tmp_path: Path) -> None:
    pushes = write_set(tmp_path / "pushes", episodes=2, seed=3, skill="push")
    first = train(request_for(numbers, tmp_path / "first", "t2a:1"))
    later = replace(request_for(pushes, tmp_path / "later", "t2a:1"), begin_from=Path(first.checkpoint))
    (body,) = Checkpoint.load(Path(train(later).checkpoint)).statistics.bodies
    (before,) = Checkpoint.load(Path(first.checkpoint)).statistics.bodies
    assert (before.skills, body.skills) == (("pick",), ("pick", "push"))
    assert replace(body, skills=()) == replace(before, skills=())


def test_sets_of_one_body_share_its_scales(numbers: Path, tmp_path: Path) -> None:
    pushes = write_set(tmp_path / "pushes", episodes=2, seed=3, skill="push")
    request = replace(request_for(numbers, tmp_path / "both", "pretrain:1"), data=(numbers, pushes))
    (body,) = Checkpoint.load(Path(train(request).checkpoint)).statistics.bodies
    assert body.skills == ("pick", "push")


def test_loss_that_is_not_finite_ends_it(numbers: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="rate"):
        train(request_for(numbers, tmp_path, "pretrain:40", rate=1e30))


def test_command_says_what_is_wrong_and_ends_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out"), "--preset", "smoke"]
    assert main(arguments) == 2
    assert "interlock demos" in capsys.readouterr().err
    assert main([*arguments, "--batch", "0"]) == 2
    assert "batch" in capsys.readouterr().err
