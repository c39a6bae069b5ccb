"""Plans a goal anew, from what is measured."""

from __future__ import annotations

from collections.abc import Callable

from interlock.errors import InterlockError
from interlock.hal.phase import FELT_N
from interlock.hal.scene import Scene
from interlock.hal.state import RobotState
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.reachability import make_reachable
from interlock.orchestrator.world_state import broken_goals, refreshed
from interlock.planners.domain import Domain
from interlock.planners.plan import Plan
from interlock.planners.search import plan_goal

__all__ = ["Replanner"]


class Replanner:
    """Says what a plan has missed, and makes another one.

    Args:
        cell: in which is planned.
        domain: as it was at the beginning of the run.
        tell: called with a sentence and a level.
    """

    def __init__(self, cell: Cell, domain: Domain, tell: Callable[[str, str], None]) -> None:
        self._cell = cell
        self._domain = domain
        self._tell = tell

    def missed(self, plan: Plan, scene: Scene) -> str:
        """Which of a plan's goals do not hold in `scene`, or ""."""
        return "; ".join(broken_goals(plan, self._domain, scene))

    def again(self, plan: Plan, reason: str, state: RobotState, scene: Scene) -> Plan | None:
        """A plan from what is measured now, or None if that cannot help.

        Args:
            plan: that failed.
            reason: why.
            state: of the robot, at rest.
            scene: as it is now.
        """
        if state.gripper is not None and state.gripper.force_n > FELT_N:
            return None  # something is still in the hand; a person should look
        cell = self._cell
        reachable = make_reachable(cell.robot_spec(), cell.zones())
        try:
            again = plan_goal(plan.goal, refreshed(self._domain, scene), reachable)
        except InterlockError as error:
            self._tell(f"cannot plan again: {error.message}", "warning")
            return None
        self._tell(f"planned again after: {reason}", "info")
        return again
