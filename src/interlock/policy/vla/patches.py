"""Pictures as the patches that Qwen's vision towers take."""

from __future__ import annotations

import torch
from torch import Tensor

from interlock.policy.vla.backbone_shape import VisionShape

__all__ = ["patchify"]


def patchify(pictures: Tensor, vision: VisionShape) -> Tensor:
    """Cut pictures into patches, in the order in which neighbours are merged later.

    The same numbers as the Qwen2-VL and Qwen3-VL processors of `transformers` with mean and deviation 0.5,
    without their resizing.

    Args:
        pictures: RGB, uint8, shape (N, height, width, 3); height and width multiples of patch · merge.
        vision: patch, merge and temporal_patch.

    Returns:
        Shape (N · height/patch · width/patch, 3 · temporal_patch · patch²), −1 to 1.
    """
    count, height, width, _ = pictures.shape
    patch, merge = vision.patch, vision.merge
    scaled = pictures.float() / 127.5 - 1.0
    cut = scaled.view(
        count, height // (patch * merge), merge, patch, width // (patch * merge), merge, patch, 3
    )
    ordered = cut.permute(
        0, 1, 4, 2, 5, 7, 3, 6
    )  # picture, row, column, inner row, inner column, colour, y, x
    flat = ordered.reshape(-1, 3, 1, patch, patch).expand(-1, -1, vision.temporal_patch, -1, -1)
    return (
        flat.reshape(flat.shape[0], -1).contiguous() if vision.temporal_patch > 1 else torch.flatten(flat, 1)
    )
