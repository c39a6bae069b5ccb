"""The form of a cell file: which keys it has and what may stand behind each.

Only what one value can show by itself is judged here; what takes two values or another file stands in
`robot_rules.py`, `scene_rules.py` and `clock_rules.py`. Units stand in the keys. Poses are in the world
unless a key says otherwise; the world's z axis points up.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
)
from pydantic_core import PydanticKnownError

from interlock.hal.polytope import MOST_VERTICES
from interlock.hal.scene import FURTHEST_M
from interlock.planners.domain import Role

__all__ = [
    "CellFile",
    "CompositionSection",
    "MountSection",
    "ObjectSection",
    "RobotSection",
    "ZoneSection",
]

_LARGEST, _SMALLEST = 1e4, 1e-9
"""No length, limit, rate or time of a work cell is beyond these, in any unit used here."""


def _not_tiny(value: float) -> float:
    if value < _SMALLEST:
        raise PydanticKnownError("greater_than_equal", {"ge": _SMALLEST})
    return value


def _whole(value: object) -> object:
    if type(value) is not int:  # True and 1.0 are equal to 1
        raise PydanticKnownError("int_type")
    return value


Finite = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-_LARGEST, le=_LARGEST)]
Positive = Annotated[
    float, Field(strict=True, allow_inf_nan=False, gt=0.0, le=_LARGEST), AfterValidator(_not_tiny)
]
NonNegative = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0.0, le=_LARGEST)]
Factor = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0.0, le=1.0), AfterValidator(_not_tiny)]
Count = Annotated[int, Field(strict=True, ge=1, le=10_000)]
Name = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Label = Annotated[str, Field(strict=True, pattern=r"^\S+$", max_length=200)]
Text = Annotated[str, Field(strict=True, max_length=500)]
Coordinate = Annotated[Finite, Field(ge=-FURTHEST_M, le=FURTHEST_M)]
Length = Annotated[Positive, Field(le=FURTHEST_M)]
Vector = tuple[Coordinate, Coordinate, Coordinate]
Angles = tuple[Finite, Finite, Finite]
Direction = tuple[Finite, Finite, Finite]
Extents = tuple[Length, Length, Length]
Share = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0.0, le=1.0)]


class Section(BaseModel):
    """One mapping of a cell file; a key that is not listed is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PoseSection(Section):
    """A pose: position [m], then roll, pitch and yaw about fixed axes [rad]."""

    position_m: Vector = (0.0, 0.0, 0.0)
    rpy_rad: Angles = (0.0, 0.0, 0.0)


class JointSection(Section):
    """One row of the maker's data sheet."""

    q_rad: tuple[Finite, Finite]
    v_rad_s: Positive
    a_rad_s2: Positive
    j_rad_s3: Positive


class DerateSection(Section):
    """What share of the data sheet's speed, acceleration and jerk this cell uses."""

    velocity: Factor = 1.0
    acceleration: Factor = 1.0
    jerk: Factor = 1.0


class LimitsSection(Section):
    """The maker's limits; `source` says where they stand, `joints` gives the order of all arm arrays."""

    source: Text
    derate: DerateSection = DerateSection()
    joints: dict[Label, JointSection]


class ToolSection(PoseSection):
    """The tool centre point: a pose in `link`."""

    link: Label


class TubeSection(Section):
    """How far the measured arm may be from the commanded one."""

    position_rad: Positive = 0.0015
    velocity_rad_s: Positive = 0.08


class GripperSection(Section):
    """A gripper whose joints all follow one width; `joint_table`: a row a joint, a column a width."""

    widths_m: Annotated[tuple[NonNegative, ...], Field(min_length=2)]
    joint_table: Annotated[dict[Label, tuple[Finite, ...]], Field(min_length=1)]
    max_speed_m_s: Positive
    max_force_n: Positive
    finger_links: Annotated[tuple[Label, ...], Field(min_length=1)]


UrdfPath = Annotated[str, Field(strict=True, min_length=1, max_length=500)]
Prefix = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]*_$", max_length=32)]


