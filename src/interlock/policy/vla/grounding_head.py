"""Where the task's object and target are, read off the hidden states of the pictures' tokens."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from interlock.policy.vla.inputs import GroundingTarget
from interlock.policy.vla.relation import POSE_WIDTH
from interlock.policy.vla.slots import SLOTS

__all__ = ["Found", "GroundingHead"]

_CHOICE_WEIGHT = 0.05
"""So that a choice at random among 16 cells weighs about as much as an error of a tenth of the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Positions, shape (B, 2, 3), and pixels, shape (B, cameras, 2, 2), as in `GroundingTarget`.

    `looks` are the logits of the cells that were looked at, shape (B, cameras, cells², 2).
    """

    positions: Tensor
    pixels: Tensor
    looks: Tensor

    @property
    def flat(self) -> Tensor:
        """Everything in one row per slot, shape (B, 2, 3 + 2 · cameras)."""
        pixels = self.pixels.transpose(1, 2).flatten(2)
        return torch.cat([self.positions, pixels], dim=2)


class GroundingHead(nn.Module):
    """A soft argmax over each picture's tokens, then the pixels and what stands there to a place.

    The place is said from the tool, whose pose is known: what a camera at the wrist sees says nothing else,
    and the nearer the tool the smaller is what can be wrong. Small (26 k weights in `tiny`). A
    model trained from scratch on a CPU finds things an order of magnitude sooner when it is told where they
    are.

    Args:
        hidden: width of the backbone's hidden states.
        cameras: number of cameras.
        cells: tokens along one side of a picture.
    """

    def __init__(self, *, hidden: int, cameras: int, cells: int) -> None:
        super().__init__()
        self.cells = cells
        self.look = nn.Linear(hidden, 3 * len(SLOTS))  # logit, column and row inside the cell
        self.describe = nn.Linear(hidden, 16)
        clues = cameras * 18 + POSE_WIDTH
        self.place = nn.Sequential(
            nn.Linear(clues, 128), nn.GELU(), nn.Linear(128, 128), nn.GELU(), nn.Linear(128, 3)
        )

    def forward(self, hidden: Tensor, camera_mask: Tensor, tool: Tensor) -> Found:
        """Look at all pictures.

        Args:
            hidden: states of the pictures' tokens, shape (B, cameras, cells², hidden).
            camera_mask: True where a camera gave a picture, shape (B, cameras).
            tool: as `relation.tool_vector` makes it, shape (B, 12).
        """
        seen = self.look(hidden).unflatten(-1, (len(SLOTS), 3))
        weight = seen[..., 0].softmax(dim=2)
        centre = self._centres(hidden) + torch.tanh(seen[..., 1:]) / self.cells
        pixels = (weight[..., None] * centre).sum(dim=2)
        what = torch.einsum("bcns,bcnf->bcsf", weight, self.describe(hidden))
        clues = torch.cat([pixels, what], dim=-1) * camera_mask[:, :, None, None]
        known = tool[:, None, :POSE_WIDTH].to(hidden.dtype).expand(-1, len(SLOTS), -1)
        away = self.place(torch.cat([clues.transpose(1, 2).flatten(2), known], dim=-1))
        return Found(positions=tool[:, None, :3] + away.float(), pixels=pixels, looks=seen[..., 0])

    def loss(self, found: Found, target: GroundingTarget) -> Tensor:
        """Mean absolute error of known positions and pixels, soft near 0, and of the cell that is looked at.

        The first two alone are content with a place between the things that could be meant; which of them is
        meant is a choice, and is learned as one (cross-entropy over the cells of each picture).
        """
        position = functional.smooth_l1_loss(found.positions, target.positions, reduction="none", beta=0.02)
        pixel = functional.smooth_l1_loss(found.pixels, target.pixels, reduction="none", beta=0.02)
        choice = functional.cross_entropy(
            found.looks.float().transpose(2, 3).flatten(0, 2), self._cell(target.pixels), reduction="none"
        ).view(target.pixel_mask.shape)
        chosen = _mean(choice[..., None], target.pixel_mask)
        near = _mean(position, target.position_mask) + _mean(pixel, target.pixel_mask)
        return near + _CHOICE_WEIGHT * chosen

    def _cell(self, pixels: Tensor) -> Tensor:
        """Number of the cell that holds each pixel, in one row."""
        column, row = (pixels * self.cells).long().clamp(0, self.cells - 1).flatten(0, 2).unbind(-1)
        return row * self.cells + column

    def _centres(self, like: Tensor) -> Tensor:
        middle = (torch.arange(self.cells, device=like.device, dtype=like.dtype) + 0.5) / self.cells
        rows, columns = torch.meshgrid(middle, middle, indexing="ij")
        return torch.stack([columns.flatten(), rows.flatten()], dim=-1)[None, None, :, None, :]


def _mean(error: Tensor, mask: Tensor) -> Tensor:
    known = torch.where(mask[..., None], error, 0.0)
    return known.sum() / (mask.sum() * error.shape[-1]).clamp_min(1)
