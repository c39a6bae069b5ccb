from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pybullet")

from tests.policy.uncertainty.likely import calibration
from tests.policy.vla.models import lively, micro

from interlock.errors import BadInputError, CheckpointError
from interlock.orchestrator import resumption
from interlock.orchestrator import ship as shipping
from interlock.orchestrator.axes import Axis
from interlock.orchestrator.code_digest import code_sha256
from interlock.orchestrator.demo_run import cell_in_space
from interlock.orchestrator.eval_run import EvalOrder, EvalRow
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.judged import Judged
from interlock.orchestrator.policy_eval import ROWS, EvalRequest, evaluate
from interlock.orchestrator.ship import LARGEST_BYTES, ShipRequest, main, ship
from interlock.policy.uncertainty.calibration import Calibration
from interlock.policy.uncertainty.options import CALIBRATION
from interlock.policy.vla.checkpoint import Checkpoint
from interlock.policy.vla.made_up import made_up_checkpoint
from interlock.policy.vla.shipped_weights import DEFAULT_WEIGHTS, SHIPPED, shipped_weights

CELL = "panda_tabletop"
TWO = (Axis.POSITION, Axis.LIGHTING)
CARD = "# micro\n\n## Training\n\n    interlock train\n\n## Limits\n\n- Only the bodies of the data.\n"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cell = cell_in_space(CELL, "tool_delta")
    config = replace(micro(state_width=24), horizon=16)
    names = [f"s{k}" for k in range(17)]
    made = made_up_checkpoint(config, cell.embodiment(), names, ["pick up the red block"])
    replace(made, card=CARD).save(folder := tmp_path_factory.mktemp("trained"))
    return folder


def row_of(order: EvalOrder) -> EvalRow:
    """Held-out light halves success, and without the gate things are hit."""
    lost = order.group == "lighting" and order.seed % 2
    return EvalRow(
        group=order.group,
        seed=order.seed,
        gated=order.gated,
        goal=order.goal,
        outcome="gave_up" if lost else "achieved",
        reason="",
        contacts=0 if order.gated else 3,
        varied=tuple(axis.value for axis, _ in order.splits),
    )


def rows(checkpoint: Path, folder: Path, **changes: Any) -> Path:
    """What an evaluation of four episodes in each group leaves; none is played."""

    def done(
        function: object, jobs: Iterable[EvalOrder], workers: int, what: str
    ) -> Iterator[tuple[EvalOrder, dict[str, Any]]]:
        yield from ((order, asdict(row_of(order))) for order in jobs)

    request = EvalRequest(
        cell=CELL,
        policy="vla",
        checkpoint=str(checkpoint),
        axes=changes.pop("axes", TWO),
        episodes=4,
        seed=70,
        goals=("pick up the red block",),
        puppet=True,
        workers=1,
        out=folder,
        **changes,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resumption, "done_as_ready", done)
        evaluate(request, lambda done, total, row: None, Interrupts())
    return folder


def calibration_of(checkpoint: Path) -> Calibration:
    weights = Checkpoint.load(checkpoint).sha256["model.safetensors"]
    made = calibration()
    return replace(made, made_for=replace(made.made_for, weights_sha256=weights))


def asked(checkpoint: Path, tmp_path: Path, *results: tuple[str, Path, Path]) -> ShipRequest:
    return ShipRequest(
        checkpoint=checkpoint,
        results=results,
        limits=("Nothing on a real arm.",),
        evidence=tmp_path / "evidence",
        out=tmp_path / "shipped",
    )


def test_card_tells_success_by_axis_with_n_interval_and_contacts_of_both_halves(
    checkpoint: Path, tmp_path: Path
) -> None:
    shipped = ship(
        asked(checkpoint, tmp_path, ("panda_tabletop", rows(checkpoint, tmp_path / "e"), checkpoint))
    )
    text = shipped.card
    assert "| as taught | 4 | 4: 100% (51% to 100%) | 0 | 0 | 4 | 4: 100% (51% to 100%) | 12 | 0 |" in text
    assert "| lighting held out | 4 | 2: 50% (15% to 85%) | 0 |" in text
    assert "--cell panda_tabletop" in text
    assert "--variation position,lighting --episodes 4 --seed 70" in text
    assert text.index("interlock train") < text.index("## Results") < text.index("## Limits")
    assert "- Nothing on a real arm." in text
    assert Checkpoint.load(tmp_path / "shipped" / "micro").card == text


