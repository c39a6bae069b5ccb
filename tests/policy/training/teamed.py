"""What one process of a team sees: `torchrun teamed.py FOLDER OPTION…` writes it to FOLDER/RANK.json.

It shares gradients and flags first; then it trains, with the options of `interlock train`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import torch

from interlock.policy.training import team as team_module
from interlock.policy.training import train
from interlock.policy.training.command import main
from interlock.policy.training.team import Team
from interlock.policy.training.trainer import Trainer


def shared(team: Team) -> dict[str, Any]:
    """Gradients of three parameters, and what is agreed on."""
    both, first, none = (torch.nn.Parameter(torch.zeros(2)) for _ in range(3))
    both.grad = torch.tensor([1.0, 10.0]) * (1 + 2 * team.rank)
    first.grad = torch.tensor([4.0, -8.0]) if team.leads else None
    wide, half = (
        torch.nn.Parameter(torch.zeros(2, 3)),
        torch.nn.Parameter(torch.zeros(2, dtype=torch.bfloat16)),
    )
    wide.grad = (torch.arange(6.0).reshape(3, 2) * (1 + 2 * team.rank)).T  # not contiguous
    half.grad = torch.ones(2, dtype=torch.bfloat16) * (1 + 2 * team.rank)
    team.share_gradients([both, wide, first, half, none])
    team.share_gradients([])
    said = {"nobody": False, "first": team.rank == 0, "second": team.rank == 1, "both": True}
    return {
        "rank": team.rank,
        "world": team.world,
        "leads": team.leads,
        "gradients": {
            name: None if parameter.grad is None else parameter.grad.tolist()
            for name, parameter in (
                ("both", both),
                ("first", first),
                ("none", none),
                ("wide", wide),
                ("half", half),
            )
        },
        "agreed": {name: team.agree(flag) for name, flag in said.items()},
    }


class Watched(Trainer):
    """Keeps what its weights have become."""

    weights = ""

    def run(self, began_s: float) -> bool:
        done = super().run(began_s)
        sha = hashlib.sha256()
        for name, tensor in sorted(self.average.weights.items()):
            sha.update(name.encode() + tensor.contiguous().numpy().tobytes())
        Watched.weights = sha.hexdigest()
        return done


if __name__ == "__main__":
    team = Team.join("cpu")
    team_module._MESSAGE_BYTES = 12  # several messages
    facts = shared(team)
    train.Trainer = Watched  # type: ignore[misc]
    code = main(sys.argv[2:])
    facts |= {"code": code, "weights": Watched.weights}
    Path(sys.argv[1], f"{team.rank}.json").write_text(json.dumps(facts), encoding="utf-8")
    sys.exit(code)
