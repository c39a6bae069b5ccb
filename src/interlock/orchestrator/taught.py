"""Whether a policy was taught what a plan asks of it."""

from __future__ import annotations

from interlock.errors import RefusedError
from interlock.orchestrator.names_said import names_said
from interlock.planners.plan import Plan

__all__ = ["require_taught", "skills_of"]


def skills_of(policy: object) -> frozenset[str]:
    """What a policy was taught; none if it does not say.

    Raises:
        BadInputError: if `skills` is no set of names.
    """
    return names_said(policy, "skills", of="skills", example='frozenset({"pick", "place"})')


def require_taught(policy: object, plan: Plan) -> None:
    """Return if every task is of a skill that the policy was taught, or it does not say which those are.

    Raises:
        BadInputError: if `skills` is no set of names.
        RefusedError: names the first task that is not.
    """
    skills = skills_of(policy)
    for task in plan.tasks if skills else ():
        if task.skill not in skills:
            raise RefusedError(
                f"this policy was never taught to {task.skill}; it knows {', '.join(sorted(skills))}",
                field="policy",
                value=str(task),
                mend="Take the expert (--policy scripted), or train with demonstrations of it "
                "(interlock demos --goal ...).",
            )