class MountSection(PoseSection):
    """One robot of a composition: every name in it gets `prefix`, its root link stands at the pose.

    The pose is in the root link of the whole. A joint under `fixed_joints` stands still at that position,
    [rad or m], and is no joint of the whole any more.
    """

    prefix: Prefix
    urdf: UrdfPath
    fixed_joints: dict[Label, Finite] = Field(default_factory=dict)


class CompositionSection(Section):
    """Robots on one base that make one body; the base is a link of no size named `root_link`."""

    root_link: Label
    compose: Annotated[tuple[MountSection, ...], Field(min_length=1, max_length=8)]


def _kind_of_urdf(value: object) -> str:
    return "[composition]" if isinstance(value, dict | CompositionSection) else "[path]"


class RobotSection(Section):
    """The body: model file, data sheet, tool, gripper.

    `urdf` is a path relative to the cell file, or `PACKAGE:PATH` inside an installed Python package; or
    several of these, put together.
    """

    name: Name
    embodiment: Name
    urdf: Annotated[
        Annotated[UrdfPath, Tag("[path]")] | Annotated[CompositionSection, Tag("[composition]")],
        Discriminator(_kind_of_urdf),
    ]
    base: PoseSection = PoseSection()
    limits: LimitsSection
    tool: ToolSection
    home_rad: tuple[Finite, ...]
    tracking_tube: TubeSection = TubeSection()
    max_tool_speed_m_s: Positive
    gripper: GripperSection | None = None
    touching_pairs: tuple[tuple[Label, Label], ...] = ()


class BoxSection(Section):
    """A box about the part's origin, full extents."""

    size_m: Extents


class SphereSection(Section):
    """A ball about the part's origin."""

    radius_m: Length


class CapsuleSection(Section):
    """A segment along the part's z axis, centred on its origin, swept by a ball."""

    radius_m: Length
    length_m: Length


class ConvexHullSection(Section):
    """The convex hull of points in the part's frame; a point inside that of the others counts for nothing."""

    vertices_m: Annotated[tuple[Vector, ...], Field(min_length=4, max_length=MOST_VERTICES)]


class HalfSpaceSection(Section):
    """All of the part's frame up to a plane: `normal`, of any length, leads out; `offset_m` is along it.

    A floor, a wall or a ceiling without end, which does not move.
    """

    normal: Direction
    offset_m: Coordinate = 0.0


class PartSection(PoseSection):
    """One solid of an object, posed in the object: exactly one of the shapes."""

    box: BoxSection | None = None
    sphere: SphereSection | None = None
    capsule: CapsuleSection | None = None
    convex_hull: ConvexHullSection | None = None
    half_space: HalfSpaceSection | None = None


class JitterSection(Section):
    """How far a seed may move an object: ± along x and y [m], ± about z [rad]."""

    x_m: NonNegative = 0.0
    y_m: NonNegative = 0.0
    yaw_rad: NonNegative = 0.0


class ShuttleSection(Section):
    """Back and forth between two points as a sine, in the simulator."""

    start_m: Vector
    end_m: Vector
    speed_m_s: Positive


class ObjectSection(Section):
    """One object: what people call it, what it is made of, where it is, how well that is known.

    `mass_kg` counts for movable objects. `mass_kg` and `friction` are for the simulator; no guard reads them.
    """

    name: Name
    noun: Name
    color: Annotated[str, Field(strict=True, pattern=r"^([a-z]+)?$", max_length=32)] = ""
    rgba: tuple[Share, Share, Share, Share] | None = None
    role: Literal[Role.MOVABLE, Role.SUPPORT, Role.OBSTACLE]
    stands_on: Name | None = None
    parts: Annotated[tuple[PartSection, ...], Field(min_length=1)]
    position_m: Vector | None = None
    yaw_rad: Finite = 0.0
    jitter: JitterSection = JitterSection()
    position_std_m: NonNegative = 0.0
    mass_kg: Positive = 0.1
    friction: Positive | None = None
    max_speed_m_s: NonNegative = 0.0
    shuttle: ShuttleSection | None = None


