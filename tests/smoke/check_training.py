"""Checks what `make train-smoke` has trained: the loss fell, and the checkpoint loads."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from interlock.policy.vla.checkpoint import Checkpoint

_LEFT = 0.5
"""Share of a stage's first loss that its last three rows may have at most, on average."""


def main(folder: Path) -> int:
    """0 if all holds; 1 otherwise."""
    rows = [json.loads(line) for line in (folder / "curve.jsonl").read_text(encoding="utf-8").splitlines()]
    losses = [row["action_loss"] for row in rows if row["stage"] == "pretrain" and "action_loss" in row]
    last = sum(losses[-3:]) / 3
    fell = len(losses) > 3 and last < _LEFT * losses[0]
    checkpoint = Checkpoint.load(folder / "checkpoint")
    print(
        f"action loss {losses[0]:.3f}, then {last:.3f} in the last rows of {rows[-1]['step']} steps; "
        f"{checkpoint.config.name} loads, {checkpoint.sha256['model.safetensors'][:12]}"
    )
    if not fell:
        print(f"The loss has not fallen below {_LEFT} of its first value.", file=sys.stderr)
    return 0 if fell else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
