"""Whether a policy was taught what a plan asks of it."""

from __future__ import annotations

from interlock.errors import BadInputError, RefusedError
from interlock.planners.plan import Plan

__all__ = ["require_taught"]


def require_taught(policy: object, plan: Plan) -> None:
    """Return if every task is of a skill that the policy was taught, or it does not say which those are.

    Raises:
        BadInputError: if `skills` is no set of names.
        RefusedError: names the first task that is not.
    """
    skills: object = getattr(policy, "skills", frozenset())
    if not isinstance(skills, set | frozenset) or not all(isinstance(skill, str) for skill in skills):
        raise BadInputError(
            "a policy's skills are a set of names of skills",
            field="policy.skills",
            value=skills,
            mend='Give frozenset({"pick", "place"}) or leave it out.',
        )
    for task in plan.tasks if skills else ():
        if task.skill not in skills:
            raise RefusedError(
                f"this policy was never taught to {task.skill}; it knows {', '.join(sorted(skills))}",
                field="policy",
                value=str(task),
                mend="Take the expert (--policy scripted), or train with demonstrations of it "
                "(interlock demos --goal ...).",
            )
