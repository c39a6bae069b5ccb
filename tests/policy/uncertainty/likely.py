"""Features of made-up rollouts, drawn from laws that a test knows."""

from __future__ import annotations

import numpy as np

from interlock.policy.uncertainty.calibration import Calibration, MadeFor, Played
from interlock.policy.uncertainty.features import Features
from interlock.policy.uncertainty.fit import fit_calibration

STAGES = ("pick/approach", "pick/grasp", "place/carry")
MADE_FOR = MadeFor(weights_sha256="ab" * 32, files_sha256="ef" * 32, embodiment="cd" * 32, sampling="steps 5")
PLAYED = Played(
    cell="panda_tabletop",
    variation=("position",),
    goals=("put the red block in the tray",),
    moved_by="vla",
    episodes=40,
    seeds=tuple(range(36)),
    fitted=0,
)


def question(
    generator: np.random.Generator, stage: str = STAGES[0], *, spread: float = 1.0, shift: float = 0.0
) -> Features:
    """Three channels, the last of which never moves; ten numbers, of which two vary much."""
    scale = np.array([2.0, 1.0] + [0.1] * 8)
    middle = np.arange(10.0) + 5.0 * STAGES.index(stage)
    return Features(
        stage=stage,
        spread=spread * np.array([0.01, 0.2, 0.0]) * generator.uniform(0.5, 1.5),
        embedding=middle + scale * generator.normal(size=10) + shift,
    )


def rollout(generator: np.random.Generator, length: int = 6) -> list[Features]:
    return [question(generator, STAGES[k % len(STAGES)]) for k in range(length)]


def calibration(seed: int = 0, rollouts: int = 36, **changes: float) -> Calibration:
    generator = np.random.default_rng(seed)
    return fit_calibration(
        [rollout(generator) for _ in range(rollouts)],
        MADE_FOR,
        PLAYED,
        samples=4,
        slow_share=changes.get("slow_share", 0.3),
        doubt_share=changes.get("doubt_share", 0.1),
    )
