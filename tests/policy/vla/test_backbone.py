"""Each family of backbones reads the same token stream."""

from __future__ import annotations

import pytest
import torch
from tests.policy.vla.models import micro, observations, one_of

from interlock.policy.vla.backbone import _MAKERS as MAKERS
from interlock.policy.vla.backbone import Backbone
from interlock.policy.vla.backbone_shape import BackboneFamily
from interlock.policy.vla.config import VlaConfig
from interlock.policy.vla.inputs import Inputs
from interlock.policy.vla.layout import Layout, lay_out
from interlock.policy.vla.patches import patchify


def laid(config: VlaConfig, inputs: Inputs) -> Layout:
    return lay_out(config, inputs.tokens, inputs.token_mask, inputs.camera_mask)


def test_stream_is_prompt_then_each_picture_between_its_cameras_tokens() -> None:
    config = micro()
    ids = config.backbone.tokens
    layout = laid(config, observations(config, 1, words=(3,)))
    picture = [ids.image] * 4
    assert layout.tokens[0, 3:].tolist() == [
        ids.cameras[0], *picture, ids.cameras[1], ids.cameras[2], *picture, ids.cameras[3],
    ]  # fmt: skip
    assert layout.text == 3
    assert layout.mask is None


def test_positions_are_those_that_the_family_counts_itself() -> None:
    config = micro()
    inputs = observations(config, 2, words=(5, 3))
    layout = laid(config, inputs)
    model = Backbone(config.backbone, sees=True).model
    wanted, _ = model.get_rope_index(
        layout.tokens,
        image_grid_thw=torch.tensor([[1, 4, 4]] * 4),
        attention_mask=layout.mask.long(),
        mm_token_type_ids=(layout.tokens == config.backbone.tokens.image).int(),
    )
    counted = layout.mask.expand(3, -1, -1)
    assert torch.equal(layout.positions[counted], wanted[counted])


@pytest.mark.parametrize("family", BackboneFamily)
def test_padding_and_neighbours_change_nothing(family: BackboneFamily) -> None:
    config = micro(family=family)
    inputs = observations(config, 2, words=(9, 4))
    torch.manual_seed(0)
    backbone = Backbone(config.backbone, sees=True).eval()
    with torch.no_grad():
        both = backbone(laid(config, inputs), inputs.pictures)
        for index, words in enumerate((9, 4)):
            single = one_of(inputs, index)
            alone = backbone(laid(config, single), single.pictures)[0]
            torch.testing.assert_close(both[index, 9 - words :], alone, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("family", BackboneFamily)
def test_pictures_and_words_matter(family: BackboneFamily) -> None:
    config = micro(family=family)
    inputs = observations(config, 1)
    torch.manual_seed(0)
    backbone = Backbone(config.backbone, sees=True).eval()
    with torch.no_grad():
        layout = laid(config, inputs)
        first = backbone(layout, inputs.pictures)
        darker = backbone(layout, inputs.pictures // 2)
        layout.tokens[0, 0] += 1
        other = backbone(layout, inputs.pictures)
    assert not torch.allclose(first[:, -1], darker[:, -1])
    assert not torch.allclose(first[:, -1], other[:, -1])


@pytest.mark.parametrize("family", BackboneFamily)
def test_pictures_in_one_call_give_what_the_familys_own_loop_gives(family: BackboneFamily) -> None:
    config = micro(family=family)
    torch.manual_seed(0)
    ours = Backbone(config.backbone, sees=True).eval()
    torch.manual_seed(0)
    own = MAKERS[family](config.backbone).eval()
    assert own.state_dict().keys() == ours.model.state_dict().keys()
    own.load_state_dict(ours.model.state_dict())
    inputs = observations(config, 3)
    patches = patchify(inputs.pictures.flatten(0, 1), config.backbone.vision)
    grid = torch.tensor([[1, 4, 4]] * 6)
    with torch.no_grad():
        found, wanted = (each.visual(patches, grid_thw=grid).pooler_output for each in (ours.model, own))
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)


def test_a_model_that_does_not_see_has_no_vision_tower() -> None:
    config = micro()
    blind = Backbone(config.backbone, sees=False)
    assert not [name for name, _ in blind.named_parameters() if "visual" in name]
    inputs = observations(config, 1)
    layout = lay_out(config, inputs.tokens, inputs.token_mask, None)
    assert blind(layout, None).shape == (1, 9, 32)
