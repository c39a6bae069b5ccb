"""How a model does on frames that it did not learn from, in units a person can judge."""

from __future__ import annotations

import numpy as np
import torch

from interlock.policy.training.lessons import Lesson, Lessons
from interlock.policy.training.material import Material
from interlock.policy.vla.model import QwenVla
from interlock.policy.vla.slots import LENGTH_SCALE_M

__all__ = ["Evaluation"]

_BATCH = 64
_STEPS = 5  # Euler steps: an estimate of the error is wanted, not the last tenth of it


class Evaluation:
    """Samples chunks for the same frames each time, from the same noise.

    Args:
        lessons: makes batches.
        material: has the frames.
        seed: chooses them.
    """

    def __init__(self, lessons: Lessons, material: Material, seed: int) -> None:
        self._lessons = lessons
        self._frames: tuple[Lesson, ...] = material.sample(seed)

    @torch.no_grad()
    def of(self, model: QwenVla, device: torch.device) -> dict[str, float]:
        """Median errors: of where a chunk ends [mm or mrad], its last width [mm], the object's place [mm].

        Chunks start from all of the noise, whatever the checkpoint's temperature, so that trainings compare.
        """
        model.eval()
        generator = torch.Generator().manual_seed(0)
        ways: list[float] = []
        widths: list[float] = []
        places: list[float] = []
        for start in range(0, len(self._frames), _BATCH):
            lessons = self._frames[start : start + _BATCH]
            batch = self._lessons.batch(lessons).to(device)
            encoded = model.encode(batch.inputs)
            shape = (batch.inputs.count, model.config.horizon, model.config.channels)
            noise = torch.randn(shape, generator=generator).to(device)
            chunks = model.integrate(encoded, batch.inputs, noise, steps=_STEPS)[:, 0].cpu().numpy()
            for lesson, chunk in zip(lessons, chunks, strict=True):
                way, width = self._lessons.errors(lesson, chunk)
                ways.append(way)
                widths.append(width)
            if encoded.found is not None and batch.grounding is not None:
                away = encoded.found.positions[:, 0] - batch.grounding.positions[:, 0]
                known = batch.grounding.position_mask[:, 0]
                places += (1e3 * LENGTH_SCALE_M * away.norm(dim=-1))[known].tolist()
        figures = {"way_error_mm": float(np.median(ways)), "width_error_mm": float(np.median(widths))}
        return figures | ({"place_error_mm": float(np.median(places))} if places else {})
