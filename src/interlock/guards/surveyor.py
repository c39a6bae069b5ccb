"""The surroundings of one decision: what moves with the robot, what is in its way, what may be touched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from interlock.guards.body import BodyModel
from interlock.guards.config import GateConfig
from interlock.guards.intake import GateInput
from interlock.guards.kinematics import forward, point_jacobian, tool_position
from interlock.guards.obstacles import Obstacles, flatten
from interlock.guards.part_distance import part_distance
from interlock.guards.solid import HeldObject, MovingSolid, attach, held_from_scene
from interlock.guards.verifier import Surroundings
from interlock.hal.arrays import FloatArray
from interlock.hal.phase import CONTACT_TOOL_SPEED_M_S, FELT_N, AllowedContact
from interlock.hal.scene import Scene, SceneObject

__all__ = ["Surveyor"]


class Surveyor:
    """Builds `Surroundings` from the inputs of one decision, and from nothing else."""

    def __init__(self, body: BodyModel, config: GateConfig) -> None:
        self._body = body
        self._config = config
        self._bare = attach(body, None)

    def survey(self, given: GateInput) -> Surroundings:
        """What this decision is judged against.

        A contact is in force only once the commanded TCP is no faster than `CONTACT_TOOL_SPEED_M_S`; from
        then on nothing faster is released while it lasts.
        """
        phase = given.phase
        held = self._held(given)
        solid = self._bare if held is None else attach(self._body, held)
        certain = held is not None and held.certain
        maybe = held.name if held is not None and not certain else None
        obstacles = flatten(given.scene, self._config, given.now_ns, phase.held if certain else None)
        contacts = phase.contacts_at(given.now_ns)
        limit = self._body.robot.max_tool_speed_m_s
        if contacts:
            if self._tool_speed(given.state.q_commanded, given.state.v_commanded) <= CONTACT_TOOL_SPEED_M_S:
                limit = min(limit, CONTACT_TOOL_SPEED_M_S)
            else:
                contacts = ()
        return Surroundings(
            solid=solid,
            obstacles=obstacles,
            skip=_touching(solid, obstacles, contacts, maybe),
            tool_speed_limit_m_s=limit,
        )

    def _held(self, given: GateInput) -> HeldObject | None:
        name = given.phase.held or given.phase.maybe_held
        thing = given.scene.find(name) if name else None
        if thing is None:
            return None
        held = held_from_scene(thing, self.hand(given.state.q), self._config.position_sigmas)
        certain = given.phase.held is not None and self._felt(thing, given)
        held = replace(held, certain=certain)
        return self._aged(held, given, abs(given.state.stamp_ns - thing.stamp_ns) * 1e-9)

    def _felt(self, thing: SceneObject, given: GateInput) -> bool:
        """Whether the fingers feel something, and `thing`, its own solid, is where they would feel it.

        What a phase calls held without that is only believed to be: it is checked held *and* free.
        """
        spec, measured = self._body.robot.gripper, given.state.gripper
        if spec is None or measured is None or not measured.force_n >= FELT_N:
            return False
        alone = Scene(stamp_ns=given.scene.stamp_ns, objects=(thing,))
        solid = flatten(alone, replace(self._config, zones=()), given.now_ns, None)
        tool = self.tool(given.state.q)[None]
        away = [
            part_distance(
                tool, tool, 0, e, solid.kind, solid.rot, solid.pos, solid.half, solid.a, solid.b,
                solid.span, solid.facets, solid.edges,
            )[0] - solid.radius_m[e]
            for e in range(len(solid.owner))
        ]  # fmt: skip
        return bool(np.min(away) <= spec.max_width_m / 2.0)

    def _aged(self, held: HeldObject, given: GateInput, age_s: float) -> HeldObject:
        """Grow what was seen `age_s` apart from the arm by how far the tool may have carried it meanwhile."""
        if age_s == 0.0:
            return held
        robot = self._body.robot
        speed = np.abs(given.state.v_commanded) + robot.tube.velocity_rad_s + robot.limits.a_max * age_s
        ends = np.maximum(*(np.linalg.norm(end - self._body.tool_pos, axis=1) for end in (held.a, held.b)))
        lever = self._body.tool_lever + (ends + held.radius_m)[:, None]
        return replace(held, radius_m=held.radius_m + lever @ (speed * age_s))

    def _frames(self, q: FloatArray) -> tuple[FloatArray, FloatArray]:
        body = self._body
        rot, pos = np.empty((body.n, 3, 3)), np.empty((body.n, 3))
        forward(
            q,
            body.joint_parent,
            body.joint_rot,
            body.joint_pos,
            body.joint_axis,
            body.joint_prismatic,
            rot,
            pos,
        )
        return rot, pos

    def hand(self, q: FloatArray) -> FloatArray:
        """Pose of the tool's joint in the world, shape (4, 4), at joint positions `q`, shape (n,), [rad]."""
        rot, pos = self._frames(q)
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = rot[self._body.tool_joint], pos[self._body.tool_joint]
        return pose

    def tool(self, q: FloatArray) -> FloatArray:
        """Position of the TCP in the world, shape (3,), [m]."""
        rot, pos = self._frames(q)
        out = np.empty(3)
        tool_position(rot, pos, self._body.tool_joint, self._body.tool_pos, out)
        return out

    def _tool_speed(self, q: FloatArray, v: FloatArray) -> float:
        body = self._body
        rot, pos = self._frames(q)
        tool, jacobian = np.empty(3), np.empty((3, body.n))
        tool_position(rot, pos, body.tool_joint, body.tool_pos, tool)
        point_jacobian(
            rot,
            pos,
            tool,
            body.tool_joint,
            body.joint_parent,
            body.joint_axis,
            body.joint_prismatic,
            jacobian,
        )
        return float(np.linalg.norm(jacobian @ v))

    def tool_speed(self, q: FloatArray, v: FloatArray) -> float:
        """Speed of the TCP, [m/s], at joint positions `q` [rad] and velocities `v` [rad/s]."""
        return self._tool_speed(q, v)


def _touching(
    solid: MovingSolid, obstacles: Obstacles, contacts: tuple[AllowedContact, ...], maybe_held: str | None
) -> NDArray[np.bool_]:
    skip = np.zeros((len(solid.cap_link), len(obstacles.owner)), dtype=np.bool_)
    pairs = {(c.link, c.other) for c in contacts}
    if not pairs and maybe_held is None:
        return skip
    for e, owner in enumerate(obstacles.owner):
        if obstacles.is_zone[e]:
            continue
        for c, link in enumerate(solid.cap_link):
            # the same thing twice, checked held and free: what is held is never a link, whatever its name
            twice = owner == maybe_held and c >= solid.held_from
            if twice or (link, owner) in pairs:
                skip[c, e] = True
    return skip
