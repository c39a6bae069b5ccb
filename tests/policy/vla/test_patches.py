"""Pictures are cut as the published processors cut them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from interlock.policy.vla.patches import patchify
from interlock.policy.vla.preset import preset


@pytest.mark.parametrize(("patch", "merge", "temporal"), [(16, 2, 2), (8, 2, 1), (8, 1, 2), (14, 2, 2)])
def test_patches_are_those_of_the_published_processor(patch: int, merge: int, temporal: int) -> None:
    height, width = 4 * patch * merge, 2 * patch * merge
    pictures = np.random.default_rng(1).integers(0, 256, (3, height, width, 3), dtype=np.uint8)
    processor = Qwen2VLImageProcessorPil(
        patch_size=patch,
        merge_size=merge,
        temporal_patch_size=temporal,
        do_resize=False,
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    )
    wanted = processor(images=list(pictures), return_tensors="pt")
    vision = replace(preset("tiny").backbone.vision, patch=patch, merge=merge, temporal_patch=temporal)
    found = patchify(torch.from_numpy(pictures), vision)
    assert wanted["image_grid_thw"].tolist() == [[1, height // patch, width // patch]] * 3
    torch.testing.assert_close(found, wanted["pixel_values"], atol=1e-6, rtol=0.0)


def test_black_is_minus_one_and_white_is_one() -> None:
    vision = preset("tiny").backbone.vision
    assert (patchify(torch.zeros(1, 32, 32, 3, dtype=torch.uint8), vision) == -1.0).all()
    assert (patchify(torch.full((1, 32, 32, 3), 255, dtype=torch.uint8), vision) == 1.0).all()