def test_the_code_that_played_is_told_and_two_versions_are_no_table(checkpoint: Path, tmp_path: Path) -> None:
    found = rows(checkpoint, tmp_path / "e")
    shipped = ship(asked(checkpoint, tmp_path, (CELL, found, checkpoint)))
    assert f"Code: `{code_sha256()}`." in shipped.card
    lines = (found / "episodes.jsonl").read_text().splitlines()
    entry = json.loads(lines[0])
    for code in ("another", None):
        other = {name: value for name, value in entry.items() if name != "code"}
        other |= {} if code is None else {"code": code}
        (found / "episodes.jsonl").write_text("\n".join([json.dumps(other), *lines[1:]]) + "\n")
        with pytest.raises(BadInputError, match=r"several versions.*--out"):
            Judged.read(CELL, found, checkpoint)


def test_results_stand_before_its_own_limits_and_not_in_the_card_that_it_quotes(
    checkpoint: Path, tmp_path: Path
) -> None:
    quoted = "".join(f"> {line}\n" for line in CARD.splitlines())
    before = CARD.replace("## Limits", f"It began from the weights of this card:\n\n{quoted}\n## Limits")
    replace(Checkpoint.load(checkpoint), card=before).save(begun := tmp_path / "begun")
    text = ship(asked(begun, tmp_path, (CELL, rows(begun, tmp_path / "e"), begun))).card
    assert quoted in text
    assert text.index(quoted) < text.index("\n## Results\n") < text.index("\n## Limits\n")
    again = ship(asked(tmp_path / "shipped" / "micro", tmp_path)).card
    assert again == text


@pytest.mark.parametrize("axes", [(), tuple(Axis), TWO])
def test_card_of_what_is_taught_alone_names_the_command_that_plays_it(
    axes: tuple[Axis, ...], checkpoint: Path, tmp_path: Path
) -> None:
    found = rows(checkpoint, tmp_path / "e", axes=axes, held_out=False)
    text = ship(asked(checkpoint, tmp_path, ("panda_tabletop", found, checkpoint))).card
    varied = {(): "none", TWO: "position,lighting"}.get(axes, "all")
    assert f"--variation {varied} --episodes 4 --seed 70 --goal 'pick up the red block'" in text
    assert ("--no-held-out" in text) == bool(axes)
    assert ("held out |" in text, "| as taught | 4 |" in text) == (False, True)


def forget_what_was_varied(folder: Path) -> None:
    """As rows were before they said it."""
    path = folder / ROWS
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    for entry in entries:
        del entry["row"]["varied"]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))


@pytest.mark.parametrize(
    ("axes", "held_out"), [(TWO, True), ((), False), (tuple(Axis), False), (tuple(Axis), True)]
)
def test_rows_that_do_not_say_what_was_varied_count_as_those_that_do(
    axes: tuple[Axis, ...], held_out: bool, checkpoint: Path, tmp_path: Path
) -> None:
    found = rows(checkpoint, tmp_path / "e", axes=axes, held_out=held_out)
    said = Judged.read(CELL, found, checkpoint)
    forget_what_was_varied(found)
    assert Judged.read(CELL, found, checkpoint) == said
    assert said.varied == tuple(axis.value for axis in axes)


def test_groups_that_are_missing_are_an_evaluation_that_was_cut_off(checkpoint: Path, tmp_path: Path) -> None:
    found = rows(checkpoint, tmp_path / "e")
    lines = (found / ROWS).read_text().splitlines(keepends=True)
    (found / ROWS).write_text("".join(lines[:4]))  # seen and position of the first seed, no light
    with pytest.raises(BadInputError, match="cut off"):
        Judged.read(CELL, found, checkpoint)


def test_foreign_row_does_not_ship(checkpoint: Path, tmp_path: Path) -> None:
    found = rows(checkpoint, tmp_path / "e")
    (found / ROWS).write_text((found / ROWS).read_text().replace('"sim_time_s"', '"time_s"'))
    with pytest.raises(BadInputError, match=r"row\.time_s.*episodes\.jsonl"):
        Judged.read(CELL, found, checkpoint)


def test_card_is_made_again_from_the_counts_alone(checkpoint: Path, tmp_path: Path) -> None:
    first = ship(
        asked(checkpoint, tmp_path, ("panda_tabletop", rows(checkpoint, tmp_path / "e"), checkpoint))
    )
    again = ship(replace(asked(tmp_path / "shipped" / "micro", tmp_path), limits=()))
    assert again.card == first.card
    assert again.sha256 == first.sha256


def test_evaluation_stands_for_the_weights_after_the_card_is_written(
    checkpoint: Path, tmp_path: Path
) -> None:
    found = rows(checkpoint, tmp_path / "e")
    ship(asked(checkpoint, tmp_path, ("panda_tabletop", found, checkpoint)))
    assert Judged.read("panda_tabletop", found, tmp_path / "shipped" / "micro").episodes == 4


