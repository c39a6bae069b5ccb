"""What a driver demands of a command before it takes it."""

from __future__ import annotations

import numpy as np

from interlock.errors import DriverFaultError
from interlock.hal.arrays import FloatArray
from interlock.hal.command import GuardedCommand

__all__ = ["check_playable"]

_CONTINUITY = 1e-9
_ROUNDING = 1e-6


def check_playable(command: GuardedCommand, node: FloatArray, period_s: float) -> None:
    """Refuse a command that cannot be played from `node`, shape (3, n), with nodes every `period_s` [s].

    Raises:
        DriverFaultError: if it is not finite, does not start at `node`, has another period, is not a cubic
            from node to node, or does not end at rest.
    """
    if abs(command.period_s - period_s) > 1e-12:
        raise DriverFaultError(
            f"this driver's period is {period_s} s", field="command.period_s", value=command.period_s
        )
    if command.start.shape != node.shape:
        raise DriverFaultError(
            f"expected {node.shape[1]} joints", field="command.start", value=command.start.shape
        )
    nodes = np.concatenate([command.start[None], command.end[None], command.tail])
    if not np.isfinite(nodes).all():
        raise DriverFaultError("a node is not finite", field="command", value=command.seq)
    gap = float(np.abs(command.start - node).max())
    if gap > _CONTINUITY:
        raise DriverFaultError(
            "it does not start where the last node ended", field="command.start", value=gap
        )
    bend = _largest_bend(nodes, period_s)
    if bend > _ROUNDING:
        raise DriverFaultError("two nodes are not joined by a cubic", field="command.tail", value=bend)
    if np.abs(nodes[-1, 1:]).max() > _ROUNDING:
        raise DriverFaultError("the stop does not end at rest", field="command.tail", value=command.seq)


def _largest_bend(nodes: FloatArray, period_s: float) -> float:
    """How far any node is from where its predecessor's cubic leads, [rad or rad/s]; nodes (k, 3, n)."""
    (q0, v0, a0), (q1, v1, a1) = nodes[:-1].swapaxes(0, 1), nodes[1:].swapaxes(0, 1)
    speed = v0 + period_s * (a0 + a1) / 2.0
    way = q0 + period_s * v0 + period_s**2 * (a0 / 3.0 + a1 / 6.0)
    return float(max(np.abs(q1 - way).max(), np.abs(v1 - speed).max()))
