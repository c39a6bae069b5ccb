"""What a driver plays: the last command, then the stop that came with it, then standstill."""

from __future__ import annotations

import numpy as np

from interlock.guards.gate import GateOutput
from interlock.hal.arrays import FloatArray
from interlock.hal.command import GuardedCommand
from interlock.hal.state import RobotState

__all__ = ["Played"]

CLOSE = 1e-9
"""How far a driver may be from the node that a command begins at, and so from any that it was sent."""
_REST = 1e-6
_FIELDS = ("q_commanded", "v_commanded", "a_commanded")


class Played:
    """Follows the commanded state through a trace, and finds motion that no command led to.

    What else an arm may do: give way to a push while it stands, and be held by its brakes where it is
    measured, at once after a stop of category 0. What it commands is then what is measured, at rest.

    Args:
        close: how far a commanded number may be from the one that was sent, [rad, rad/s or rad/s^2].
    """

    def __init__(self, *, close: float = CLOSE) -> None:
        self._close = close
        self._node: FloatArray | None = None  # None: it may be anything
        self._heard_ns = 0
        self._periods = 0  # since the node was heard
        self._ways: list[FloatArray] = []  # nodes to come; more than one way only around a stop
        self._if_stopped: list[FloatArray] = []
        self._begun = False

    def lose(self) -> None:
        """Commands may have been released that nobody recorded: until the next one anything may be played."""
        self._node, self._begun = None, True

    def unlike(self, state: RobotState, *, missed: int, latched: bool, braked: bool) -> str:
        """How the commanded state of the next tick does not follow from the commands before, or "".

        Args:
            state: state of the tick.
            missed: ticks before it of which nothing is known but that no command was released.
            latched: whether a stop was latched when its tick ended.
            braked: whether power was removed by then (stop category 0).
        """
        node = np.stack([state.q_commanded, state.v_commanded, state.a_commanded])
        if self._node is None or node.shape != self._node.shape:
            return self._adopt(node, state)
        last, self._periods = self._node, self._periods + 1 + missed
        ways = [*self._ways, *(self._if_stopped if latched else ())]
        coming = [_ahead(way, last, self._periods) for way in ways]
        fits = [rest for due, rest in coming if self._same(node, due)]
        if not fits and state.stamp_ns == self._heard_ns and self._same(node, last):
            return ""  # the last state again: the driver was not heard
        due, rest = coming[0]
        stands = _rests(_ahead(ways[0], last, self._periods - 1)[0]) and _rests(due)
        held = not node[1:].any() and self._same(node[0], state.q)
        if not fits and held and (stands or (latched and braked)):
            fits, due = [rest[:0]], node
        self._node, self._ways, self._if_stopped = (node if fits else due), fits or [rest], []
        self._heard_ns, self._periods = state.stamp_ns, 0
        return "" if fits else self._said(node, due)

    def answered(self, output: GateOutput, *, taken: bool) -> None:
        """The answer of the tick: a command that the driver took (or not, which it may play all the same)."""
        command = output.command
        if command is None:
            return
        nodes = _nodes(command)
        if taken:
            self._node = command.start if self._node is None else self._node
            self._ways, self._if_stopped, self._periods = [nodes], self._ways, 0
        else:
            self._if_stopped = [nodes]

    def _adopt(self, node: FloatArray, state: RobotState) -> str:
        moves = not self._begun and not _rests(node)
        if not self._begun or (self._node is not None and node.shape != self._node.shape):
            self._node, self._ways, self._if_stopped = node, [np.empty((0, *node.shape))], []
        self._begun = True
        self._heard_ns, self._periods = state.stamp_ns, 0
        return "state.v_commanded: it moves before the first command" if moves else ""

    def _same(self, one: FloatArray, other: FloatArray) -> bool:
        return bool((np.abs(one - other) <= self._close).all())

    def _said(self, node: FloatArray, due: FloatArray) -> str:
        kind, joint = np.argwhere(~(np.abs(node - due) <= self._close))[0]
        return (
            f"moved without a question: state.{_FIELDS[kind]}[{joint}] was {node[kind, joint]:.9g}, "
            f"the commands before lead to {due[kind, joint]:.9g}"
        )


def _nodes(command: GuardedCommand) -> FloatArray:
    return np.concatenate([command.end[None], command.tail])


def _ahead(way: FloatArray, node: FloatArray, periods: int) -> tuple[FloatArray, FloatArray]:
    """The node that is due `periods` after `node`, and what comes after it; standstill at the end."""
    if periods == 0:
        return node, way
    if periods <= len(way):
        return way[periods - 1], way[periods:]
    last = way[-1] if len(way) else node
    return np.stack([last[0], np.zeros_like(last[1]), np.zeros_like(last[2])]), way[:0]


def _rests(node: FloatArray) -> bool:
    return bool((np.abs(node[1:]) < _REST).all())
