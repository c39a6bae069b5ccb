"""A* over bit-set states, guided by h_add.

Bonet and Geffner, "Planning as heuristic search", Artificial Intelligence 129 (2001): the additive heuristic
sums the costs of the goal's atoms in the problem without deletes. It may overestimate, so a plan found is
short but need not be the shortest. Ties are broken by h, then by age, then by the order of the actions:
no randomness.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence

from interlock.errors import PlanRefusedError
from interlock.planners.action import Action
from interlock.planners.atoms import Atom, show

__all__ = ["MAX_EXPANSIONS", "search"]

MAX_EXPANSIONS = 20_000
"""States looked at before the search gives up: a bound that needs no clock."""


class _Compiled:
    """The problem as bit masks: one bit per atom that can ever be true."""

    def __init__(self, facts: Iterable[Atom], goal: Iterable[Atom], actions: Sequence[Action]) -> None:
        atoms = {*facts, *goal}
        for action in actions:
            atoms |= action.needs | action.adds
        self.atoms = sorted(atoms)
        self.index = {atom: i for i, atom in enumerate(self.atoms)}
        self.goal = self.bits(goal)
        self.needs = [[self.index[a] for a in action.needs] for action in actions]
        self.adds = [[self.index[a] for a in action.adds] for action in actions]
        self.need_mask = [self.bits(action.needs) for action in actions]
        self.add_mask = [self.bits(action.adds) for action in actions]
        self.keep_mask = [~self.bits(a for a in self.atoms if action.undoes(a)) for action in actions]

    def bits(self, atoms: Iterable[Atom]) -> int:
        """The atoms as one mask."""
        mask = 0
        for atom in atoms:
            mask |= 1 << self.index[atom]
        return mask

    def costs(self, state: int) -> list[float]:
        """Cost of each atom from `state` if nothing is ever undone, with costs of needs added up."""
        cost = [0.0 if state >> i & 1 else math.inf for i in range(len(self.atoms))]
        changed = True
        while changed:
            changed = False
            for needs, adds in zip(self.needs, self.adds, strict=True):
                price = 1.0
                for i in needs:
                    price += cost[i]
                if price == math.inf:
                    continue
                for i in adds:
                    if price < cost[i]:
                        cost[i] = price
                        changed = True
        return cost

    def h_add(self, state: int) -> float:
        """Sum of the goal atoms' costs; infinite where one of them cannot be reached."""
        cost = self.costs(state)
        return sum(cost[i] for i in range(len(self.atoms)) if self.goal >> i & 1)

    def successors(self, state: int) -> Iterable[tuple[int, int]]:
        """(index of the action, next state) for every action that can be carried out in `state`."""
        for i, mask in enumerate(self.need_mask):
            if state & mask == mask:
                yield i, state & self.keep_mask[i] | self.add_mask[i]


def search(
    facts: frozenset[Atom],
    goal: Sequence[Atom],
    actions: Sequence[Action],
    max_expansions: int = MAX_EXPANSIONS,
) -> tuple[Action, ...]:
    """A sequence of actions that makes every goal atom true; empty if they already are.

    Raises:
        PlanRefusedError: rule "no_plan", there is none; rule "search_budget", none was found in time.
    """
    problem = _Compiled(facts, goal, actions)
    start = problem.bits(facts)
    _refuse_hopeless(problem, start, goal)
    first = problem.h_add(start)
    parents: dict[int, tuple[int, int]] = {}
    depth = {start: 0}
    queue: list[tuple[float, float, int, int]] = [(first, first, 0, start)]
    done: set[int] = set()
    age = 0
    while queue:
        _, _, _, state = heapq.heappop(queue)
        if state & problem.goal == problem.goal:
            return tuple(actions[i] for i in _path(parents, start, state))
        if state in done:
            continue
        done.add(state)
        if len(done) > max_expansions:
            raise PlanRefusedError(
                "no plan found within the search budget",
                rule="search_budget",
                field="goal",
                value=max_expansions,
                mend="Ask for less at once.",
            )
        for i, after in problem.successors(state):
            steps = depth[state] + 1
            if after in done or steps >= depth.get(after, steps + 1):
                continue
            guess = problem.h_add(after)
            if guess < math.inf:
                age += 1
                depth[after], parents[after] = steps, (state, i)
                heapq.heappush(queue, (steps + guess, guess, age, after))
    raise _no_plan(goal)


def _path(parents: dict[int, tuple[int, int]], start: int, end: int) -> list[int]:
    path: list[int] = []
    while end != start:
        end, i = parents[end]
        path.append(i)
    return path[::-1]


def _refuse_hopeless(problem: _Compiled, start: int, goal: Sequence[Atom]) -> None:
    cost = problem.costs(start)
    hopeless = [atom for atom in goal if cost[problem.index[atom]] == math.inf]
    if hopeless:
        raise _no_plan(hopeless)


def _no_plan(atoms: Sequence[Atom]) -> PlanRefusedError:
    return PlanRefusedError(
        "no sequence of this cell's skills makes this true",
        rule="no_plan",
        field="goal",
        value=", ".join(show(atom) for atom in atoms),
        mend="Ask for something the cell's skills can do from where things stand.",
    )
