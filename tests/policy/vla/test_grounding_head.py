"""Which thing is meant is learned as a choice; where it is, as a place."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.policy.vla.models import seeded
from torch import nn
from torch.nn import functional

from interlock.policy.vla.grounding_head import Found, GroundingHead
from interlock.policy.vla.inputs import GroundingTarget
from interlock.policy.vla.slots import LENGTH_SCALE_M

PIXELS = torch.tensor([0.9, 0.1]).expand(1, 2, 2, 2)  # right, at the top: cell 3 of 4 x 4
TARGET = GroundingTarget(
    positions=torch.zeros(1, 2, 3),
    position_mask=torch.ones(1, 2, dtype=torch.bool),
    pixels=PIXELS,
    pixel_mask=torch.ones(1, 2, 2, dtype=torch.bool),
    projections=torch.zeros(1, 2, 3, 4),
    carried=torch.zeros(1, 2, dtype=torch.bool),
)


def head() -> GroundingHead:
    torch.manual_seed(0)
    return GroundingHead(hidden=8, cameras=2, cells=4)


def looking_at(cell: int) -> Found:
    looks = torch.zeros(1, 2, 16, 2)
    looks[:, :, cell] = 8.0
    return Found(positions=torch.zeros(1, 2, 3), pixels=PIXELS, looks=looks, what=torch.zeros(1, 2, 2, 16))


def test_looking_at_the_cell_that_is_meant_costs_least() -> None:
    losses = [float(head().loss(looking_at(cell), TARGET)) for cell in range(16)]
    assert min(range(16), key=losses.__getitem__) == 3
    assert losses[3] < 0.01


def test_what_is_in_no_picture_asks_for_no_choice() -> None:
    unseen = replace(TARGET, pixel_mask=torch.zeros(1, 2, 2, dtype=torch.bool))
    assert float(head().loss(looking_at(0), unseen)) == 0.0


def test_a_pixel_on_the_edge_belongs_to_a_cell() -> None:
    edge = replace(TARGET, pixels=torch.ones(1, 2, 2, 2))
    found = head()(
        torch.randn(1, 2, 16, 8, generator=seeded()), torch.ones(1, 2, dtype=torch.bool), torch.zeros(1, 12)
    )
    assert torch.isfinite(head().loss(found, edge))


class LooksDown(nn.Module):
    """Solves the place from one camera's pixel: it looks down, and a metre is `SCALE` pictures."""

    def __init__(self, camera: int) -> None:
        super().__init__()
        self.first = 18 * camera

    def forward(self, clues: torch.Tensor) -> torch.Tensor:
        pixel = clues[..., self.first : self.first + 2]
        return functional.pad((pixel - 0.5) / SCALE / LENGTH_SCALE_M, (0, 1))


class KnowsOnePlace(nn.Module):
    def forward(self, clues: torch.Tensor) -> torch.Tensor:
        return torch.zeros(*clues.shape[:-1], 3)


SCALE = 2.0


def elsewhere(
    place: nn.Module, scale: float = SCALE, wrong: float = 0.0, known: tuple[bool, bool] = (True, True)
) -> float:
    """The loss for two things in the middle of both pictures, seen `wrong` aside; the tool has camera 1."""
    looking = head()
    looking.place = place  # type: ignore[assignment]
    matrix = torch.tensor([[scale, 0.0, 0.0, 0.5], [0.0, scale, 0.0, 0.5], [0.0, 0.0, 0.0, 1.0]])
    middle = replace(
        TARGET,
        pixels=torch.full((1, 2, 2, 2), 0.5),
        projections=matrix * torch.tensor(known)[None, :, None, None],
        carried=torch.tensor([[False, True]]),
    )
    found = replace(looking_at(5), pixels=middle.pixels + wrong)
    mask, tool = torch.ones(1, 2, dtype=torch.bool), torch.zeros(1, 12)
    return float(looking.loss_elsewhere(found, middle, mask, tool, seeded()))


def test_geometry_is_right_elsewhere_and_one_place_by_heart_is_not() -> None:
    assert elsewhere(LooksDown(camera=1)) < 1e-6
    assert elsewhere(KnowsOnePlace()) > 0.05


def test_a_camera_that_stands_still_is_believed_less_about_what_is_elsewhere() -> None:
    assert 0.01 < elsewhere(LooksDown(camera=0)) < elsewhere(KnowsOnePlace())


def test_the_error_of_a_pixel_goes_with_the_thing() -> None:
    off = 0.1 / SCALE / LENGTH_SCALE_M  # along column and row, of three numbers
    assert elsewhere(LooksDown(camera=1), wrong=0.1) == pytest.approx(2 / 3 * (off - 0.01), rel=1e-3)


def test_half_precision_around_it_changes_nothing() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert elsewhere(LooksDown(camera=1)) < 1e-6


def test_without_a_cameras_matrix_nothing_is_learned() -> None:
    assert elsewhere(KnowsOnePlace(), known=(False, True)) == 0.0


def test_what_a_camera_would_not_see_elsewhere_is_not_counted() -> None:
    assert elsewhere(KnowsOnePlace(), scale=1e4) == 0.0
