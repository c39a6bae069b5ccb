"""Stills: pictures of a varied cell in which nothing moves, to learn from what is meant and where it is.

A demonstration shows one light, one table and one arrangement for a hundred frames; of pictures that have
nothing in common a model learns in minutes what a colour's name means, at a hundredth of the time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from interlock.errors import InterlockError
from interlock.hal.arrays import FloatArray
from interlock.hal.bounds import object_size
from interlock.hal.look import Look
from interlock.hal.robot import RobotSpec
from interlock.hal.scene import SceneObject
from interlock.hal.simulator.mirror import MirrorPlan
from interlock.hal.simulator.studio import Studio
from interlock.orchestrator.axes import Axis
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.demo_run import DemoOrder, Played, cell_in_space
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.variation import Variation
from interlock.planners.domain import Role
from interlock.planners.library import SKILLS
from interlock.policy.dataset.episode import DemoFrame, Episode, pose_numbers
from interlock.policy.dataset.pictures import encode
from interlock.policy.kinematics import ToolKinematics

__all__ = ["play_stills"]

_SKILL = "pick"
_ONCE = (Axis.TEXTURE, Axis.INSTANCE)
"""Axes that are drawn once an episode: what is built has them."""

_PICTURES_A_SETTING = 5
"""So many pictures in a row share what the other axes gave; thing, posture and words are drawn for each."""

_HOME_SHARE = 0.2
_HOME_RAD = 0.15
_AWAY_M = (0.003, 0.4)
_ABOVE_M = (0.01, 0.5)
_TURN_RAD = 1.7
_TILT_RAD = 0.1


def play_stills(order: DemoOrder, interrupts: Interrupts | None = None) -> Played:
    """Take the pictures of one episode; nothing else tells two of them from each other than their seed.

    Args:
        order: which; its goals and its noise are of no effect.
        interrupts: whoever may want it to end.
    """
    cell = cell_in_space(order.cell, order.action_space)
    try:
        scenery = Variation.seen(cell, order.axes, order.run_seed)
        set_up = _Set(cell, scenery)
        try:
            frames = []
            for number in range(order.stills):
                if interrupts is not None and interrupts.cause:
                    return Played(attempt=order.attempt, episode=None, reason=interrupts.cause, stopped=True)
                frames.append(set_up.frame(order, number))
        finally:
            set_up.studio.close()
    except InterlockError as error:
        return Played(attempt=order.attempt, episode=None, reason=error.message)
    note = {"seed": order.run_seed, "variation": scenery.to_json()}
    episode = Episode(frames=tuple(frames), attempt=order.attempt, success=True, note=note)
    return Played(attempt=order.attempt, episode=episode, reason="")


class _Set:
    """What stays as it is for all pictures of an episode."""

    def __init__(self, cell: Cell, scenery: Variation) -> None:
        self._cell = cell
        varied = scenery.apply(cell)
        self._robot = varied.robot_spec()
        self._kinematics = ToolKinematics(self._robot)
        self._objects = varied.scene_objects(scenery.seed)
        roles = {thing.name: thing.role for thing in varied.file.scene.objects}
        self._movable = [thing for thing in self._objects if roles[thing.name] is Role.MOVABLE]
        self._look = scenery.look
        self._setting = (-1, scenery, varied)
        self.studio = Studio(
            MirrorPlan(
                robot=self._robot,
                objects=self._objects,
                colors=dict(varied.colors()),
                cameras=(),
                look=scenery.look,
            )
        )

    def frame(self, order: DemoOrder, number: int) -> DemoFrame:
        """One picture of each camera, with where the thing that is named stands."""
        drawn, varied = self._set(order, number // _PICTURES_A_SETTING)
        generator = np.random.default_rng([order.run_seed, number])
        places = self._places(varied.scene_objects(drawn.seed))
        thing = self._movable[int(generator.integers(len(self._movable)))]
        posture = _Posture.drawn(self._robot, self._kinematics, thing, places[thing.name], generator)
        cameras = tuple(camera for camera in varied.cameras() if camera.role)
        look = Look(light=drawn.look.light, background=self._look.background)
        frames = self.studio.pictures(
            posture.q,
            posture.width_m,
            places,
            cameras,
            look,
        )
        tool = self._kinematics.tool_in_world(posture.q)
        width = [] if self._robot.gripper is None else [posture.width_m]
        body = self._cell.embodiment()
        return DemoFrame(
            pictures={frame.role: encode(frame.rgb) for frame in frames},
            projections={f.role: f.projection for f in frames if f.projection is not None},
            time_s=0.0,
            state=np.concatenate([pose_numbers(tool), width, posture.q]),
            chunk=np.zeros((body.horizon, len(body.channels))),
            anchor=tool,
            task_object=places[thing.name],
            task_object_size=object_size(thing),
            task_target=None,
            phase=SKILLS[_SKILL].phases[0].name,
            skill=_SKILL,
            step=drawn.wording.say(_SKILL, {"object": thing.name}),
        )

    def _set(self, order: DemoOrder, number: int) -> tuple[Variation, Cell]:
        """What is drawn for a setting, and the cell with it."""
        if self._setting[0] != number:
            axes = [axis for axis in order.axes if axis not in _ONCE]
            drawn = Variation.seen(self._cell, axes, _seed(order.run_seed, number))
            self._setting = (number, drawn, drawn.apply(self._cell))
        return self._setting[1:]

    def _places(self, there: tuple[SceneObject, ...]) -> dict[str, FloatArray]:
        """Where the movable things stand now, as high as those of this set are."""
        height = {thing.name: thing.object_in_world[2, 3] for thing in self._movable}
        places = {}
        for thing in there:
            if thing.name in height:
                place = np.array(thing.object_in_world)
                place[2, 3] = height[thing.name]
                places[thing.name] = place
        return places


@dataclass(frozen=True, slots=True)
class _Posture:
    """Joint positions [rad] and the gripper's width [m]."""

    q: FloatArray
    width_m: float

    @classmethod
    def drawn(
        cls,
        robot: RobotSpec,
        kinematics: ToolKinematics,
        thing: SceneObject,
        place: FloatArray,
        generator: np.random.Generator,
    ) -> _Posture:
        """On the way to a thing, often close above it; sometimes near home."""
        grip = robot.gripper
        width = 0.0 if grip is None else float(generator.uniform(grip.min_width_m, grip.max_width_m))
        noise = np.zeros(robot.dof)
        noise[list(kinematics.chain)] = generator.normal(0.0, _HOME_RAD, len(kinematics.chain))
        near_home = np.clip(kinematics.home + noise, kinematics.q_min, kinematics.q_max)
        away, above = (math.exp(generator.uniform(*np.log(span))) for span in (_AWAY_M, _ABOVE_M))
        around, turn = generator.uniform(-math.pi, math.pi), generator.uniform(-_TURN_RAD, _TURN_RAD)
        tilt = generator.normal(0.0, _TILT_RAD, 2)
        if generator.random() < _HOME_SHARE:
            return cls(near_home, width)
        target = np.array(kinematics.tool_in_world(kinematics.home))
        target[:3, :3] = _turned(tilt[0], tilt[1], turn) @ target[:3, :3]
        target[:3, 3] = place[:3, 3] + [away * math.cos(around), away * math.sin(around), above]
        target[2, 3] += 0.5 * object_size(thing)[2]
        found = kinematics.solve(target, kinematics.home)
        return cls(near_home if found is None else found, width)


def _seed(run_seed: int, number: int) -> int:
    return int(np.random.SeedSequence([run_seed, number]).generate_state(1)[0])


def _turned(x_rad: float, y_rad: float, z_rad: float) -> FloatArray:
    turned: FloatArray = Rotation.from_rotvec([x_rad, y_rad, z_rad]).as_matrix()
    return turned
