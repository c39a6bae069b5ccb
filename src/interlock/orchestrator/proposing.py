"""A cell that lets another policy propose, or in another action space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from interlock.orchestrator.cell import Cell
from interlock.orchestrator.cell_schema import ActionSpace

__all__ = ["proposing"]


def proposing(
    cell: Cell,
    action_space: ActionSpace,
    *,
    policy: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Cell:
    """The cell with its policy section exchanged: checked anew, and told in its text, so that traces hold it.

    Args:
        cell: what is exchanged.
        action_space: what the policy proposes in.
        policy: name of the policy; None keeps it.
        options: what it is told; None keeps that.

    Raises:
        CellError: if the cell then breaks a rule.
    """
    data: dict[str, Any] = yaml.safe_load(cell.text)
    section: dict[str, Any] = {"action_space": action_space}
    section |= {} if policy is None else {"name": policy}
    if policy is not None and policy != cell.policy:
        told = {cell.policy: dict(cell.options_of(cell.policy))} | dict(cell.file.policy.others)
        section["others"] = {name: each for name, each in told.items() if name != policy and each}
    data["policy"] |= section if options is None else {**section, "options": dict(options)}
    return Cell.read(yaml.safe_dump(data, sort_keys=False).encode(), cell.path)
