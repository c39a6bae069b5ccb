"""From the words of a command line to a request, with everything checked that can be checked before a run."""

from __future__ import annotations

from pathlib import Path

from interlock.errors import BadInputError
from interlock.hal.state_dir import default_state_dir, open_state_dir
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.display import require_display
from interlock.orchestrator.nearest import nearest
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.run_folder import RunFolder
from interlock.orchestrator.trained_cell import require_body, trained_cell
from interlock.planners.plan import Plan
from interlock.policy.registry import names

__all__ = ["choose_policy", "make_plan", "prepare_run"]


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
) -> tuple[RunRequest, RunFolder]:
    """The request and the folder claimed for it; nothing else is touched.

    A checkpoint stands for the policy `vla` and for the action space that it was trained in; one that is to
    take over meanwhile has to know this body in that action space.

    Raises:
        BadInputError: if any of it cannot be used.
    """
    loaded = Cell.load(cell)
    if checkpoint is not None:
        if policy not in (None, "vla"):
            raise BadInputError(
                "a checkpoint is for the policy vla", field="policy", value=policy, mend="Leave --policy out."
            )
        loaded, policy = trained_cell(loaded, checkpoint), "vla"
    chosen = choose_policy(loaded, policy)
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
    return name


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