def test_calibration_ships_with_its_weights_and_none_of_others_stays(
    checkpoint: Path, tmp_path: Path
) -> None:
    calibrated = tmp_path / "calibrated"
    shutil.copytree(checkpoint, calibrated)
    made = calibration_of(checkpoint)
    made.save(calibrated / CALIBRATION)
    ship(asked(calibrated, tmp_path, (CELL, rows(calibrated, tmp_path / "e"), calibrated)))
    assert Calibration.load(tmp_path / "shipped" / "micro" / CALIBRATION).sha256 == made.sha256
    ship(asked(checkpoint, tmp_path, (CELL, rows(checkpoint, tmp_path / "f"), checkpoint)))
    assert not (tmp_path / "shipped" / "micro" / CALIBRATION).exists()


def test_calibration_of_other_weights_does_not_ship(checkpoint: Path, tmp_path: Path) -> None:
    calibrated = tmp_path / "calibrated"
    shutil.copytree(checkpoint, calibrated)
    calibration().save(calibrated / CALIBRATION)
    with pytest.raises(CheckpointError, match="other weights"):
        ship(asked(calibrated, tmp_path, (CELL, rows(calibrated, tmp_path / "e"), calibrated)))
    assert not (tmp_path / "shipped").exists()


@pytest.mark.parametrize("wrong", ["cell", "weights", "cut off", "nothing", "other counts"])
def test_result_of_something_else_does_not_ship(checkpoint: Path, tmp_path: Path, wrong: str) -> None:
    cell = "xarm6_tabletop" if wrong == "cell" else "panda_tabletop"
    found = rows(checkpoint, tmp_path / "e")
    other = tmp_path / "other"
    kept = Checkpoint.load(checkpoint)
    replace(kept, model=lively(kept.config, seed=5)).save(other)
    results = [(cell, found, other if wrong == "weights" else checkpoint)]
    if wrong == "cut off":
        lines = (found / ROWS).read_text().splitlines(keepends=True)
        (found / ROWS).write_text("".join(lines[:-1]))
    if wrong == "nothing":
        (found / ROWS).unlink()
    request = asked(checkpoint, tmp_path, *results)
    if wrong == "other counts":
        ship(request)
        request = asked(other, tmp_path)
    with pytest.raises(BadInputError, match=r"policy eval|weights|goes on"):
        ship(request)
    assert wrong == "other counts" or not (tmp_path / "shipped").exists()


def test_too_large_a_checkpoint_does_not_ship(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "LARGEST_BYTES", 100_000)
    found = rows(checkpoint, tmp_path / "e")
    with pytest.raises(CheckpointError, match="larger"):
        ship(asked(checkpoint, tmp_path, ("panda_tabletop", found, checkpoint)))


def test_command_says_what_is_wrong_and_ends_with_two(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--checkpoint", str(checkpoint), "--evidence", str(tmp_path / "evidence")]
    options += ["--out", str(tmp_path / "shipped")]
    assert main([*options, "--results", "panda_tabletop"]) == 2
    assert "CELL=DIR" in capsys.readouterr().err
    found = rows(checkpoint, tmp_path / "e")
    assert main([*options, "--results", f"panda_tabletop={found}"]) == 0
    assert "micro" in capsys.readouterr().out


@pytest.mark.parametrize("name", shipped_weights())
def test_shipped_card_is_the_one_that_its_evidence_makes(name: str, tmp_path: Path) -> None:
    counts = Path(__file__).parents[2] / "evidence"
    request = replace(asked(SHIPPED / name, tmp_path), limits=(), evidence=counts)
    shipped = ship(request)
    assert shipped.card == Checkpoint.load(SHIPPED / name).card
    assert shipped.config.name == name


def test_all_that_ships_is_small_enough_together() -> None:
    assert DEFAULT_WEIGHTS in shipped_weights()
    assert sum(path.stat().st_size for path in SHIPPED.glob("*/*")) <= LARGEST_BYTES


def test_weights_that_ship_beside_it_count(checkpoint: Path, tmp_path: Path) -> None:
    request = asked(checkpoint, tmp_path, ("panda_tabletop", rows(checkpoint, tmp_path / "e"), checkpoint))
    ship(request)
    ship(request)  # once more in its own place
    other = tmp_path / "shipped" / "other"
    other.mkdir()
    (other / "model.safetensors").write_bytes(bytes(LARGEST_BYTES))
    ship(request)  # which is no weights without this
    (other / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="with other beside it, it is larger"):
        ship(request)


@pytest.mark.parametrize("name", ["", "../escaped", "a/b", "Micro"])
def test_weights_ship_under_a_name_that_stays_in_the_folder(
    name: str, checkpoint: Path, tmp_path: Path
) -> None:
    found = rows(checkpoint, tmp_path / "e")
    odd = Checkpoint.load(checkpoint)
    odd.model.config = replace(odd.config, name=name)
    odd.save(tmp_path / "odd")
    with pytest.raises(CheckpointError, match="cannot ship under this name"):
        ship(asked(tmp_path / "odd", tmp_path, ("panda_tabletop", found, checkpoint)))
    assert not (tmp_path / "escaped").exists()
