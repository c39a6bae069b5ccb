"""The margin of an arm that stands still: the base case of the induction."""

from __future__ import annotations

import numpy as np

from interlock.guards.body import BodyModel
from interlock.guards.config import GateConfig
from interlock.guards.obstacles import flatten
from interlock.guards.solid import attach
from interlock.guards.verifier import Surroundings, Verifier
from interlock.hal.arrays import FloatArray
from interlock.hal.scene import Scene, SceneObject

__all__ = ["standing_margin"]


def standing_margin(
    body: BodyModel, config: GateConfig, objects: tuple[SceneObject, ...], q: FloatArray
) -> tuple[float, str]:
    """Smallest distance margin of the arm at rest at `q`, shape (n,), [rad], and the pair it belongs to.

    Returns:
        The margin left after every inflation, [m], -1 if it is broken; and the pair, or what is broken.
    """
    node = np.stack([q, np.zeros(body.n), np.zeros(body.n)])
    solid = attach(body, None)
    obstacles = flatten(Scene(stamp_ns=0, objects=objects), config, 0, None)
    around = Surroundings(
        solid=solid,
        obstacles=obstacles,
        skip=np.zeros((len(solid.cap_link), len(obstacles.owner)), dtype=np.bool_),
        tool_speed_limit_m_s=body.robot.max_tool_speed_m_s,
    )
    finding = Verifier(body, config).verify(np.stack([node, node]), around)
    if not finding.clear:
        return -1.0, finding.reason
    distances = [m for m in finding.margins if m.unit == "m"]
    nearest = min(distances, key=lambda m: m.value)
    return nearest.value, nearest.where
