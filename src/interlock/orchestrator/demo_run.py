"""One demonstration: the expert in a varied cell, under the gate, through the same session as any run."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from interlock.errors import InterlockError
from interlock.guards.gate import Gate
from interlock.orchestrator.axes import Axis
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.cell_schema import ActionSpace
from interlock.orchestrator.derived_seed import derived_seed
from interlock.orchestrator.gate_maker import build_gate
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.proposing import proposing
from interlock.orchestrator.summary import Outcome
from interlock.orchestrator.variation import Variation
from interlock.orchestrator.varied_run import play_varied
from interlock.policy.dataset.episode import Episode
from interlock.policy.demonstrator import Demonstrator
from interlock.policy.policy import Policy, PolicyContext

__all__ = ["DemoOrder", "Played", "cell_in_space", "play"]

_EXPERT = "scripted"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOrder:
    """What decides a demonstration; the same order gives the same one, bit by bit.

    Attributes:
        cell: file or name of the cell.
        action_space: what the actions are in.
        goals: the goals, taken in turn.
        axes: what is varied, as it is taught.
        noise: level of the noise on the motion.
        seed: seed of the whole command.
        attempt: which try it is, from 0.
        stills: pictures an episode in which nothing moves (`still_run`); 0: a demonstration.
    """

    cell: str
    action_space: ActionSpace
    goals: tuple[str, ...]
    axes: tuple[Axis, ...]
    noise: float
    seed: int
    attempt: int
    stills: int = 0

    @property
    def goal(self) -> str:
        """The goal whose turn it is."""
        return self.goals[self.attempt % len(self.goals)]

    @property
    def run_seed(self) -> int:
        """Seed of the run and of its variation."""
        return derived_seed(self.seed, self.attempt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How an attempt ended: what was shown, or why nothing was; `stopped` if somebody wanted it to end."""

    attempt: int
    episode: Episode | None
    reason: str
    stopped: bool = False


@functools.cache
def cell_in_space(name: str, space: ActionSpace) -> Cell:
    """The cell, with its policy's action space exchanged.

    Raises:
        CellError: if it cannot be used.
    """
    cell = Cell.load(name)
    if cell.file.policy.action_space == space:
        return cell
    return proposing(cell, space)


@functools.cache
def _gate(name: str, space: ActionSpace) -> Gate:
    """One gate serves every variation: it keeps no state, and knows neither blocks nor cameras."""
    return build_gate(cell_in_space(name, space))


def play(order: DemoOrder, interrupts: Interrupts | None = None) -> Played:
    """Play one demonstration.

    Args:
        order: which.
        interrupts: whoever may want it to end; without one, nothing but its own end does.
    """
    cell = cell_in_space(order.cell, order.action_space)
    teachers: list[Demonstrator] = []

    def teacher(context: PolicyContext) -> Policy:
        teachers.append(Demonstrator(context, order.noise))
        return teachers[0]

    try:
        variation = Variation.seen(cell, order.axes, order.run_seed)
        summary = play_varied(
            cell,
            variation,
            _gate(order.cell, order.action_space),
            goal=order.goal,
            policy=_EXPERT,
            interrupts=interrupts,
            make_policy=teacher,
        )
    except InterlockError as error:
        stopped = interrupts is not None and bool(interrupts.cause)
        return Played(attempt=order.attempt, episode=None, reason=error.message, stopped=stopped)
    episode = Episode(
        frames=tuple(teachers[0].frames),
        attempt=order.attempt,
        success=summary.outcome is Outcome.ACHIEVED,
        note={
            "goal": order.goal,
            "seed": order.run_seed,
            "sim_time_s": summary.sim_time_s,
            "released_fraction": summary.released_fraction,
            "contacts": summary.referee.contacts,
            "variation": variation.to_json(),
        },
    )
    stopped = summary.outcome is Outcome.STOPPED
    return Played(attempt=order.attempt, episode=episode, reason=summary.reason, stopped=stopped)
