"""A goal in words becomes a checked graph of typed tasks; nothing moves."""

from interlock.errors import InterlockError
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.reachability import make_reachable
from interlock.planners.graph import graph, render
from interlock.planners.search import plan_goal

cell = Cell.load("panda_tabletop")
domain = cell.domain(seed=0)
reachable = make_reachable(cell.robot_spec(), cell.zones())

plan = plan_goal("put the red and the green blocks in the tray, then go home", domain, reachable)
print(render(plan))
print("edges:", list(graph(plan).edges))

for goal in ("put the purple block in the tray", "put the red block in the tray and on the table"):
    try:
        plan_goal(goal, domain, reachable)
    except InterlockError as error:
        print(f"exit {int(error.exit_code)}: {error.message}")
