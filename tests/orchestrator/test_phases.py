"""A phase is granted by what is measured: one condition missing and it is not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from interlock.hal.scene import Box, ObjectKind, Part, Scene, SceneObject
from interlock.hal.state import GripperState, RobotState
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.phases import PhaseTracker, Progress, TaskState, support_of
from interlock.planners.library import SKILLS
from interlock.planners.plan import Task

Array = np.ndarray

BLOCK_AT = (0.5, -0.2, 0.03)
TRAY_AT = (0.4, 0.4, 0.0)
GOAL = (0.4, 0.4, 0.045)
ZONE = (0.4, -0.4, 0.03)
POINT = (0.5, 0.1, 0.3)
PERIOD_NS = 10_000_000


def at(position: Any) -> Array:
    """A pose there, not turned."""
    pose = np.eye(4)
    pose[:3, 3] = position
    return pose


def box(name: str, kind: ObjectKind, at: Any, half: tuple[float, float, float]) -> SceneObject:
    pose = np.eye(4)
    pose[:3, 3] = at
    return SceneObject(
        name=name,
        kind=kind,
        parts=(Part(shape=Box(half_extents_m=np.array(half)), part_in_object=np.eye(4)),),
        object_in_world=pose,
        position_std_m=0.0,
        max_speed_m_s=0.0,
        stamp_ns=0,
    )


@dataclass
class Measured:
    """What is measured at one instant; the block is 4 cm wide and stands on the table."""

    tool: Any = (0.0, 0.0, 0.6)
    speed: float = 0.0
    width: float = 0.07
    force: float = 0.0
    standstill: bool = True
    block: Any = BLOCK_AT
    q: Any = None
    seen: bool = True


@dataclass
class Bench:
    """A task, and the world it is followed in."""

    cell: Cell
    task: Task
    now_ns: int = 0
    told: Measured = field(default_factory=Measured)

    def __post_init__(self) -> None:
        self.robot = self.cell.robot_spec()
        self.tracker = PhaseTracker(
            self.task,
            self.robot,
            self.scene(Measured()),
            self.now_ns,
            tool=lambda q: np.array(self.told.tool, dtype=float),
            speed=lambda q, v: self.told.speed,
            hand=lambda q: at(self.told.tool),
        )

    def scene(self, told: Measured) -> Scene:
        things = [
            box("table", ObjectKind.FIXED, (0.3, 0.0, -0.05), (0.6, 0.7, 0.05)),
            box("tray", ObjectKind.FIXED, TRAY_AT, (0.14, 0.11, 0.015)),
        ]
        if told.seen:
            block = box("red_block", ObjectKind.MOVABLE, told.block, (0.02, 0.02, 0.03))
            things.append(replace(block, stamp_ns=self.now_ns))
        return Scene(stamp_ns=self.now_ns, objects=tuple(things))

    def state(self, told: Measured) -> RobotState:
        q = self.robot.home + 0.5 if told.q is None else told.q
        zero = np.zeros(len(q))
        return RobotState(
            stamp_ns=self.now_ns,
            q=q,
            v=zero,
            q_commanded=q,
            v_commanded=zero,
            a_commanded=zero,
            gripper=GripperState(width_m=told.width, force_n=told.force),
            standstill=told.standstill,
        )

    def look(self, told: Measured) -> Progress:
        self.told = told
        self.now_ns += PERIOD_NS
        return self.tracker.update(self.state(told), self.scene(told), self.now_ns)

    def reach(self, phase: str) -> None:
        """Fulfil whatever ends the phases before `phase`."""
        for spec in SKILLS[self.task.skill].phases:
            if spec.name == phase:
                return
            progress = self.look(ENDS[self.task.skill, spec.name])
            assert progress.state is TaskState.RUNNING, progress.reason


TASKS = {
    "pick": Task(id="t1", skill="pick", arguments={"object": "red_block"}, after=()),
    "place": Task(
        id="t2",
        skill="place",
        arguments={"object": "red_block", "target": "tray"},
        after=("t1",),
        target_in_world=GOAL,
    ),
    "reach": Task(id="t1", skill="reach", arguments={"target": "tray"}, after=(), target_in_world=POINT),
    "home": Task(id="t1", skill="home", arguments={}, after=()),
    "push": Task(
        id="t1",
        skill="push",
        arguments={"object": "red_block", "target": "handover"},
        after=(),
        target_in_world=ZONE,
    ),
}


def above(at: Any, height: float, aside: float = 0.0) -> tuple[float, float, float]:
    return at[0] + aside, at[1], at[2] + height


HELD = {"width": 0.04, "force": 15.0}
CARRIED = above(GOAL, 0.10)
DOWN = above(GOAL, 0.005)

# What ends each phase.
ENDS: dict[tuple[str, str], Measured] = {
    ("pick", "approach"): Measured(tool=above(BLOCK_AT, 0.06)),
    ("pick", "grasp"): Measured(tool=BLOCK_AT, **HELD),
    ("pick", "lift"): Measured(
        tool=above(BLOCK_AT, 0.09), block=above(BLOCK_AT, 0.09), standstill=False, **HELD
    ),
    ("place", "carry"): Measured(tool=CARRIED, block=CARRIED, **HELD),
    ("place", "lower"): Measured(tool=DOWN, block=DOWN, **HELD),
    ("place", "release"): Measured(tool=DOWN, block=DOWN, width=0.055),
    ("place", "retreat"): Measured(tool=above(DOWN, 0.09), block=DOWN, speed=0.2, standstill=False),
    ("reach", "move"): Measured(tool=above(POINT, 0.015), speed=0.3, standstill=False),
    ("push", "approach"): Measured(tool=above(BLOCK_AT, 0.0, 0.05), width=0.0),
    ("push", "push"): Measured(tool=above(ZONE, 0.0, 0.03), block=above(ZONE, 0.0, 0.01), width=0.0),
    ("push", "retreat"): Measured(tool=above(ZONE, 0.09), block=ZONE, width=0.0),
}

# One condition missing, and the phase goes on.
SPOILED: list[tuple[str, str, str, dict[str, Any]]] = [
    ("pick", "approach", "the tool is beside it", {"tool": above(BLOCK_AT, 0.06, 0.04)}),
    ("pick", "approach", "the tool is far above", {"tool": above(BLOCK_AT, 0.13)}),
    ("pick", "approach", "the tool is below", {"tool": above(BLOCK_AT, -0.01)}),
    ("pick", "approach", "the tool is fast", {"speed": 0.1}),
    ("pick", "approach", "the gripper is too narrow", {"width": 0.039}),
    ("pick", "approach", "the block cannot be seen", {"seen": False}),
    ("pick", "grasp", "no force", {"force": 0.5}),
    ("pick", "grasp", "closed on nothing", {"width": 0.0}),
    ("pick", "grasp", "still open", {"width": 0.07}),
    ("pick", "grasp", "the arm moves", {"standstill": False}),
    ("pick", "grasp", "the force is NaN", {"force": float("nan")}),
    ("pick", "lift", "not high enough", {"block": above(BLOCK_AT, 0.07)}),
    ("pick", "lift", "the block cannot be seen", {"seen": False}),
    (
        "place",
        "carry",
        "not there yet",
        {"tool": above(CARRIED, 0.0, 0.05), "block": above(CARRIED, 0.0, 0.05)},
    ),
    ("place", "carry", "too fast", {"speed": 0.1}),
    ("place", "carry", "too high", {"tool": above(GOAL, 0.2), "block": above(GOAL, 0.2)}),
    ("place", "carry", "the block cannot be seen", {"seen": False}),
    ("place", "lower", "still in the air", {"block": above(GOAL, 0.02)}),
    ("place", "lower", "the arm moves", {"standstill": False}),
    ("place", "lower", "beside the goal", {"tool": above(DOWN, 0.0, 0.05), "block": above(DOWN, 0.0, 0.05)}),
    ("place", "release", "still closed", {"width": 0.045}),
    ("place", "release", "the block cannot be seen", {"seen": False}),
    ("place", "retreat", "not clear of it", {"tool": above(DOWN, 0.07)}),
    ("reach", "move", "three centimetres off", {"tool": above(POINT, 0.03)}),
    ("reach", "move", "nobody knows where the tool is", {"tool": (float("nan"),) * 3}),
    ("push", "approach", "above it", {"tool": above(BLOCK_AT, 0.05)}),
    ("push", "approach", "too fast", {"speed": 0.1}),
    ("push", "approach", "too far", {"tool": above(BLOCK_AT, 0.0, 0.12)}),
    ("push", "push", "the block is not there", {"block": above(ZONE, 0.0, 0.05)}),
    ("push", "push", "the block cannot be seen", {"seen": False}),
    ("push", "retreat", "not clear of it", {"tool": above(ZONE, 0.05)}),
]


@pytest.mark.parametrize(("skill", "phase"), ENDS)
def test_measured_conditions_end_a_phase(skill: str, phase: str, panda_cell: Cell) -> None:
    bench = Bench(panda_cell, TASKS[skill])
    bench.reach(phase)
    names = [spec.name for spec in SKILLS[skill].phases]
    progress = bench.look(ENDS[skill, phase])
    if phase == names[-1]:
        assert progress.state is TaskState.DONE
    else:
        assert progress.state is TaskState.RUNNING
        assert progress.phase.name == names[names.index(phase) + 1]


@pytest.mark.parametrize(
    ("skill", "phase", "what", "spoiled"), SPOILED, ids=[" ".join(row[:3]) for row in SPOILED]
)
def test_one_condition_missing_and_the_phase_goes_on(
    skill: str, phase: str, what: str, spoiled: dict[str, Any], panda_cell: Cell
) -> None:
    bench = Bench(panda_cell, TASKS[skill])
    bench.reach(phase)
    progress = bench.look(replace(ENDS[skill, phase], **spoiled))
    assert (progress.phase.name, progress.state) == (phase, TaskState.RUNNING)


def test_every_phase_of_every_skill_has_a_row() -> None:
    rows = {(skill.name, phase.name) for skill in SKILLS.values() for phase in skill.phases}
    assert rows - set(ENDS) == {("home", "move")}
    assert {row[:2] for row in SPOILED} == set(ENDS)


def test_home_is_reached_by_the_measured_joints(panda_cell: Cell) -> None:
    bench = Bench(panda_cell, TASKS["home"])
    home = bench.robot.home
    assert bench.look(Measured(q=home + 0.04)).state is TaskState.RUNNING
    assert bench.look(Measured(q=home + 0.02)).state is TaskState.DONE


def test_what_was_commanded_ends_no_phase(panda_cell: Cell) -> None:
    bench = Bench(panda_cell, TASKS["home"])
    told = Measured(q=bench.robot.home + 0.5)
    state = replace(bench.state(told), q_commanded=bench.robot.home)
    assert bench.tracker.update(state, bench.scene(told), 1).state is TaskState.RUNNING


@pytest.mark.parametrize("skill", ["place", "reach", "push"])
def test_a_task_that_lost_its_point_never_ends(skill: str, panda_cell: Cell) -> None:
    bench = Bench(panda_cell, replace(TASKS[skill], target_in_world=None))
    first = SKILLS[skill].phases[0].name
    for _ in range(3):
        assert bench.look(ENDS[skill, first]).phase.name == first


@pytest.mark.parametrize("skill", TASKS)
def test_a_phase_that_takes_too_long_fails_and_says_which(skill: str, panda_cell: Cell) -> None:
    bench = Bench(panda_cell, TASKS[skill])
    spec = SKILLS[skill].phases[0]
    idle = Measured(**HELD)
    limit = round(spec.timeout_s * 1e9)
    bench.now_ns = limit - 2 * PERIOD_NS
    assert bench.look(idle).state is TaskState.RUNNING
    bench.now_ns = limit
    late = bench.look(idle)
    assert late.state is TaskState.FAILED
    assert f"phase {spec.name} took longer than {spec.timeout_s:g} s" in late.reason


def test_a_contact_is_granted_for_its_phase_and_expires(panda_cell: Cell) -> None:
    bench = Bench(panda_cell, TASKS["pick"])
    assert bench.look(Measured()).phase.allowed == ()
    bench.reach("grasp")
    grasp = bench.look(replace(ENDS["pick", "grasp"], force=0.0)).phase
    fingers = {"panda_leftfinger", "panda_rightfinger"}
    assert {(c.link, c.other) for c in grasp.allowed} == {(f, "red_block") for f in fingers} | {
        ("red_block", "table")
    }
    timeout_ns = round(SKILLS["pick"].phase("grasp").timeout_s * 1e9)  # type: ignore[union-attr]
    granted_ns = 2 * PERIOD_NS
    assert grasp.expires_ns == granted_ns + timeout_ns
    assert grasp.contacts_at(grasp.expires_ns - 1) == grasp.allowed
    assert grasp.contacts_at(grasp.expires_ns) == ()
    again = bench.look(replace(ENDS["pick", "grasp"], force=0.0)).phase
    assert again.expires_ns == grasp.expires_ns, "a phase is not granted anew by lasting"


@pytest.mark.parametrize(
    ("skill", "phase", "held", "maybe", "may_open"),
    [
        ("pick", "approach", None, None, True),
        ("pick", "grasp", None, "red_block", True),
        ("pick", "lift", "red_block", None, False),
        ("place", "carry", "red_block", None, False),
        ("place", "lower", "red_block", None, False),
        ("place", "release", None, "red_block", True),
        ("place", "retreat", None, None, True),
    ],
)
def test_what_is_held_follows_from_the_phase(
    skill: str, phase: str, held: str | None, maybe: str | None, may_open: bool, panda_cell: Cell
) -> None:
    bench = Bench(panda_cell, TASKS[skill])
    bench.reach(phase)
    granted = bench.look(Measured(standstill=False, **HELD)).phase
    assert (granted.name, granted.held, granted.maybe_held) == (phase, held, maybe)
    assert granted.gripper_may_open is may_open


LOST = [{"force": 0.0}, {"width": 0.0}, {"width": 0.075}, {"force": float("nan")}]


@pytest.mark.parametrize("lost", LOST, ids=str)
@pytest.mark.parametrize("phase", ["carry", "lower"])
def test_a_grasp_lost_for_long_enough_fails_the_task(
    phase: str, lost: dict[str, float], panda_cell: Cell
) -> None:
    bench = Bench(panda_cell, TASKS["place"])
    bench.reach(phase)
    dropped = Measured(standstill=False, **{**HELD, **lost})
    for _ in range(19):
        assert bench.look(dropped).state is TaskState.RUNNING
    failed = bench.look(dropped)
    assert failed.state is TaskState.FAILED
    assert "red_block is not held any more" in failed.reason


def test_a_grasp_found_again_counts_from_the_start(panda_cell: Cell) -> None:
    bench = Bench(panda_cell, TASKS["place"])
    for _ in range(3):
        for _ in range(19):
            assert bench.look(Measured(**{**HELD, "force": 0.0})).state is TaskState.RUNNING
        assert bench.look(Measured(**HELD)).state is TaskState.RUNNING


def test_an_empty_hand_is_no_lost_grasp_where_nothing_should_be_held(panda_cell: Cell) -> None:
    bench = Bench(panda_cell, TASKS["pick"])
    for _ in range(50):
        assert bench.look(Measured()).state is TaskState.RUNNING


@pytest.mark.parametrize(
    ("at", "support"),
    [(BLOCK_AT, "table"), ((0.4, 0.4, 0.045), "tray"), ((0.4, 0.4, 0.3), "tray"), ((5.0, 5.0, 0.03), None)],
)
def test_the_support_is_what_lies_below(at: Any, support: str | None, panda_cell: Cell) -> None:
    scene = Bench(panda_cell, TASKS["pick"]).scene(Measured(block=at))
    assert support_of("red_block", scene) == support


def test_what_is_not_there_stands_on_nothing(panda_cell: Cell) -> None:
    scene = Bench(panda_cell, TASKS["pick"]).scene(Measured())
    assert support_of("ghost", scene) is None
    assert support_of(None, scene) is None


def pressed(bench: Bench, goal: Any, deepest_m: float) -> Progress:
    """The block stands at `goal` while the tool goes on down at 5 cm/s after 0.4 s; the last answer."""
    phase = bench.look(Measured(tool=above(goal, 0.02), block=goal, standstill=False, **HELD)).phase.name
    for tick in range(42 + round(deepest_m / 0.0005)):
        tool = above(goal, 0.02 - max(tick - 40, 0) * 0.0005)
        progress = bench.look(Measured(tool=tool, block=goal, standstill=False, **HELD))
        if progress.state is not TaskState.RUNNING or progress.phase.name != phase:
            break
    return progress


def test_a_block_that_rises_in_the_hand_stands_in_its_place(panda_cell: Cell) -> None:
    bench = Bench(panda_cell, TASKS["place"])
    bench.reach("lower")
    assert pressed(bench, DOWN, 0.003).phase.name == "lower"
    down = pressed(bench, DOWN, 0.030)
    assert (down.phase.name, down.state) == ("release", TaskState.RUNNING)
    again = bench.look(Measured(tool=above(DOWN, -0.01), block=DOWN, standstill=False, **HELD))
    assert (again.phase.name, again.state) == ("release", TaskState.RUNNING), "nobody presses any more"


@pytest.mark.parametrize(
    ("skill", "phase", "place"), [("place", "lower", above(GOAL, 0.02)), ("pick", "lift", BLOCK_AT)]
)
def test_a_block_pressed_on_what_is_not_its_place_fails_the_task(
    skill: str, phase: str, place: Any, panda_cell: Cell
) -> None:
    bench = Bench(panda_cell, TASKS[skill])
    bench.reach(phase)
    assert pressed(bench, place, 0.004).state is TaskState.RUNNING
    failed = pressed(bench, place, 0.030)
    assert failed.state is TaskState.FAILED
    assert f"red_block is pressed on something in phase {phase}: it rose 6 mm in the hand" in failed.reason
    assert failed.phase.name == phase
