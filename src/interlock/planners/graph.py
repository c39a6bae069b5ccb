"""A plan as a graph, and as text."""

from __future__ import annotations

import networkx as nx

from interlock.planners.atoms import show, stages
from interlock.planners.plan import Plan, Task

__all__ = ["graph", "render"]


def graph(plan: Plan) -> nx.DiGraph[str]:
    """The plan's order: a node for each task id, with the task as attribute "task"; an edge means before."""
    order: nx.DiGraph[str] = nx.DiGraph()
    for task in plan.tasks:
        order.add_node(task.id, task=task)
    order.add_edges_from((before, task.id) for task in plan.tasks for before in task.after)
    return order


def render(plan: Plan) -> str:
    """The plan as ASCII text: goal, wanted atoms, and one line for each task under the last it waits for."""
    wanted = ", then ".join(" and ".join(show(a) for a in stage) for stage in stages(plan.goal_atoms))
    lines = [f"goal: {plan.goal}", f"want: {wanted}"]
    if not plan.tasks:
        return "\n".join([*lines, "plan: nothing to do, this is true already"])
    roots = [task for task in plan.tasks if not task.after]
    lines.append(f"plan: {len(plan.tasks)} task{'s' if len(plan.tasks) > 1 else ''}")
    for root in roots:
        lines += _branch(root, plan, "", last=root is roots[-1])
    return "\n".join(lines)


def _branch(task: Task, plan: Plan, indent: str, *, last: bool) -> list[str]:
    """The task and what hangs on it; a task hangs on the last of those it waits for and names the others."""
    lines = [f"{indent}{'`-' if last else '|-'} {_line(task, plan)}"]
    below = [t for t in plan.tasks if t.after and t.after[-1] == task.id]
    # A chain stays in one column: only where the order branches does the text go deeper.
    deeper = indent + ("   " if last else "|  ")
    if last and len(below) == 1:
        return lines + _branch(below[0], plan, indent, last=True)
    for child in below:
        lines += _branch(child, plan, deeper, last=child is below[-1])
    return lines


def _line(task: Task, plan: Plan) -> str:
    width = max(len(t.id) for t in plan.tasks)
    text = f"{task.id:<{width}}  {task}"
    if task.target_in_world is not None:
        text += " at ({:.3f}, {:.3f}, {:.3f}) m".format(*task.target_in_world)
    return text + (f"  after {', '.join(task.after)}" if task.after else "")
