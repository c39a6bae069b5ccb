"""The scripted expert: it sees what any policy sees and speaks in chunks like any policy."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk
from interlock.policy.chunk_maker import ChunkMaker
from interlock.policy.expert_options import ExpertOptions
from interlock.policy.grip_planner import GripPlanner
from interlock.policy.intent import Intent, Situation, TaskNotes, Way
from interlock.policy.joint_path import JointPath, Pace
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.observation import Observation
from interlock.policy.path_planner import PathPlanner
from interlock.policy.pick_tactic import pick_intent
from interlock.policy.place_tactic import place_intent
from interlock.policy.policy import PolicyContext
from interlock.policy.push_tactic import push_intent
from interlock.policy.right_of_way import RightOfWay, radius_of
from interlock.policy.scene_memory import SceneMemory
from interlock.policy.skeleton import ArmSkeleton, GripperShape
from interlock.policy.surroundings import Surroundings
from interlock.policy.travel_tactic import home_intent, reach_intent

__all__ = ["ScriptedPolicy"]

_TACTICS: dict[str, Callable[[Situation, TaskNotes], Intent | None]] = {
    "home": home_intent,
    "pick": pick_intent,
    "place": place_intent,
    "push": push_intent,
    "reach": reach_intent,
}
_HELD_PHASES = frozenset({"lift", "carry", "lower"})
_SLOW_ENOUGH_M_S = 0.10
_STRAYED_RAD = 0.25
_WAITED_S = 2.0
_AT_HOME_M = 0.03


class ScriptedPolicy:
    """Picks, places, pushes, reaches and goes home, from the scene and the granted phase alone.

    At the start of a phase it plans a path; afterwards each chunk runs along that path from the commanded
    state, so chunks join in position and velocity however the gate has treated the one before.
    """

    name = "scripted"

    def __init__(self, context: PolicyContext) -> None:
        """Build the arm's kinematics and read the options.

        Raises:
            BadInputError: for an option that is unknown or no positive number.
            RobotModelError: for a robot description that cannot be used.
        """
        self._options = options = ExpertOptions.read(context.options)
        self._robot = robot = context.robot
        self._kinematics = ToolKinematics(robot)
        gripper = robot.gripper
        self._max_width_m = gripper.max_width_m if gripper is not None else 0.0
        self._gripper_speed_m_s = 0.9 * gripper.max_speed_m_s if gripper is not None else 1.0
        shape = GripperShape(
            half_span_m=options.gripper_half_span_m,
            half_depth_m=options.gripper_half_depth_m,
            palm_above_tcp_m=options.palm_above_tcp_m,
            tip_beyond_tcp_m=options.tip_beyond_tcp_m,
            finger_half_span_m=0.5 * self._max_width_m + 2.0 * options.finger_radius_m,
            finger_radius_m=options.finger_radius_m,
        )
        self._skeleton = ArmSkeleton(self._kinematics, shape, link_radius_m=options.link_radius_m)
        self._grips = GripPlanner(self._kinematics, self._skeleton, options, self._max_width_m)
        self._planner = PathPlanner(self._kinematics, self._skeleton)
        self._manners = RightOfWay(self._skeleton, options.obstacle_distance_m)
        self._fast = self._pace(options.transit_speed_m_s, options.transit_turn_rad_s)
        self._slow = self._pace(options.contact_speed_m_s, options.contact_turn_rad_s)
        self._maker = ChunkMaker(self.name, context)
        self.reset()

    def reset(self) -> None:
        """Forget the last run."""
        self._maker.restart()
        self._memory = SceneMemory()
        self._notes: TaskNotes | None = None
        self._path: JointPath | None = None
        self._key = ""
        self._width: tuple[int, float, float] | None = None
        self._waiting_since_ns: int | None = None

    def propose(self, observation: Observation) -> ActionChunk | None:
        """The next stretch of the path of the granted phase, or None to wait."""
        situation = self._situation(observation)
        notes = self._noted(observation, situation.tool_in_world)
        tactic = _TACTICS.get(observation.task.skill)
        intent = tactic(situation, notes) if tactic is not None else None
        if intent is None:
            self._path, self._key = None, ""
            return None
        path = self._path_for(intent, observation, notes)
        if path is None:
            return None
        state = observation.state
        joints = path.roll(
            state.q_commanded,
            state.v_commanded,
            state.a_commanded,
            dt_s=self._maker.dt_s,
            steps=self._maker.steps,
            stop_m=self._halt_m(path, intent, observation),
        )
        low = np.minimum(self._kinematics.q_min, state.q_commanded)
        high = np.maximum(self._kinematics.q_max, state.q_commanded)
        widths = self._widths(observation.stamp_ns, intent.width_m)
        return self._maker.make(observation, np.clip(joints, low, high), widths)

    def _situation(self, observation: Observation) -> Situation:
        """What the tactics decide from; the grip on the held object is averaged while the tool is slow."""
        state, task = observation.state, observation.task
        scene = self._memory.see(observation.scene)
        held = None
        item = observation.scene.find(task.arguments.get("object", ""))
        if task.phase in _HELD_PHASES and item is not None:
            speed = float(np.linalg.norm(self._kinematics.jacobian(state.q)[:3] @ state.v))
            if speed < _SLOW_ENOUGH_M_S or not self._memory.has_grip(item.name):
                held = self._memory.see_grip(item, self._kinematics.tool_in_world(state.q))
            else:
                held = self._memory.grip()
        elif task.phase in ("approach", "move"):
            self._memory.forget_grip()
        width = self._width_at(observation.stamp_ns)
        if width is None:
            width = state.gripper.width_m if state.gripper is not None else 0.0
            self._width = (observation.stamp_ns, width, width)
        return Situation(
            observation=observation,
            scene=scene,
            tool_in_world=self._kinematics.tool_in_world(state.q_commanded),
            object_in_tool=held,
            width_m=width,
            gripper_speed_m_s=self._gripper_speed_m_s,
            grips=self._grips,
            options=self._options,
        )

    def _noted(self, observation: Observation, tool_in_world: FloatArray) -> TaskNotes:
        task, notes = observation.task, self._notes
        if notes is None or notes.task_id != task.task_id:
            notes = TaskNotes(task_id=task.task_id, phase=task.phase, anchor=tool_in_world)
            self._path, self._key = None, ""
        elif notes.phase != task.phase:
            notes.phase, notes.anchor = task.phase, tool_in_world
        self._notes = notes
        return notes

    def _path_for(self, intent: Intent, observation: Observation, notes: TaskNotes) -> JointPath | None:
        """The path in hand, or a new one if the intent changed, the arm strayed, or the wait was long."""
        q = np.asarray(observation.state.q_commanded)
        key = f"{observation.task.phase} {intent.key}"
        path = self._path
        keep = path is not None and key == self._key and path.offset(q) < _STRAYED_RAD
        waited = self._waiting_since_ns is not None and (
            observation.stamp_ns - self._waiting_since_ns > _WAITED_S * 1e9
        )
        if keep and path is not None and not (waited and intent.way is Way.TRANSIT):
            return self._next_leg(path, intent, q)
        self._key, self._waiting_since_ns = key, None
        self._path = self._plan(intent, q, notes)
        return self._path

    def _next_leg(self, path: JointPath, intent: Intent, q: FloatArray) -> JointPath:
        """For a way in joint space that began with a detour: the rest of it once the detour is done."""
        if intent.way is Way.JOINTS and float(np.abs(q - path.goal).max()) < 0.01:
            if float(np.abs(path.goal - self._kinematics.home).max()) > 1e-6:
                self._path = path = self._planner.joints(q, self._kinematics.home, self._fast)
        return path

    def _plan(self, intent: Intent, q: FloatArray, notes: TaskNotes) -> JointPath | None:
        if intent.way is Way.STRAIGHT:
            return self._planner.straight(q, intent.goals[0], self._slow, intent.via)
        around = self._around(intent, q)
        goals = intent.goals
        if intent.way is Way.JOINTS:
            home = self._kinematics.tool_in_world(self._kinematics.home)
            path = self._planner.joints(q, self._kinematics.home, self._fast)
            gap = math.dist(home[:3, 3], self._kinematics.tool_in_world(q)[:3, 3])
            if gap < _AT_HOME_M or self._planner.clearance(path, around) >= 0.0:
                return path
            goals = (home,)
        found = self._planner.transit(q, goals, around, self._fast)
        if found is None:
            return None
        notes.choice = next(i for i, goal in enumerate(goals) if goal is found[1])
        return found[0]

    def _around(self, intent: Intent, q: FloatArray) -> Surroundings:
        obstacles = self._memory.obstacles()
        trails = [np.concatenate((o.trail, o.seen.object_in_world[None, :3, 3])) for o in obstacles]
        radii = [radius_of(o.seen) for o in obstacles]
        beside, beside_radius_m = self._skeleton.beside(q)
        return Surroundings(
            scene=self._memory.scene(),
            ignored=intent.ignored,
            trail=np.concatenate(trails) if trails else np.zeros((0, 3)),
            trail_radius_m=max(radii, default=0.0) + 0.5 * self._options.obstacle_distance_m,
            held=intent.held,
            beside=beside,
            beside_radius_m=beside_radius_m,
            options=self._options,
        )

    def _halt_m(self, path: JointPath, intent: Intent, observation: Observation) -> float:
        state = observation.state
        here = path.locate(state.q_commanded)
        speed = max(path.speed_along(here, state.v_commanded), 0.0)
        obstacles = self._memory.obstacles()
        halt = self._manners.halt_m(path, here, speed, obstacles, intent.held)
        if math.isinf(halt):
            self._waiting_since_ns = None
        elif self._waiting_since_ns is None:
            self._waiting_since_ns = observation.stamp_ns
        return halt

    def _width_at(self, now_ns: int) -> float | None:
        """The width commanded for now by the last chunk, [m]."""
        if self._width is None:
            return None
        since_ns, width, goal = self._width
        reach = self._gripper_speed_m_s * (now_ns - since_ns) * 1e-9
        return width + min(max(goal - width, -reach), reach)

    def _widths(self, now_ns: int, goal_m: float) -> FloatArray:
        """Widths of the steps, from the one commanded now toward the goal no faster than the gripper is."""
        goal = min(max(goal_m, 0.0), self._max_width_m)
        now = self._width_at(now_ns)
        width = goal if now is None else now
        self._width = (now_ns, width, goal)
        reach = self._gripper_speed_m_s * self._maker.dt_s * np.arange(self._maker.steps)
        return np.asarray(width + np.clip(goal - width, -reach, reach))

    def _pace(self, speed_m_s: float, turn_rad_s: float) -> Pace:
        limits, options = self._robot.limits, self._options
        return Pace(
            speed_m_s=speed_m_s,
            acceleration_m_s2=options.acceleration_m_s2,
            jerk_m_s3=options.jerk_m_s3,
            joint_speed=options.joint_speed_share * limits.v_max,
            joint_acceleration=options.joint_acceleration_share * limits.a_max,
            turn_rad_s=turn_rad_s,
        )
