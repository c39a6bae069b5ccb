"""Rules of the plan guard that look at the plan alone: names, arguments, order."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from itertools import chain

import networkx as nx

from interlock.errors import GoalError, PlanRefusedError
from interlock.planners.atoms import PREDICATES, THEN, Atom, stages
from interlock.planners.contradiction import refuse_contradictions
from interlock.planners.domain import Domain, DomainObject
from interlock.planners.library import SKILLS
from interlock.planners.plan import Plan, Task
from interlock.planners.relation import refuse_moving_reference
from interlock.planners.skill import TargetRule
from interlock.planners.vocabulary import nearest

__all__ = ["FORM_RULES", "MAX_TASKS", "Rule", "check_goal"]

Rule = Callable[[Plan, Domain], None]

MAX_TASKS = 200
"""A plan with more tasks is refused."""


def size_bounded(plan: Plan, domain: Domain) -> None:
    """There are at most MAX_TASKS tasks."""
    if len(plan.tasks) > MAX_TASKS:
        raise PlanRefusedError(
            "too many tasks", rule="size_bounded", field="tasks", value=len(plan.tasks), mend="Ask for less."
        )


def goal_given(plan: Plan, domain: Domain) -> None:
    """There is a goal, its atoms are known predicates of known things, and it does not contradict itself."""
    check_goal(plan.goal_atoms, domain)


def check_goal(goal_atoms: tuple[Atom, ...], domain: Domain) -> None:
    """Refuse goal atoms that cannot be planned for.

    Raises:
        GoalError: an unknown predicate or thing.
        PlanRefusedError: there are none, one is malformed or names a reference that moves by itself, or they
            contradict each other.
    """
    if not stages(goal_atoms):
        raise PlanRefusedError("there is no goal to reach", rule="goal_given", field="goal_atoms")
    for atom in goal_atoms:
        if atom != THEN:
            _check_atom(atom, domain)
    refuse_contradictions(goal_atoms, domain)


def _check_atom(atom: Atom, domain: Domain) -> None:
    if not atom or atom[0] not in PREDICATES:
        shown = atom[0] if atom else ""
        mend = nearest(str(shown), PREDICATES)
        raise GoalError("unknown predicate", field="goal_atoms", value=shown, mend=mend)
    roles = PREDICATES[atom[0]]
    if len(atom) != len(roles) + 1:
        raise PlanRefusedError(
            f"{atom[0]} takes {len(roles)} names", rule="goal_given", field="goal_atoms", value=atom
        )
    for name, allowed in zip(atom[1:], roles, strict=True):
        if _known(name, "goal_atoms", domain).role not in allowed:
            raise PlanRefusedError(
                f"{name} cannot stand here", rule="goal_given", field="goal_atoms", value=atom
            )
    refuse_moving_reference(atom, domain)


def skills_known(plan: Plan, domain: Domain) -> None:
    """Every task calls a skill of the library."""
    for task in plan.tasks:
        if task.skill not in SKILLS:
            raise GoalError(
                "unknown skill",
                field=f"tasks.{task.id}.skill",
                value=task.skill,
                mend=nearest(str(task.skill), set(SKILLS) & set(domain.skills)),
            )


def skills_allowed(plan: Plan, domain: Domain) -> None:
    """Every task calls a skill this cell allows."""
    for task in plan.tasks:
        if task.skill not in domain.skills:
            raise _refusal(skills_allowed, task, "skill", task.skill, "this cell does not allow the skill")


def ids_unique(plan: Plan, domain: Domain) -> None:
    """Every task has a name of its own."""
    for name, count in Counter(task.id for task in plan.tasks).items():
        if count > 1 or not name:
            raise PlanRefusedError(
                "task ids have to be unique and not empty", rule="ids_unique", field="tasks", value=name
            )


def predecessors_known(plan: Plan, domain: Domain) -> None:
    """Every `after` names a task of the plan."""
    ids = {task.id for task in plan.tasks}
    for task in plan.tasks:
        for before in task.after:
            if before not in ids:
                raise _refusal(
                    predecessors_known,
                    task,
                    "after",
                    before,
                    "there is no such task",
                    nearest(str(before), ids),
                )


def acyclic(plan: Plan, domain: Domain) -> None:
    """No task waits for itself, not even through others."""
    order: nx.DiGraph[str] = nx.DiGraph()
    order.add_edges_from((before, task.id) for task in plan.tasks for before in task.after)
    try:
        cycle = nx.find_cycle(order)
    except nx.NetworkXNoCycle:
        return
    ring = " → ".join([str(edge[0]) for edge in cycle] + [str(cycle[0][0])])
    raise PlanRefusedError("tasks wait for each other", rule="acyclic", field="tasks", value=ring)


def listed_in_order(plan: Plan, domain: Domain) -> None:
    """Every task stands behind those it waits for."""
    seen: set[str] = set()
    for task in plan.tasks:
        late = [before for before in task.after if before not in seen]
        if late:
            raise _refusal(listed_in_order, task, "after", late[0], "it stands before a task it waits for")
        seen.add(task.id)


def arguments_exact(plan: Plan, domain: Domain) -> None:
    """Every task gives the arguments of its skill, all of them and no others."""
    for task in plan.tasks:
        wanted, given = set(SKILLS[task.skill].parameters), set(task.arguments)
        if wanted != given:
            missing, extra = sorted(wanted - given), sorted(map(str, given - wanted))
            raise _refusal(
                arguments_exact,
                task,
                "arguments",
                dict(task.arguments),
                f"missing {missing}, not wanted {extra}",
            )


def objects_known(plan: Plan, domain: Domain) -> None:
    """Every argument is the name of a thing in the cell."""
    for task in plan.tasks:
        for parameter, name in task.arguments.items():
            _known(name, f"tasks.{task.id}.{parameter}", domain)


def roles_fit(plan: Plan, domain: Domain) -> None:
    """Every argument may be used as the skill would: only what is movable is picked, and so on."""
    for task in plan.tasks:
        for parameter, allowed in SKILLS[task.skill].parameters.items():
            thing = _known(task.arguments[parameter], f"tasks.{task.id}.{parameter}", domain)
            if thing.role not in allowed:
                fitting = [o.name for o in domain.objects if o.role in allowed]
                what = f"{task.skill} cannot take a thing that is {thing.role.value}"
                raise _refusal(roles_fit, task, parameter, thing.name, what, nearest(thing.name, fitting))


def targets_given(plan: Plan, domain: Domain) -> None:
    """A task has a finite point exactly if its skill needs one."""
    for task in plan.tasks:
        point, needed = task.target_in_world, SKILLS[task.skill].target is not TargetRule.NONE
        if (point is not None) != needed:
            what = "the skill needs a point" if needed else "the skill has no point"
            raise _refusal(targets_given, task, "target_in_world", point, what)
        if point is not None and (len(point) != 3 or not all(math.isfinite(c) for c in point)):
            raise _refusal(targets_given, task, "target_in_world", point, "not three finite numbers")


def zones_open(plan: Plan, domain: Domain) -> None:
    """No task and no goal names a forbidden zone."""
    used = (name for task in plan.tasks for name in task.arguments.values())
    wanted = (name for atom in plan.goal_atoms for name in atom[1:])
    for name in chain(used, wanted):
        if _known(name, "zones", domain).forbidden:
            raise PlanRefusedError(
                "nothing may go into this zone",
                rule="zones_open",
                field="tasks",
                value=name,
                mend="Name another.",
            )


def _known(name: str, field: str, domain: Domain) -> DomainObject:
    thing = domain.find(name)
    if thing is None:
        names = [o.name for o in domain.objects]
        raise GoalError("unknown name", field=field, value=name, mend=nearest(str(name), names))
    return thing


def _refusal(rule: Rule, task: Task, part: str, value: object, what: str, mend: str = "") -> PlanRefusedError:
    return PlanRefusedError(what, rule=rule.__name__, field=f"tasks.{task.id}.{part}", value=value, mend=mend)


FORM_RULES: tuple[Rule, ...] = (
    size_bounded,
    goal_given,
    skills_known,
    skills_allowed,
    ids_unique,
    predecessors_known,
    acyclic,
    listed_in_order,
    arguments_exact,
    objects_known,
    roles_fit,
    targets_given,
    zones_open,
)
"""In the order in which they are checked; later ones may rely on earlier ones."""
