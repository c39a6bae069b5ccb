from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.policy.training.taught import write_set

from interlock.errors import CheckpointError
from interlock.policy.training.material import Material
from interlock.policy.training.request import TrainRequest
from interlock.policy.training.stage import Stage
from interlock.policy.training.train import train
from interlock.policy.vla.adopted_decoder import with_decoder_of
from interlock.policy.vla.checkpoint import Checkpoint
from interlock.policy.vla.config import Grounding, VlaConfig
from interlock.policy.vla.model import QwenVla
from interlock.policy.vla.preset import preset
from interlock.policy.vla.slots import slot_vector


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    folder = write_set(tmp_path_factory.mktemp("sets") / "known", wrist=True)
    return Material.load((folder,), held_out=0.2, seed=0)


def untrained(config: VlaConfig, material: Material, seed: int) -> Checkpoint:
    torch.manual_seed(seed)
    return Checkpoint(
        model=QwenVla(config),
        statistics=material.statistics({}),
        tokenizer=material.tokenizer(config),
        card="",
        sha256={},
    )


def test_all_that_does_not_see_is_the_donors(material: Material) -> None:
    mine, donor = untrained(preset("tiny"), material, 1), untrained(preset("tiny-scene"), material, 2)
    scaled = replace(donor.statistics.bodies[0], skills=("reach",))
    donor = replace(donor, statistics=replace(donor.statistics, bodies=(scaled,)))
    before = {name: weight.clone() for name, weight in mine.model.state_dict().items()}
    given = donor.model.state_dict()
    adopted = with_decoder_of(mine, donor)
    for name, weight in adopted.model.state_dict().items():
        if name.startswith(("backbone.", "grounding.")):
            assert torch.equal(weight, before[name]), name
        elif not name.startswith("from_found"):
            assert torch.equal(weight, given[name]), name
    # What was learned is said by the sets of the one that sees.
    assert adopted.statistics.bodies[0].skills == mine.statistics.bodies[0].skills
    assert replace(adopted.statistics.bodies[0], skills=("reach",)) == scaled


def test_found_place_reads_as_a_told_one_that_is_not_turned_and_has_no_size(material: Material) -> None:
    mine, donor = untrained(preset("tiny"), material, 1), untrained(preset("tiny-scene"), material, 2)
    place, way = torch.tensor([0.4, -0.2, 0.1]), torch.randn(6)
    slot = torch.from_numpy(slot_vector((place * 0.5).numpy(), torch.eye(3).numpy(), [0.0, 0.0, 0.0])).float()
    told, found = donor.model.from_scene, with_decoder_of(mine, donor).model.from_found
    assert told is not None
    assert found is not None
    expected = told(torch.cat([slot, way, torch.zeros(6)]))
    for pixels in (torch.zeros(4), torch.rand(4)):
        assert torch.allclose(found(torch.cat([place, pixels, way])), expected, atol=1e-6)


def test_decoder_of_another_shape_or_for_other_bodies_is_refused(material: Material, tmp_path: Path) -> None:
    mine, donor = untrained(preset("tiny"), material, 1), untrained(preset("tiny-scene"), material, 2)
    with pytest.raises(CheckpointError, match="shape") as other:
        with_decoder_of(mine, untrained(preset("smoke"), material, 3))
    assert other.value.field == "decoder_from.decoder"
    body = donor.statistics.bodies[0]
    foreign = replace(donor, statistics=replace(donor.statistics, bodies=(replace(body, tag="other"),)))
    with pytest.raises(CheckpointError, match="not trained with that body"):
        with_decoder_of(mine, foreign)


def test_decoder_that_reads_other_places_or_other_cameras_is_refused(material: Material) -> None:
    scene = untrained(preset("tiny-scene"), material, 2)
    one_camera = replace(preset("tiny"), cameras=("base",))
    cases = [
        (one_camera, untrained(preset("tiny"), material, 3), "cameras", "other cameras"),
        (
            preset("tiny-scene"),
            untrained(preset("tiny"), material, 3),
            None,
            "reads found places.*told places",
        ),
        (replace(preset("tiny"), grounding=Grounding.LOSS), scene, None, "reads told places.*no places"),
    ]
    for config, donor, field, said in cases:
        mine = untrained(config, material, 1)
        before = {name: weight.clone() for name, weight in mine.model.state_dict().items()}
        with pytest.raises(CheckpointError, match=said) as refused:
            with_decoder_of(mine, donor)
        assert refused.value.field == ("decoder_from" if field is None else f"decoder_from.{field}")
        assert "--decoder-from" in str(refused.value)
        assert all(torch.equal(weight, before[name]) for name, weight in mine.model.state_dict().items())


def test_decoder_that_was_told_the_same_numbers_in_another_order_is_refused(material: Material) -> None:
    mine, donor = untrained(preset("tiny"), material, 1), untrained(preset("tiny-scene"), material, 2)
    body = donor.statistics.bodies[0]
    turned = replace(body, state=(body.state[1], body.state[0], *body.state[2:]))
    with pytest.raises(CheckpointError, match="another order") as refused:
        with_decoder_of(mine, replace(donor, statistics=replace(donor.statistics, bodies=(turned,))))
    assert refused.value.field == "decoder_from.statistics.state"


def test_training_begins_with_that_decoder_and_its_card_says_so(material: Material, tmp_path: Path) -> None:
    torch.manual_seed(4)
    donor = untrained(preset("smoke"), material, 4).save(tmp_path / "donor")
    request = TrainRequest(
        data=(material.sets[0].folder,),
        out=tmp_path / "out",
        preset="smoke",
        stages=(Stage.parse("geometry:1"),),
        batch=4,
        held_out=0.2,
        device="cpu",
        decoder_from=tmp_path / "donor",
    )
    done = Checkpoint.load(Path(train(request).checkpoint))
    given = donor.model.state_dict()
    same = {name for name, weight in done.model.state_dict().items() if torch.equal(weight, given[name])}
    assert {name for name in given if name.startswith(("decoder.", "from_", "slot_"))} <= same
    assert not any(name.startswith("backbone.model.language_model.layers.0.mlp") for name in same)
    assert "--decoder-from" in done.card
    assert request.decisive() != replace(request, decoder_from=None).decisive()
