"""Where the task's object and target are, read off the hidden states of the pictures' tokens."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from interlock.policy.vla.inputs import GroundingTarget
from interlock.policy.vla.relation import POSE_WIDTH
from interlock.policy.vla.slots import LENGTH_SCALE_M, SLOTS

__all__ = ["Found", "GroundingHead"]

_CHOICE_WEIGHT = 0.05
"""So that a choice at random among 16 cells weighs about as much as an error of a tenth of the picture."""

_ELSEWHERE_M = 0.15
"""How far along x and y of the base a thing is put elsewhere at most, [m]."""

_BELIEVED_M = 0.06
"""Standard deviation by which a camera that stands still is off about a thing elsewhere, [m]."""

_PLACES = 8  # for each thing in each picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Positions, shape (B, 2, 3), and pixels, shape (B, cameras, 2, 2), as in `GroundingTarget`.

    `looks` are the logits of the cells that were looked at, shape (B, cameras, cells², 2); `what` describes
    what was seen there, shape (B, cameras, 2, 16).
    """

    positions: Tensor
    pixels: Tensor
    looks: Tensor
    what: Tensor

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
        positions = self._positions(pixels, what, camera_mask, tool)
        return Found(positions=positions, pixels=pixels, looks=seen[..., 0], what=what)

    def _positions(self, pixels: Tensor, what: Tensor, camera_mask: Tensor, tool: Tensor) -> Tensor:
        """Where that is what is seen at these pixels, shape (B, 2, 3)."""
        clues = torch.cat([pixels, what], dim=-1) * camera_mask[:, :, None, None]
        known = tool[:, None, :POSE_WIDTH].to(what.dtype).expand(-1, len(SLOTS), -1)
        away = self.place(torch.cat([clues.transpose(1, 2).flatten(2), known], dim=-1))
        return tool[:, None, :3] + away.float()

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

    def loss_elsewhere(
        self,
        found: Found,
        target: GroundingTarget,
        camera_mask: Tensor,
        tool: Tensor,
        generator: torch.Generator,
    ) -> Tensor:
        """Error of the places of the same things put elsewhere, at the same height: geometry, not pictures.

        Which place a pixel means follows from where the camera is; whoever is shown things at four places
        alone learns the four places instead. So each thing is moved along the base, the cameras' matrices say
        where it would be seen, and by as much as the model was wrong about the pixel of the real one, it is
        wrong about this one. A camera that stands still saw things where they stood and nowhere else: that it
        finds them elsewhere as well is not to be believed, so there it is off by more. The one that the tool
        carries has seen them everywhere in its picture. Counted where each camera sees the thing in both
        places, or in neither, and its matrix is known. Only `place` learns.

        Args:
            found: in the real pictures.
            target: where things really are.
            camera_mask: True where a camera gave a picture, shape (B, cameras).
            tool: as `relation.tool_vector` makes it, shape (B, 12).
            generator: on the CPU; draws the places.
        """
        with torch.autocast(tool.device.type, enabled=False):  # a pixel is less than half precision resolves
            return self._loss_elsewhere(found, target.repeat(_PLACES), camera_mask, tool, generator)

    def _loss_elsewhere(
        self,
        found: Found,
        real: GroundingTarget,
        camera_mask: Tensor,
        tool: Tensor,
        generator: torch.Generator,
    ) -> Tensor:
        count, device = _PLACES * len(tool), tool.device
        camera_mask, tool = camera_mask.repeat_interleave(_PLACES, 0), tool.repeat_interleave(_PLACES, 0)
        away = 2.0 * torch.rand(count, len(SLOTS), 2, generator=generator) - 1.0
        off = torch.randn(count, 1, len(SLOTS), 2, generator=generator).to(device) * _BELIEVED_M
        away = functional.pad(away.to(device) * (_ELSEWHERE_M / LENGTH_SCALE_M), (0, 1))
        positions = real.positions + away
        points = (positions * LENGTH_SCALE_M)[:, None]
        _, inside = _shown(real.projections, points)
        believed, _ = _shown(
            real.projections, points + functional.pad(off * ~real.carried[:, :, None, None], (0, 1))
        )
        matched = (inside == real.pixel_mask) & real.projections.flatten(2).any(dim=2)[..., None]
        known = real.position_mask & (matched | ~camera_mask[..., None]).all(dim=1)
        seen = found.pixels.detach().float().repeat_interleave(_PLACES, 0)
        pixels = torch.where(real.pixel_mask[..., None], believed + seen - real.pixels, seen)
        what = found.what.detach().float().repeat_interleave(_PLACES, 0)
        said = self._positions(pixels, what, camera_mask, tool)
        return _mean(functional.smooth_l1_loss(said, positions, reduction="none", beta=0.02), known)

    def _cell(self, pixels: Tensor) -> Tensor:
        """Number of the cell that holds each pixel, in one row."""
        column, row = (pixels * self.cells).long().clamp(0, self.cells - 1).flatten(0, 2).unbind(-1)
        return row * self.cells + column

    def _centres(self, like: Tensor) -> Tensor:
        middle = (torch.arange(self.cells, device=like.device, dtype=like.dtype) + 0.5) / self.cells
        rows, columns = torch.meshgrid(middle, middle, indexing="ij")
        return torch.stack([columns.flatten(), rows.flatten()], dim=-1)[None, None, :, None, :]


def _shown(projections: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """Pixels of points of the base [m], shape (B, cameras, S, 2), and whether they are in the picture."""
    cameras = projections.shape[1]
    homogeneous = functional.pad(points.expand(-1, cameras, -1, -1), (0, 1), value=1.0)
    shown = torch.einsum("bcij,bcsj->bcsi", projections, homogeneous)
    pixels = shown[..., :2] / shown[..., 2:].clamp_min(1e-3)
    return pixels, (shown[..., 2] > 0.0) & ((pixels >= 0.0) & (pixels <= 1.0)).all(dim=-1)


def _mean(error: Tensor, mask: Tensor) -> Tensor:
    known = torch.where(mask[..., None], error, 0.0)
    return known.sum() / (mask.sum() * error.shape[-1]).clamp_min(1)
