"""Which thing is meant is learned as a choice; where it is, as a place."""

from __future__ import annotations

from dataclasses import replace

import torch
from tests.policy.vla.models import seeded

from interlock.policy.vla.grounding_head import Found, GroundingHead
from interlock.policy.vla.inputs import GroundingTarget

PIXELS = torch.tensor([0.9, 0.1]).expand(1, 2, 2, 2)  # right, at the top: cell 3 of 4 x 4
TARGET = GroundingTarget(
    positions=torch.zeros(1, 2, 3),
    position_mask=torch.ones(1, 2, dtype=torch.bool),
    pixels=PIXELS,
    pixel_mask=torch.ones(1, 2, 2, dtype=torch.bool),
)


def head() -> GroundingHead:
    torch.manual_seed(0)
    return GroundingHead(hidden=8, cameras=2, cells=4)


def looking_at(cell: int) -> Found:
    looks = torch.zeros(1, 2, 16, 2)
    looks[:, :, cell] = 8.0
    return Found(positions=torch.zeros(1, 2, 3), pixels=PIXELS, looks=looks)


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
