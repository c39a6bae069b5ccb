"""What every guard family owes: a test class inherits this and says what its family judges."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from tests.guards.closed_loop import (
    CELLS,
    ask,
    body_of,
    cell_of,
    cell_scene,
    chunk_of,
    embodiment_of,
    gate_of,
    node_at_rest,
)

from interlock.guards.gate import Gate, GateOutput
from interlock.guards.intake import GateInput
from interlock.guards.verdict import Decision

Array = NDArray[np.float64]
PANDA = CELLS[0]
JOINTS = 7


class GuardContract(ABC):
    """Inherit, name the family, and give the three kinds of question.

    Attributes:
        family: name of the family as verdicts give it.
    """

    family: str

    def gate(self) -> Gate:
        """The gate that is asked."""
        return gate_of(PANDA)

    @abstractmethod
    def harmful(self) -> GateInput:
        """A question that breaks this family, and no other on the way to it."""

    def harmless(self) -> GateInput:
        """A question that keeps it."""
        return creeping()

    @abstractmethod
    def poisoned(self) -> Iterator[tuple[Gate, GateInput]]:
        """The harmless question with a NaN wherever this family looks."""

    def without(self) -> Gate | None:
        """A gate in which only this family's bound is moved far away; None if it cannot be."""
        return None

    def test_refuses_or_changes_what_breaks_it(self) -> None:
        output = self.gate().decide(self.harmful())
        assert output.verdict.decision is not Decision.ALLOW
        assert output.verdict.refusals[0][0] == self.family, output.verdict.refusals
        assert output.verdict.refusals[0][1]

    def test_releases_nothing_in_which_it_is_broken(self) -> None:
        output = self.gate().decide(self.harmful())
        assert all(margin.value >= 0.0 for margin in output.margins)
        assert (output.command is None) == (output.verdict.decision is Decision.REFUSE)

    def test_admits_what_keeps_it(self) -> None:
        output = self.gate().decide(self.harmless())
        assert output.command is not None
        assert self.family not in {guard for guard, _ in output.verdict.refusals}

    def test_not_a_number_never_admits(self) -> None:
        asked = 0
        for gate, given in self.poisoned():
            output = gate.decide(given)
            assert output.command is None
            assert output.verdict.decision is Decision.REFUSE
            asked += 1
        assert asked > 0

    def test_the_same_question_gets_the_same_answer(self) -> None:
        for given in (self.harmful(), self.harmless()):
            assert bits(self.gate().decide(given)) == bits(self.gate().decide(given))

    def test_nothing_else_stands_in_the_way_of_it(self) -> None:
        gate = self.without()
        if gate is not None:
            refusals = gate.decide(self.harmful()).verdict.refusals
            assert self.family not in {guard for guard, _ in refusals[:1]}


def bits(output: GateOutput) -> tuple[object, ...]:
    command = output.command
    if command is None:
        return output.verdict.refusals
    return command.end.tobytes(), command.tail.tobytes(), command.certificate, output.verdict.refusals


def gate_with_robot(**change: object) -> Gate:
    """The Panda's gate with other fields in its `RobotSpec`."""
    robot = replace(body_of(PANDA).robot, **change)
    return Gate(replace(body_of(PANDA), robot=robot), embodiment_of(PANDA), cell_of(PANDA).gate_config())


def gate_with_limit(field: str, factor: float) -> Gate:
    limits = body_of(PANDA).robot.limits
    return gate_with_robot(limits=replace(limits, **{field: getattr(limits, field) * factor}))


def at(node: Array, chunk_steps: Array, **more: object) -> GateInput:
    given = ask(PANDA, node, chunk_of(PANDA, chunk_steps), cell_scene(PANDA))
    return replace(given, **more)  # type: ignore[arg-type]


def line(node: Array, velocity: Array) -> Array:
    """Steps on which the tracker asks for exactly `velocity` [rad/s] at the end of this tick."""
    return np.asarray(node[0] + 0.01 * node[1] + velocity * (0.04 * np.arange(16) - 0.01)[:, None])


def home() -> Array:
    return node_at_rest(body_of(PANDA).robot.home)


def creeping() -> GateInput:
    velocity = np.zeros(JOINTS)
    velocity[6] = 0.004
    return at(home(), line(home(), velocity))


def poison(array: Array, index: int | tuple[int, ...] = 3) -> Array:
    spoilt = np.array(array)
    spoilt[index] = np.nan
    spoilt.setflags(write=array.flags.writeable)  # or kernels are compiled anew
    return spoilt
