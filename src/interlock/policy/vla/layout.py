"""The token stream: the prompt, then each camera's picture between that camera's two tokens."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from interlock.policy.vla.config import VlaConfig

__all__ = ["Layout", "lay_out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the backbone reads.

    Attributes:
        tokens: ids, shape (B, N).
        positions: time, height, width, shape (3, B, N).
        mask: True where a token counts, shape (B, N); None if all do.
        text: number of tokens before the pictures, padding included.
    """

    tokens: Tensor
    positions: Tensor
    mask: Tensor | None
    text: int


def lay_out(config: VlaConfig, tokens: Tensor, token_mask: Tensor, camera_mask: Tensor | None) -> Layout:
    """Put prompt and pictures in one row.

    The prompt stands first (Qwen-VLA §2.3 prepends it), so the tokens of a picture already know what is
    asked. Prompts are padded in front, so that a picture follows the last word directly.

    Args:
        config: of the model.
        tokens: prompts, padded in front, shape (B, L).
        token_mask: True where `tokens` is no padding, shape (B, L).
        camera_mask: True where a camera gave a picture, shape (B, cameras); None without pictures.
    """
    batch, length = tokens.shape
    padding = length - token_mask.sum(dim=1)
    steps = (torch.arange(length, device=tokens.device) - padding[:, None]).clamp_min(0)
    positions = [steps.expand(3, -1, -1)]
    ids, masks = [tokens], [token_mask]
    start = (length - padding)[:, None]
    for index in range(len(config.cameras) if camera_mask is not None else 0):
        picture, relative, span = _picture(config, index, tokens.device)
        ids.append(picture.expand(batch, -1))
        positions.append(relative[:, None, :] + start)
        masks.append(camera_mask[:, index : index + 1].expand(-1, len(picture)))  # type: ignore[index]
        start = start + span
    mask = torch.cat(masks, dim=1)
    return Layout(
        tokens=torch.cat(ids, dim=1),
        positions=torch.cat(positions, dim=2),
        mask=None if bool(mask.all()) else mask,
        text=length,
    )


def _picture(config: VlaConfig, index: int, device: torch.device) -> tuple[Tensor, Tensor, int]:
    """Ids, relative positions (3, n) and what the position moves on by, as Qwen counts them."""
    cells = config.image_cells
    special = config.backbone.tokens
    ids = [special.cameras[2 * index], *[special.image] * cells**2, special.cameras[2 * index + 1]]
    rows = torch.arange(cells, device=device).repeat_interleave(cells) + 1
    columns = torch.arange(cells, device=device).repeat(cells) + 1
    inner = torch.stack([torch.ones_like(rows), rows, columns])
    first, last = inner.new_zeros(3, 1), inner.new_full((3, 1), cells + 1)
    return torch.tensor(ids, device=device), torch.cat([first, inner, last], dim=1), cells + 2
