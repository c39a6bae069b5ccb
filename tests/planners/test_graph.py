from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import networkx as nx

from interlock.planners.domain import Domain
from interlock.planners.graph import graph, render
from interlock.planners.plan import Plan, Task
from interlock.planners.search import plan_goal

Reachable = Callable[[tuple[float, float, float]], str | None]


def task(name: str, *after: str) -> Task:
    return Task(id=name, skill="home", arguments={}, after=after)


DIAMOND = Plan(
    goal="g",
    goal_atoms=(("at_home",),),
    tasks=(task("t1"), task("t2", "t1"), task("t3", "t1"), task("t4", "t2", "t3")),
)


def test_the_graph_has_the_tasks_as_nodes_and_their_order_as_edges() -> None:
    order = graph(DIAMOND)
    assert isinstance(order, nx.DiGraph)
    assert sorted(order.edges) == [("t1", "t2"), ("t1", "t3"), ("t2", "t4"), ("t3", "t4")]
    assert order.nodes["t4"]["task"] == DIAMOND.tasks[3]


def test_a_chain_is_drawn_in_one_column(domain: Domain, reachable: Reachable) -> None:
    text = render(plan_goal("put the red block in the tray and then go home", domain, reachable))
    assert text.splitlines() == [
        "goal: put the red block in the tray and then go home",
        "want: in(red_block, tray), then at_home()",
        "plan: 3 tasks",
        "`- t1  pick(red_block)",
        "`- t2  place(red_block, tray) at (0.450, 0.380, 0.040) m  after t1",
        "`- t3  home()  after t2",
    ]


def test_a_branch_is_drawn_as_a_tree_with_every_task_once() -> None:
    assert render(DIAMOND).splitlines()[3:] == [
        "`- t1  home()",
        "   |- t2  home()  after t1",
        "   `- t3  home()  after t1",
        "   `- t4  home()  after t2, t3",
    ]


def test_a_plan_without_tasks_says_so() -> None:
    assert "nothing to do" in render(replace(DIAMOND, tasks=()))


def test_the_drawing_is_ascii(domain: Domain, reachable: Reachable) -> None:
    assert render(plan_goal("put all blocks in the tray", domain, reachable)).isascii()
