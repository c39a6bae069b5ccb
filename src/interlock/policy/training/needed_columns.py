"""What a training looks at of a set, by the model that it trains."""

from __future__ import annotations

from interlock.policy.dataset.features import IMAGES, PROJECTION
from interlock.policy.vla.config import VlaConfig

__all__ = ["needed_columns"]

_ALWAYS = frozenset(
    {
        "observation.state",
        "observation.task_object",
        "observation.task_object_mask",
        "observation.task_object_size",
        "observation.task_target",
        "observation.task_target_mask",
        "observation.time",
        "action_chunk",
        "anchor",
        "episode_index",
        "phase",
        "skill",
        "step",
    }
)


def needed_columns(config: VlaConfig) -> frozenset[str]:
    """Names of the columns that `Lessons` and `Material` take from a set.

    A model that is told where things are needs no pictures, one that looks needs those of its own cameras,
    and their matrices.
    """
    seen = {f"{kind}{role}" for role in config.cameras for kind in (IMAGES, PROJECTION)}
    return _ALWAYS | seen
