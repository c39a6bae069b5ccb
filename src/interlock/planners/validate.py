"""The plan guard: an allow-list of named rules, every one of which has to pass.

A rule raises or returns; none can end the checks for the others. What a rule cannot evaluate it refuses: an
exception inside a rule, or inside `reachable`, counts as a no.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from interlock.errors import InterlockError, PlanRefusedError
from interlock.planners.domain import Domain
from interlock.planners.footprint import Point
from interlock.planners.plan import Plan
from interlock.planners.rules_of_form import FORM_RULES
from interlock.planners.rules_of_world import WORLD_RULES, Review

__all__ = ["RULES", "validate"]

RULES: tuple[str, ...] = tuple(rule.__name__ for rule in (*FORM_RULES, *WORLD_RULES))
"""Names of all rules, in the order in which they are checked."""


def validate(plan: Plan, domain: Domain, reachable: Callable[[Point], str | None]) -> None:
    """Return only if every rule of the plan guard has passed.

    Args:
        plan: what is to be carried out.
        domain: the cell's things and skills.
        reachable: says whether the tool can get to a point in the world, (x, y, z) [m]: None, or why not.

    Raises:
        GoalError: a skill or thing is unknown; names the nearest valid name.
        PlanRefusedError: a rule said no; `rule` names it.
        CellError: the domain contradicts itself.
    """
    for form_rule in FORM_RULES:
        _check(form_rule.__name__, partial(form_rule, plan, domain))
    review = Review(plan=plan, domain=domain, reachable=reachable)
    for world_rule in WORLD_RULES:
        _check(world_rule.__name__, partial(world_rule, review))


def _check(name: str, rule: Callable[[], None]) -> None:
    try:
        rule()
    except InterlockError:
        raise
    except Exception as error:
        raise PlanRefusedError(
            "the rule could not be evaluated",
            rule=name,
            field="plan",
            value=f"{type(error).__name__}: {error}",
            mend="Hand in a well-formed plan.",
        ) from error
