"""From the words of a command line to a request, with everything checked that can be checked before a run."""

from __future__ import annotations

from pathlib import Path

from interlock.errors import BadInputError
from interlock.hal.state_dir import default_state_dir, open_state_dir
from interlock.orchestrator.action_space import space_named
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.display import require_display
from interlock.orchestrator.nearest import nearest
from interlock.orchestrator.proposing import proposing
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.run_folder import RunFolder
from interlock.orchestrator.trained_cell import LEARNED, require_body, trained_cell
from interlock.planners.plan import Plan
from interlock.policy.registry import names

__all__ = ["choose_policy", "chosen_cell", "make_plan", "prepare_run"]


def prepare_run(
    goal: str,
    *,
    cell: str,
    policy: str | None,
    seed: int,
    real_time: bool,
    gui: bool,
    out: Path | None,
    state_dir: Path | None,
    telemetry: str,
    checkpoint: Path | None = None,
    swap_to: Path | None = None,
    action_space: str | None = None,
) -> tuple[RunRequest, RunFolder]:
    """The request and the folder claimed for it; nothing else is touched.

    A checkpoint that is to take over meanwhile has to know this body in the action space of the cell.

    Raises:
        BadInputError: if any of it cannot be used.
    """
    loaded, chosen = chosen_cell(Cell.load(cell), policy, checkpoint)
    if action_space is not None:
        loaded = _proposing_in(loaded, chosen, action_space)
    if swap_to is not None:
        require_body(loaded, swap_to)
    if gui:
        require_display()
    state = open_state_dir(state_dir or default_state_dir(loaded.file.robot.name))
    folder = RunFolder.claim(out, f"{loaded.name}-{chosen}-{seed}")
    request = RunRequest(
        goal=goal,
        cell=loaded,
        policy=chosen,
        seed=seed,
        real_time=real_time,
        gui=gui,
        out=folder.path,
        state_dir=state,
        telemetry=telemetry,
        swap_to=swap_to,
    )
    return request, folder


def _proposing_in(cell: Cell, policy: str, action_space: str) -> Cell:
    if policy == LEARNED:
        raise BadInputError(
            "it proposes in the space that its checkpoint was trained in",
            field="action_space",
            value=action_space,
            mend="Leave --action-space out, or name another policy.",
        )
    return proposing(cell, space_named(action_space))


def choose_policy(cell: Cell, asked: str | None) -> str:
    """The policy asked for, or the cell's.

    Raises:
        BadInputError: if there is no such policy, with the nearest name.
    """
    name = cell.policy if asked is None else asked
    known = names()
    if name not in known:
        raise BadInputError(
            "there is no such policy",
            field="policy.name" if asked is None else "policy",
            value=name,
            mend=nearest(name, known),
        )
    for other in cell.file.policy.others:
        if other == cell.policy:
            raise BadInputError(
                "is what the cell's own policy is told",
                field=f"policy.others.{other}",
                mend="Move it to policy.options.",
            )
        if other not in known:
            raise BadInputError(
                "there is no such policy", field="policy.others", value=other, mend=nearest(other, known)
            )
    return name


def chosen_cell(cell: Cell, asked: str | None, checkpoint: Path | None) -> tuple[Cell, str]:
    """The cell as the policy that was chosen proposes in it, and that policy's name.

    A checkpoint stands for the policy `vla`, and `vla` for the action space that it was trained in.

    Args:
        cell: the cell.
        asked: name of a policy; None: the cell's.
        checkpoint: folder of a checkpoint; None: that of the cell, or the one that ships.

    Raises:
        BadInputError: if there is no such policy, or a checkpoint is named for another one, or none ships.
        CheckpointError: if the checkpoint does not know this body.
    """
    if checkpoint is not None and asked not in (None, LEARNED):
        raise BadInputError(
            f"a checkpoint is for the policy {LEARNED}",
            field="policy",
            value=asked,
            mend="Leave --policy out.",
        )
    name = LEARNED if checkpoint is not None else choose_policy(cell, asked)
    return (trained_cell(cell, checkpoint) if name == LEARNED else cell), name


def make_plan(goal: str, cell: str, seed: int) -> Plan:
    """The checked plan of a goal; nothing moves.

    Raises:
        BadInputError: if the cell or the goal cannot be read.
        RefusedError: if the goal may not be done.
    """
    from interlock.orchestrator.reachability import make_reachable
    from interlock.planners.search import plan_goal

    loaded = Cell.load(cell)
    reachable = make_reachable(loaded.robot_spec(), loaded.zones())
    return plan_goal(goal, loaded.domain(seed), reachable)
