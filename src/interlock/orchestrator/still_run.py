"""Stills: pictures of a varied cell in which nothing moves, to learn from what is meant and where it is.

A demonstration shows one light, one table and one arrangement for a hundred frames; of pictures that have
nothing in common a model learns in minutes what a colour's name means, at a hundredth of the time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from interlock.errors import InterlockError
from interlock.hal.arrays import FloatArray
from interlock.hal.bounds import object_size
from interlock.hal.camera_spec import CameraSpec
from interlock.hal.look import Look
from interlock.hal.robot import RobotSpec
from interlock.hal.scene import SceneObject
from interlock.hal.simulator.mirror import MirrorPlan
from interlock.hal.simulator.studio import Studio
from interlock.orchestrator.axes import Axis
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.demo_run import DemoOrder, Played, cell_in_space
from interlock.orchestrator.derived_seed import derived_seed
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.variation import Variation
from interlock.planners.domain import Role
from interlock.planners.library import SKILLS
from interlock.policy.dataset.episode import DemoFrame, Episode
from interlock.policy.dataset.pictures import encode
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.proprioception import state_numbers
from interlock.policy.wording import Wording

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
        with closing(set_up.studio):
            frames = tuple(_taken(set_up, order, interrupts))
    except InterlockError as error:
        return Played(attempt=order.attempt, episode=None, reason=error.message)
    if interrupts is not None and len(frames) < order.stills:
        return Played(attempt=order.attempt, episode=None, reason=interrupts.cause, stopped=True)
    note = {"seed": order.run_seed, "variation": scenery.to_json()}
    episode = Episode(frames=frames, attempt=order.attempt, success=True, note=note)
    return Played(attempt=order.attempt, episode=episode, reason="")


def _taken(set_up: _Set, order: DemoOrder, interrupts: Interrupts | None) -> Iterator[DemoFrame]:
    """The pictures in their order; none any more once somebody wants it to end."""
    for setting, numbers in set_up.settings(order):
        for number in numbers:
            if interrupts is not None and interrupts.cause:
                return
            yield set_up.frame(setting, order, number)


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
        self.studio = Studio(
            MirrorPlan(
                robot=self._robot,
                objects=self._objects,
                colors=dict(varied.colors()),
                cameras=(),
                look=scenery.look,
            )
        )

    def settings(self, order: DemoOrder) -> Iterator[tuple[_Setting, range]]:
        """Each setting of an episode, and the numbers of the pictures that share it."""
        for setting, first in enumerate(range(0, order.stills, _PICTURES_A_SETTING)):
            last = min(first + _PICTURES_A_SETTING, order.stills)
            yield self._setting(order, setting), range(first, last)

    def _setting(self, order: DemoOrder, number: int) -> _Setting:
        axes = [axis for axis in order.axes if axis not in _ONCE]
        drawn = Variation.seen(self._cell, axes, derived_seed(order.run_seed, number))
        varied = drawn.apply(self._cell)
        return _Setting(
            places=self._places(varied.scene_objects(drawn.seed)),
            cameras=tuple(camera for camera in varied.cameras() if camera.role),
            look=Look(light=drawn.look.light, background=self._look.background),
            wording=drawn.wording,
        )

    def frame(self, setting: _Setting, order: DemoOrder, number: int) -> DemoFrame:
        """One picture of each camera, with where the thing that is named stands."""
        generator = np.random.default_rng([order.run_seed, number])
        thing = self._movable[int(generator.integers(len(self._movable)))]
        place = setting.places[thing.name]
        posture = _Posture.drawn(self._robot, self._kinematics, thing, place, generator)
        frames = self.studio.pictures(
            posture.q, posture.width_m, setting.places, setting.cameras, setting.look
        )
        tool = self._kinematics.tool_in_world(posture.q)
        width_m = None if self._robot.gripper is None else posture.width_m
        body = self._cell.embodiment()
        return DemoFrame(
            pictures={frame.role: encode(frame.rgb) for frame in frames},
            projections={f.role: f.projection for f in frames if f.projection is not None},
            time_s=0.0,
            state=state_numbers(tool, width_m, posture.q),
            chunk=np.zeros((body.horizon, len(body.channels))),
            anchor=tool,
            task_object=place,
            task_object_size=object_size(thing),
            task_target=None,
            phase=SKILLS[_SKILL].phases[0].name,
            skill=_SKILL,
            step=setting.wording.say(_SKILL, {"object": thing.name}),
        )

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    """What a few pictures in a row share: places of the movable things, cameras, light, words."""

    places: Mapping[str, FloatArray]
    cameras: tuple[CameraSpec, ...]
    look: Look
    wording: Wording


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


def _turned(x_rad: float, y_rad: float, z_rad: float) -> FloatArray:
    turned: FloatArray = Rotation.from_rotvec([x_rad, y_rad, z_rad]).as_matrix()
    return turned
