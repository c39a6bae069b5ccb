"""A work cell: the YAML that describes one deployment, as typed data for every room."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from interlock.errors import CellError
from interlock.guards.config import GateConfig, PluginConfig
from interlock.hal.camera_spec import CameraSpec
from interlock.hal.embodiment import Embodiment
from interlock.hal.motion import ShuttleMotion
from interlock.hal.robot import GripperSpec, JointLimits, RobotSpec, TrackingTube
from interlock.hal.scene import SceneObject
from interlock.hal.zone import Zone, ZoneKind
from interlock.orchestrator.action_space import channels_of
from interlock.orchestrator.cell_folder import find_cell
from interlock.orchestrator.cell_reader import CellReader
from interlock.orchestrator.cell_schema import CellFile, CompositionSection, RatesSection, TimesSection
from interlock.orchestrator.clock_rules import check_clocks
from interlock.orchestrator.composed_file import composed_file
from interlock.orchestrator.nearest import nearest
from interlock.orchestrator.palette import NO_COLOR, PALETTE, Rgba
from interlock.orchestrator.robot_rules import check_robot
from interlock.orchestrator.scene_rules import check_scene
from interlock.orchestrator.seeded_scene import SeededScene
from interlock.orchestrator.solid import pose_matrix
from interlock.orchestrator.stream_rules import check_stream
from interlock.orchestrator.urdf_composer import UrdfComposer
from interlock.orchestrator.urdf_outline import UrdfOutline
from interlock.orchestrator.urdf_source import find_urdf
from interlock.planners.domain import Domain, Role
from interlock.planners.library import SKILLS

__all__ = ["Cell"]

_COMMIT = 1.5  # times the time between chunks: one may come late


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One checked cell file; `Cell.load` and `Cell.read` are the only ways to one.

    Attributes:
        path: the file.
        text: the file's text, from which the same cell can be made again.
        sha256: SHA-256 of the file's bytes.
        file: its checked form.
        outline: names and limits of the robot's URDF.
    """

    path: Path
    text: str
    sha256: str
    file: CellFile
    outline: UrdfOutline

    @classmethod
    def load(cls, path_or_name: str | Path) -> Cell:
        """Read, check and return a cell.

        Args:
            path_or_name: a YAML file, or the name of a cell that ships (`interlock cells` lists them).

        Raises:
            CellError: if it cannot be used; the message says which field, which value, and how to mend it.
            RobotModelError: if the URDF it names cannot be used.
        """
        path = find_cell(path_or_name)
        return cls.read(CellReader(path).content(), path)

    @classmethod
    def read(cls, content: bytes, path: Path) -> Cell:
        """Check `content` as that of the file at `path`, which is not opened, and return the cell.

        Raises:
            CellError: if it cannot be used.
            RobotModelError: if the URDF it names cannot be used.
        """
        file = CellReader(path).parse(content)
        outline = UrdfOutline.read(_model_file(file.robot.urdf, path.parent))
        check_robot(file.robot, outline)
        check_scene(file, outline)
        check_clocks(file)
        check_stream(file)
        for index, skill in enumerate(file.skills):
            if skill not in SKILLS:
                raise CellError(
                    "there is no such skill",
                    field=f"skills[{index}]",
                    value=skill,
                    mend=nearest(skill, SKILLS),
                )
        return cls(
            path=path,
            text=content.decode("utf-8", "replace"),
            sha256=hashlib.sha256(content).hexdigest(),
            file=file,
            outline=outline,
        )

    @property
    def name(self) -> str:
        """Name of the cell."""
        return self.file.name

    @property
    def period_s(self) -> float:
        """Control period, [s]."""
        return 1.0 / self.file.rates.control_hz

    @property
    def rates(self) -> RatesSection:
        """Control rate, physics substeps, chunk rate, horizon, time between chunks."""
        return self.file.rates

    @property
    def times(self) -> TimesSection:
        """How long a task, a standstill and a run may last."""
        return self.file.times

    @property
    def skills(self) -> tuple[str, ...]:
        """Names of the skills this cell allows."""
        return self.file.skills

    @property
    def policy(self) -> str:
        """Name of the policy that runs unless another is asked for."""
        return self.file.policy.name

    def options_of(self, policy: str) -> Mapping[str, Any]:
        """What the cell tells the policy of this name; nothing if it was not written for it."""
        section = self.file.policy
        return section.options if policy == section.name else section.others.get(policy, {})

    def robot_spec(self) -> RobotSpec:
        """The body: limits are the data sheet's times the cell's derating."""
        robot = self.file.robot
        gripper = robot.gripper
        return RobotSpec(
            name=robot.name,
            urdf=self.outline.path,
            package_dirs=(self.outline.path.parent,),
            base_in_world=pose_matrix(robot.base.position_m, robot.base.rpy_rad),
            limits=self._limits(),
            tool_link=robot.tool.link,
            tool_in_link=pose_matrix(robot.tool.position_m, robot.tool.rpy_rad),
            home=np.array(robot.home_rad),
            tube=TrackingTube(
                position_rad=robot.tracking_tube.position_rad,
                velocity_rad_s=robot.tracking_tube.velocity_rad_s,
            ),
            max_tool_speed_m_s=robot.max_tool_speed_m_s,
            gripper=None
            if gripper is None
            else GripperSpec(
                joints=tuple(gripper.joint_table),
                widths_m=np.array(gripper.widths_m),
                joint_table=np.array(list(gripper.joint_table.values())),
                max_speed_m_s=gripper.max_speed_m_s,
                max_force_n=gripper.max_force_n,
                finger_links=gripper.finger_links,
            ),
            touching_pairs=robot.touching_pairs,
        )

    def _limits(self) -> JointLimits:
        section = self.file.robot.limits
        rows, derate = section.joints.values(), section.derate
        return JointLimits(
            names=tuple(section.joints),
            q_min=np.array([r.q_rad[0] for r in rows]),
            q_max=np.array([r.q_rad[1] for r in rows]),
            v_max=np.array([r.v_rad_s for r in rows]) * derate.velocity,
            a_max=np.array([r.a_rad_s2 for r in rows]) * derate.acceleration,
            j_max=np.array([r.j_rad_s3 for r in rows]) * derate.jerk,
        )

    def embodiment(self) -> Embodiment:
        """The body as a policy sees it: what `policy.action_space` says, then the gripper's width."""
        rates = self.file.rates
        return Embodiment(
            tag=self.file.robot.embodiment,
            channels=channels_of(self.file.robot, self.file.policy.action_space),
            rate_hz=rates.chunk_rate_hz,
            horizon=rates.horizon,
        )

    def scene_objects(self, seed: int) -> tuple[SceneObject, ...]:
        """Every object at time 0, where this seed puts it."""
        return SeededScene(self.file.scene, seed).objects()

    def motions(self, seed: int) -> Mapping[str, ShuttleMotion]:
        """How each moving obstacle moves under this seed, by name."""
        return SeededScene(self.file.scene, seed).motions

    def domain(self, seed: int) -> Domain:
        """What a planner knows of this cell under this seed."""
        return Domain(objects=SeededScene(self.file.scene, seed).named(), skills=self.file.skills)

    def position_stds_m(self) -> Mapping[str, float]:
        """Standard deviation of each object's position as the scene source reports it, per axis, [m]."""
        return {o.name: o.position_std_m for o in self.file.scene.objects}

    def colors(self) -> Mapping[str, Rgba]:
        """Red, green, blue and alpha of each object, each from 0 to 1."""
        return {o.name: o.rgba or PALETTE.get(o.color, NO_COLOR) for o in self.file.scene.objects}

    def masses_kg(self) -> Mapping[str, float]:
        """Mass of each movable object, [kg]; for the simulator."""
        return {o.name: o.mass_kg for o in self.file.scene.objects if o.role is Role.MOVABLE}

    def frictions(self) -> Mapping[str, float]:
        """Lateral friction coefficients that the cell states; for the simulator, which knows the others."""
        return {o.name: o.friction for o in self.file.scene.objects if o.friction is not None}

    def zones(self) -> tuple[Zone, ...]:
        """The keep-in and keep-out zones; places that a goal may name stand in the domain."""
        return tuple(
            Zone(name=z.name, kind=ZoneKind(z.kind), lower=np.array(z.lower_m), upper=np.array(z.upper_m))
            for z in self.file.scene.zones
            if z.kind != "place"
        )

    def gate_config(self) -> GateConfig:
        """Margins, deadlines, zones and plug-ins of the gate."""
        guards = self.file.guards
        return GateConfig(
            period_s=self.period_s,
            environment_margin_m=guards.environment_margin_m,
            self_margin_m=guards.self_margin_m,
            position_sigmas=guards.position_sigmas,
            chunk_deadline_s=guards.chunk_deadline_s,
            chunk_commit_s=_COMMIT * self.rates.replan_s,
            state_deadline_s=guards.state_deadline_s,
            scene_deadline_s=guards.scene_deadline_s,
            zones=self.zones(),
            plugins=tuple(PluginConfig(name=p.name, parameters=p.parameters) for p in guards.plugins),
        )

    def cameras(self) -> tuple[CameraSpec, ...]:
        """The cameras of the cell."""
        return tuple(CameraSpec(**camera.model_dump()) for camera in self.file.cameras)


def _model_file(urdf: str | CompositionSection, cell_folder: Path) -> Path:
    """The URDF of the whole robot; a composed one is put together again each time."""
    if isinstance(urdf, str):
        return find_urdf(urdf, cell_folder)
    return composed_file(UrdfComposer(urdf, cell_folder).compose())
