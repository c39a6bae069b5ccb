"""One rollout under the gate in which what a checkpoint is asked and answers is kept, and never doubted."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

from interlock.guards.gate import Gate
from interlock.orchestrator.axes import Axis
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.eval_run import evaluated_cell
from interlock.orchestrator.gate_maker import build_gate
from interlock.orchestrator.summary import RunSummary
from interlock.orchestrator.variation import Variation
from interlock.orchestrator.varied_run import play_varied
from interlock.policy.policy import Policy, PolicyContext
from interlock.policy.scripted import ScriptedPolicy
from interlock.policy.stream.chunk_model import ChunkModel
from interlock.policy.uncertainty.calibration import MadeFor
from interlock.policy.uncertainty.recorded_model import RecordedModel
from interlock.policy.uncertainty.shadowed import Shadowed

__all__ = ["RolloutOrder", "WatchedRollout", "play_rollout"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutOrder:
    """What decides a rollout.

    Attributes:
        cell: file or name of the cell.
        checkpoint: folder of the policy.
        goal: the goal in words.
        axes: what is varied, as it was taught.
        seed: of the run and of its variation.
        samples: samples K of each question.
        shadow: whether the scripted expert moves the arm, while the checkpoint is asked and not followed.
        max_sim_time_s: end it after this long, [s].
    """

    cell: str
    checkpoint: str
    goal: str
    axes: tuple[Axis, ...]
    seed: int
    samples: int
    shadow: bool
    max_sim_time_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedRollout:
    """How it went, what was asked and answered, and by whom."""

    summary: RunSummary
    model: RecordedModel
    made_for: MadeFor


@functools.cache
def _gate(cell: str, checkpoint: str) -> Gate:
    """One gate serves every variation: it keeps no state, and knows neither blocks nor cameras."""
    return build_gate(evaluated_cell(cell, checkpoint))


def play_rollout(order: RolloutOrder) -> WatchedRollout:
    """Play it in lockstep.

    Raises:
        InterlockError: if it cannot be played.
    """
    cell: Cell = evaluated_cell(order.cell, order.checkpoint)
    models: list[RecordedModel] = []
    made_for: list[MadeFor] = []

    def recorded(model: ChunkModel) -> ChunkModel:
        models.append(RecordedModel(model, order.samples))
        return models[-1]

    def make(context: PolicyContext) -> Policy:
        from interlock.policy.vla.learned import LearnedPolicy

        policy = LearnedPolicy(context, recorded)
        made_for.append(policy.made_for)
        if not order.shadow:
            return policy
        return Shadowed(ScriptedPolicy(replace(context, options=cell.options_of("scripted"))), policy)

    summary = play_varied(
        cell,
        Variation.seen(cell, order.axes, order.seed),
        _gate(order.cell, order.checkpoint),
        goal=order.goal,
        policy="vla",
        make_policy=make,
        max_sim_time_s=order.max_sim_time_s,
    )
    return WatchedRollout(summary=summary, model=models[-1], made_for=made_for[-1])
