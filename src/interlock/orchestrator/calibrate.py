"""`interlock policy calibrate`: what successful rollouts of a checkpoint look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from interlock.errors import BadInputError, InterlockError
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.resumption import Tell
from interlock.orchestrator.rollouts import RolloutsRequest, orders_of, play_rollouts
from interlock.orchestrator.summary import Outcome
from interlock.orchestrator.watched_rollout import RolloutOrder, play_rollout
from interlock.policy.uncertainty.calibration import Calibration, MadeFor, Played
from interlock.policy.uncertainty.features import Features
from interlock.policy.uncertainty.fit import fit_calibration
from interlock.policy.vla.strict_json import from_json

__all__ = ["calibrate", "rollout_row"]


def rollout_row(order: RolloutOrder) -> dict[str, Any]:
    """Play a rollout; of one that succeeds its questions are kept."""
    try:
        played = play_rollout(order)
    except InterlockError as error:
        return {"outcome": "error", "reason": error.message}
    succeeded = played.summary.outcome is Outcome.ACHIEVED
    return {
        "outcome": str(played.summary.outcome),
        "reason": played.summary.reason,
        "made_for": asdict(played.made_for),
        "questions": [_told(each.features) for each in played.model.questions] if succeeded else [],
    }


def calibrate(
    request: RolloutsRequest,
    tell: Tell,
    interrupts: Interrupts,
    *,
    slow_share: float,
    doubt_share: float,
) -> Calibration:
    """Play what is missing, and fit to the rollouts that succeeded.

    Raises:
        BadInputError: if too few succeeded, or as `play_rollouts` does.
        StoppedError: after Ctrl-C.
    """
    rows = play_rollouts(request, rollout_row, tell, interrupts)
    orders = list(orders_of(request))
    good = [(order, row) for order, row in zip(orders, rows, strict=True) if row.get("questions")]
    if not good:
        raise BadInputError(
            "no rollout succeeded",
            field="calibration.rollouts",
            value=[row["reason"] for row in rows][:3],
            mend="Take a better checkpoint, or play more episodes.",
        )
    return fit_calibration(
        [[_features(each) for each in row["questions"]] for _, row in good],
        from_json(MadeFor, good[0][1]["made_for"], "rollouts.made_for"),
        Played(
            cell=Cell.load(request.cell).name,
            variation=tuple(axis.value for axis in request.axes),
            goals=tuple(dict.fromkeys(order.goal for order in orders)),
            moved_by="scripted" if request.shadow else "vla",
            episodes=len(orders),
            seeds=tuple(order.seed for order, _ in good),
            fitted=0,
        ),
        samples=request.samples,
        slow_share=slow_share,
        doubt_share=doubt_share,
    )


def _told(features: Features) -> dict[str, Any]:
    return {
        "stage": features.stage,
        "spread": features.spread.tolist(),
        "embedding": features.embedding.tolist(),
    }


def _features(told: Mapping[str, Any]) -> Features:
    return Features(
        stage=str(told["stage"]),
        spread=np.array(told["spread"], dtype=np.float64),
        embedding=np.array(told["embedding"], dtype=np.float64),
    )