class ZoneSection(Section):
    """An axis-aligned box: `keep_in` for the tool, `keep_out` for every link, `place` for a goal to name."""

    name: Name
    kind: Literal["keep_in", "keep_out", "place"]
    noun: Name = "zone"
    stands_on: Name | None = None
    lower_m: Vector
    upper_m: Vector


class SceneSection(Section):
    """What stands in the cell; `min_separation_m` is kept between the centres of movable objects."""

    objects: tuple[ObjectSection, ...]
    zones: tuple[ZoneSection, ...] = ()
    min_separation_m: NonNegative = 0.0


class CameraSection(Section):
    """A pinhole camera at `eye_m` that looks at `target_m`, with world z up in the picture.

    With a `link` both are points of that link of the robot, and its x axis is up. A policy asks for a camera
    by its `role`.
    """

    name: Name
    width_px: Annotated[int, Field(strict=True, ge=16, le=4096)]
    height_px: Annotated[int, Field(strict=True, ge=16, le=4096)]
    vertical_fov_deg: Annotated[float, Field(strict=True, allow_inf_nan=False, gt=1.0, lt=170.0)]
    eye_m: Vector
    target_m: Vector
    rate_hz: Annotated[Positive, Field(le=1000.0)]
    role: Annotated[str, Field(strict=True, pattern=r"^([a-z][a-z0-9_]*)?$", max_length=64)] = ""
    link: Annotated[str, Field(strict=True, pattern=r"^\S*$", max_length=200)] = ""


class PluginSection(Section):
    """A constraint of the user's own: the name of an entry point, or `package.module:Class`."""

    name: Label
    parameters: dict[str, Any] = Field(default_factory=dict)


class GuardsSection(Section):
    """Margins and deadlines of the gate (`interlock.guards.config.GateConfig`)."""

    environment_margin_m: Positive = 0.008
    self_margin_m: Positive = 0.005
    position_sigmas: NonNegative = 3.0
    chunk_deadline_s: Positive = 0.5
    state_deadline_s: Positive = 0.025
    scene_deadline_s: Positive = 0.2
    plugins: tuple[PluginSection, ...] = ()


ActionSpace = Literal["joint_position", "tool_pose", "tool_delta", "tool_step"]


class PolicySection(Section):
    """The policy that runs unless another is asked for, what it proposes in, and what it is told.

    `action_space`: "joint_position", absolute; "tool_pose", position and rotation vector of the tool in the
    world; "tool_delta", both relative to where the tool was when the chunk was made, in the world's axes;
    "tool_step", both relative to the step before, in the tool's axes. A policy `vla` proposes in the space
    that its checkpoint was trained in, whatever stands here. `others`: what other policies are told, by name.
    """

    name: Label
    action_space: ActionSpace = "joint_position"
    options: dict[str, Any] = Field(default_factory=dict)
    others: dict[Label, dict[str, Any]] = Field(default_factory=dict)


class RatesSection(Section):
    """Clocks: control ticks, physics steps in a tick, steps inside a chunk, time between chunks."""

    control_hz: Count = 100
    physics_substeps: Annotated[int, Field(strict=True, ge=1, le=1000)] = 10
    chunk_rate_hz: Positive = 25.0
    horizon: Annotated[int, Field(strict=True, ge=2, le=1000)] = 16
    replan_s: Positive = 0.16


class TimesSection(Section):
    """How long a task, a standstill without a new verified proposal, and a run may last."""

    max_task_s: Positive = 30.0
    stuck_after_s: Positive = 5.0
    max_run_s: Positive = 180.0


class CellFile(Section):
    """A whole cell file."""

    schema_version: Annotated[Literal[1], BeforeValidator(_whole)]
    name: Name
    description: Text = ""
    robot: RobotSection
    scene: SceneSection
    cameras: tuple[CameraSection, ...] = ()
    guards: GuardsSection = GuardsSection()
    policy: PolicySection
    skills: Annotated[tuple[Name, ...], Field(min_length=1)]
    rates: RatesSection = RatesSection()
    times: TimesSection = TimesSection()
