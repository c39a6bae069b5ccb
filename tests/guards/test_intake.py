"""The first door: every bad value is a verdict of the right family, with no exception and no command."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from tests.guards.closed_loop import (
    CELLS,
    IDLE,
    NOW_NS,
    WEDGE,
    ask,
    body_of,
    cell_of,
    cell_scene,
    chunk_of,
    embodiment_of,
    gate_of,
    hold,
    node_at_rest,
    seen_at,
)

from interlock.errors import BadInputError
from interlock.guards.intake import GateInput, Intake
from interlock.guards.verdict import Decision, Family, Rung
from interlock.hal.embodiment import ChannelKind, Reference
from interlock.hal.phase import Phase
from interlock.hal.scene import (
    MOST_PARTS,
    Box,
    Capsule,
    ConvexHull,
    HalfSpace,
    ObjectKind,
    Part,
    Scene,
    SceneObject,
    Sphere,
)
from interlock.hal.state import GripperState

PANDA, XARM = CELLS
MS = 1_000_000
NAN, INF = float("nan"), float("inf")
Spoil = Callable[[GateInput], GateInput]


def fine() -> GateInput:
    home = body_of(PANDA).robot.home
    return ask(PANDA, node_at_rest(home), hold(PANDA, home), cell_scene(PANDA))


def state(**change: object) -> Spoil:
    return lambda given: replace(given, state=replace(given.state, **change))


def joint(field: str, value: float, at: int = 3) -> Spoil:
    def spoil(given: GateInput) -> GateInput:
        array = np.array(getattr(given.state, field))
        array[at] = value
        return replace(given, state=replace(given.state, **{field: array}))

    return spoil


def joints(count: int) -> Spoil:
    arrays = {f: np.zeros(count) for f in ("q", "v", "q_commanded", "v_commanded", "a_commanded")}
    return state(**arrays)


def chunk(**change: object) -> Spoil:
    return lambda given: replace(given, chunk=replace(given.chunk, **change))


def samples(make: Callable[[np.ndarray], np.ndarray]) -> Spoil:
    return lambda given: replace(
        given, chunk=replace(given.chunk, samples=make(np.array(given.chunk.samples)))
    )


def sample(value: float, step: int = 5, channel: int = 2) -> Spoil:
    def make(array: np.ndarray) -> np.ndarray:
        array[0, step, channel] = value
        return array

    return samples(make)


def thing(make: Callable[[SceneObject], SceneObject], which: int = 3) -> Spoil:
    def spoil(given: GateInput) -> GateInput:
        objects = list(given.scene.objects)
        objects[which] = make(objects[which])
        return replace(given, scene=replace(given.scene, objects=tuple(objects)))

    return spoil


def pose(index: tuple[int, int], value: float) -> Spoil:
    def make(found: SceneObject) -> SceneObject:
        spoilt = np.array(found.object_in_world)
        spoilt[index] = value
        return replace(found, object_in_world=spoilt)

    return thing(make)


def part(shape: object, pose: np.ndarray | None = None) -> Spoil:
    made = Part(shape=shape, part_in_object=np.eye(4) if pose is None else pose)
    return thing(lambda found: replace(found, parts=(*found.parts, made)))


def floor(normal: list[float], offset_m: float, kind: ObjectKind = ObjectKind.FIXED) -> Spoil:
    """The table, which stands, with a half-space to it."""
    made = Part(shape=HalfSpace(normal=normal, offset_m=offset_m), part_in_object=np.eye(4))
    return thing(lambda found: replace(found, kind=kind, parts=(*found.parts, made)), which=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cylinder:
    """A shape of somebody's own, which has a radius like a ball."""

    radius_m: float
    length_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LongSphere(Sphere):
    """A shape of somebody's own, which passes for a ball."""

    length_m: float


def turned_by(off: float, shape: object) -> Spoil:
    """The table with a part of that shape, its rotation `off` from orthonormal on one axis."""
    pose = np.eye(4)
    pose[:3, :3] *= math.sqrt(1.0 + off)
    made = Part(shape=shape, part_in_object=pose)
    return thing(lambda found: replace(found, parts=(*found.parts, made)), which=0)


def phase(**change: object) -> Spoil:
    return lambda given: replace(given, phase=replace(given.phase, **change))


def everything(**change: object) -> Spoil:
    return lambda given: replace(given, **change)


def nan_at(index: tuple[int, int]) -> np.ndarray:
    spoilt = np.eye(4)
    spoilt[index] = NAN
    return spoilt


def far_off() -> np.ndarray:
    pose = np.eye(4)
    pose[2, 3] = 1000.1
    return pose


INTEGRITY, FRESHNESS, TRACKING = Family.INTEGRITY, Family.FRESHNESS, Family.TRACKING
HELD, GRIPPER = Family.HELD_OBJECT, Family.GRIPPER

TABLE: dict[str, tuple[Spoil, Family]] = {
    **{
        f"state.{field} {value}": (joint(field, value), INTEGRITY)
        for field in ("q", "v", "q_commanded", "v_commanded", "a_commanded")
        for value in (NAN, INF, -INF)
    },
    "state has a joint too few": (joints(6), INTEGRITY),
    "state has a joint too many": (joints(8), INTEGRITY),
    "state has no joints": (joints(0), INTEGRITY),
    "gripper width NaN": (state(gripper=GripperState(width_m=NAN, force_n=0.0)), INTEGRITY),
    "gripper force inf": (state(gripper=GripperState(width_m=0.06, force_n=INF)), INTEGRITY),
    "state older than its deadline": (state(stamp_ns=NOW_NS - 26 * MS), FRESHNESS),
    "state from the future": (state(stamp_ns=NOW_NS + 1), FRESHNESS),
    "a tick more than a period late": (everything(lateness_ns=10 * MS + 1), FRESHNESS),
    "a tick before it was due": (everything(lateness_ns=-1), FRESHNESS),
    "measured position leaves the tube": (joint("q", 0.5), TRACKING),
    "measured speed leaves the tube": (joint("v", 0.051), TRACKING),
    "no proposal": (everything(chunk=None), FRESHNESS),
    "chunk for another embodiment": (chunk(embodiment=embodiment_of(XARM).fingerprint), INTEGRITY),
    "chunk without an embodiment": (chunk(embodiment=""), INTEGRITY),
    "chunk with a channel too few": (samples(lambda a: a[:, :, :-1]), INTEGRITY),
    "chunk with a channel too many": (samples(lambda a: np.concatenate([a, a[:, :, :1]], 2)), INTEGRITY),
    "chunk without samples": (samples(lambda a: a[:0]), INTEGRITY),
    "chunk without steps": (samples(lambda a: a[:, :0]), INTEGRITY),
    "chunk of one step": (samples(lambda a: a[:, :1]), INTEGRITY),
    "chunk of very many steps": (samples(lambda a: np.repeat(a, 33, axis=1)), INTEGRITY),
    "chunk NaN": (sample(NAN), INTEGRITY),
    "chunk NaN in the last step": (sample(NAN, step=15, channel=0), INTEGRITY),
    "chunk NaN in the gripper": (sample(NAN, channel=7), INTEGRITY),
    "chunk inf": (sample(INF), INTEGRITY),
    "chunk -inf": (sample(-INF), INTEGRITY),
    "chunk NaN in a sample nobody reads": (
        samples(lambda a: np.concatenate([a, np.full_like(a, NAN)])),
        INTEGRITY,
    ),
    "chunk in degrees": (
        samples(lambda a: np.concatenate([np.degrees(a[..., :-1]), a[..., -1:]], 2)),
        INTEGRITY,
    ),
    "chunk in millimetres": (
        samples(lambda a: np.concatenate([a[..., :-1], a[..., -1:] * 1e3], 2)),
        INTEGRITY,
    ),
    "chunk at 1e308": (sample(1e308), INTEGRITY),
    **{f"chunk.dt_s {v}": (chunk(dt_s=v), INTEGRITY) for v in (NAN, INF, 0.0, -0.04, 40.0, 1e-9, 1.0001)},
    "chunk older than its deadline": (chunk(t_obs_ns=NOW_NS - 501 * MS), FRESHNESS),
    "chunk observed in the future": (chunk(t_obs_ns=NOW_NS + 1, t_ready_ns=NOW_NS + 1), FRESHNESS),
    "chunk ready before it was observed": (chunk(t_ready_ns=NOW_NS - 1), FRESHNESS),
    "chunk ready in the future": (chunk(t_ready_ns=NOW_NS + 1), FRESHNESS),
    "chunk of too many samples": (samples(lambda a: np.repeat(a, 65, axis=0)), INTEGRITY),
    "chunk that begins in an hour": (chunk(t0_ns=NOW_NS + 3600 * 1000 * MS), FRESHNESS),
    "chunk that begins at no time": (chunk(t0_ns=10**5000), FRESHNESS),
    "chunk observed before all time": (chunk(t_obs_ns=-(10**400)), FRESHNESS),
    "chunk repeated": (everything(last_seq=0), FRESHNESS),
    "chunk overtaken": (everything(last_seq=7), FRESHNESS),
    "chunk has run out": (chunk(t0_ns=NOW_NS - 16 * 40 * MS), FRESHNESS),
    "gripper beyond its stroke": (samples(lambda a: a + np.eye(8)[7] * 0.03), GRIPPER),
    "object pose NaN": (pose((0, 3), NAN), INTEGRITY),
    "object pose inf": (pose((2, 3), INF), INTEGRITY),
    "object rotation NaN": (pose((1, 1), NAN), INTEGRITY),
    "object rotation stretched": (pose((0, 0), 1.01), INTEGRITY),
    "object rotation zero": (thing(lambda o: replace(o, object_in_world=np.diag([0, 0, 0, 1.0]))), INTEGRITY),
    "object mirrored": (thing(lambda o: replace(o, object_in_world=np.diag([1, 1, -1, 1.0]))), INTEGRITY),
    "object pose projective": (pose((3, 0), 0.5), INTEGRITY),
    "object of a shape that nobody knows": (part(Cylinder(radius_m=0.01, length_m=4.0)), INTEGRITY),
    "object of a shape that passes for a ball": (part(LongSphere(radius_m=0.01, length_m=4.0)), INTEGRITY),
    "object of no shape": (part(None), INTEGRITY),
    "object with the name of a link": (thing(lambda o: replace(o, name="panda_link7")), INTEGRITY),
    "object with the name of a link without a solid": (
        thing(lambda o: replace(o, name="panda_link8")),
        INTEGRITY,
    ),
    "object rotation stretched a little": (pose((0, 0), 1.0 + 1e-5), INTEGRITY),
    "object pose projective a little": (pose((3, 0), 1e-9), INTEGRITY),
    "a large box turned not quite": (turned_by(1e-8, Box(half_extents_m=[990.0, 1.0, 1.0])), INTEGRITY),
    "a far half-space turned not quite": (
        turned_by(1e-8, HalfSpace(normal=[0, 0, 1], offset_m=-990.0)),
        INTEGRITY,
    ),
    "object deviation NaN": (thing(lambda o: replace(o, position_std_m=NAN)), INTEGRITY),
    "object deviation negative": (thing(lambda o: replace(o, position_std_m=-1e-6)), INTEGRITY),
    "object speed inf": (thing(lambda o: replace(o, max_speed_m_s=INF)), INTEGRITY),
    "object speed negative": (thing(lambda o: replace(o, max_speed_m_s=-0.1)), INTEGRITY),
    "object without a solid": (thing(lambda o: replace(o, parts=())), INTEGRITY),
    "object with a box of NaN": (part(Box(half_extents_m=[0.1, NAN, 0.1])), INTEGRITY),
    "object with a negative box": (part(Box(half_extents_m=[0.1, -0.1, 0.1])), INTEGRITY),
    "object with a ball of NaN": (part(Sphere(radius_m=NAN)), INTEGRITY),
    "object with a negative ball": (part(Sphere(radius_m=-0.1)), INTEGRITY),
    "object with a capsule of endless length": (part(Capsule(radius_m=0.1, length_m=INF)), INTEGRITY),
    "object with a capsule of negative length": (part(Capsule(radius_m=0.1, length_m=-0.1)), INTEGRITY),
    "object with a hull of NaN": (part(ConvexHull(vertices_m=[*WEDGE, [0, NAN, 0]])), INTEGRITY),
    "object with an endless hull": (part(ConvexHull(vertices_m=[*WEDGE, [0, INF, 0]])), INTEGRITY),
    "object with a flat hull": (part(ConvexHull(vertices_m=np.array(WEDGE) * [1, 1, 0])), INTEGRITY),
    "object with a hull of three vertices": (part(ConvexHull(vertices_m=WEDGE[:3])), INTEGRITY),
    "object with a hull of too many vertices": (part(ConvexHull(vertices_m=np.eye(65, 3))), INTEGRITY),
    "object with a hull beyond all": (part(ConvexHull(vertices_m=np.array(WEDGE) * 1e154)), INTEGRITY),
    "object with a hull too far off": (part(ConvexHull(vertices_m=np.array(WEDGE) + 1000.0)), INTEGRITY),
    "object with a hull of no vertices": (part(ConvexHull(vertices_m=np.empty((0, 3)))), INTEGRITY),
    "object with too large a box": (part(Box(half_extents_m=[0.1, 1000.1, 0.1])), INTEGRITY),
    "object with too large a ball": (part(Sphere(radius_m=1000.1)), INTEGRITY),
    "object with too long a capsule": (part(Capsule(radius_m=0.1, length_m=1000.1)), INTEGRITY),
    "object with too thick a capsule": (part(Capsule(radius_m=1000.1, length_m=0.1)), INTEGRITY),
    "object with a half-space too far off": (floor([0, 0, 1.0], -1000.1), INTEGRITY),
    "object too far off": (pose((1, 3), -1000.1), INTEGRITY),
    "object with a part too far off": (part(Sphere(radius_m=0.1), far_off()), INTEGRITY),
    "object with a half-space whose normal is NaN": (floor([0, NAN, 1.0], -1.0), INTEGRITY),
    "object with a half-space without direction": (floor([0, 0, 0.0], -1.0), INTEGRITY),
    "object with a half-space whose normal is no unit": (floor([0, 0, 1.01], -1.0), INTEGRITY),
    "object with a half-space at no height": (floor([0, 0, 1.0], -INF), INTEGRITY),
    "object with a half-space that moves": (floor([0, 0, 1.0], -1.0, ObjectKind.MOVING), INTEGRITY),
    "object with a half-space that may be carried": (
        part(HalfSpace(normal=[0, 0, 1.0], offset_m=-1.0)),
        INTEGRITY,
    ),
    "object with a part nowhere": (part(Sphere(radius_m=0.1), nan_at((0, 3))), INTEGRITY),
    "object with a part turned by NaN": (part(Sphere(radius_m=0.1), nan_at((0, 0))), INTEGRITY),
    "two objects of one name": (thing(lambda o: replace(o, name="table")), INTEGRITY),
    "object too old": (thing(lambda o: replace(o, stamp_ns=NOW_NS - 201 * MS)), FRESHNESS),
    "object from the future": (thing(lambda o: replace(o, stamp_ns=NOW_NS + 1)), FRESHNESS),
    "scene too old, and empty": (everything(scene=Scene(stamp_ns=NOW_NS - 201 * MS, objects=())), FRESHNESS),
    "scene from the future": (everything(scene=Scene(stamp_ns=NOW_NS + 1, objects=())), FRESHNESS),
    "holds what nobody has seen": (phase(held="a ghost"), HELD),
    "may hold what nobody has seen": (phase(maybe_held="a ghost"), HELD),
    "holds what moves by itself": (phase(held="ball"), HELD),
    "may hold what is fixed": (phase(maybe_held="pillar"), HELD),
    "holds one thing and maybe another": (phase(held="red_block", maybe_held="blue_block"), HELD),
}


@pytest.mark.parametrize("case", TABLE)
def test_a_bad_value_is_a_verdict(case):
    spoil, family = TABLE[case]
    output = gate_of(PANDA).decide(spoil(fine()))
    assert output.command is None
    assert output.certificate is None
    assert output.margins == ()
    assert output.verdict.decision is Decision.REFUSE
    assert output.verdict.rung is Rung.BRAKING
    assert output.verdict.guard == family, output.verdict.reason
    assert output.verdict.reason


def test_without_the_bad_value_it_is_released():
    assert gate_of(PANDA).decide(fine()).command is not None


@pytest.mark.parametrize(
    ("spoil", "edge"),
    [
        (state(stamp_ns=NOW_NS - 25 * MS), "state deadline"),
        (chunk(t_obs_ns=NOW_NS - 500 * MS), "chunk deadline"),
        (thing(lambda o: replace(o, stamp_ns=NOW_NS - 200 * MS)), "scene deadline"),
        (joint("q", body_of(PANDA).robot.home[3] + 0.99 * body_of(PANDA).robot.tube.position_rad), "tube"),
        (everything(last_seq=-1), "first chunk"),
        (chunk(t0_ns=NOW_NS + 400 * MS), "begins later"),
        (everything(scene=Scene(stamp_ns=NOW_NS, objects=())), "nothing around"),
        (part(ConvexHull(vertices_m=1e-3 * np.array(WEDGE))), "hull"),
        (floor([0, 0, 1.0], -1.0), "half-space"),
        (turned_by(1e-7, Sphere(radius_m=0.001)), "a rotation of single precision"),
        (turned_by(1e-15, HalfSpace(normal=[0, 0, 1], offset_m=-990.0)), "a rotation of double precision"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_the_edge_of_what_is_allowed_is_allowed(spoil, edge):
    assert gate_of(PANDA).decide(spoil(fine())).command is not None, edge


def test_the_reason_names_joint_step_and_value():
    reason = gate_of(PANDA).decide(sample(NAN, step=4, channel=5)(fine())).verdict.reason
    assert "panda_joint6" in reason
    assert "step 4" in reason
    reason = gate_of(PANDA).decide(joint("q", 0.5)(fine())).verdict.reason
    assert "panda_joint4" in reason
    assert "tube 0.0" in reason
    reason = gate_of(PANDA).decide(TABLE["chunk in degrees"][0](fine())).verdict.reason
    assert "another unit?" in reason


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (pose((1, 3), -2000.0), "is 2000 m off, more than 1000 m"),
        (part(Sphere(radius_m=0.1), far_off()), "is 1000.1 m off, more than 1000 m"),
        (part(Box(half_extents_m=[0.1, 3000.0, 0.1])), "has a size of 3000 m, more than 1000 m"),
        (part(ConvexHull(vertices_m=np.array(WEDGE) * 1e154)), "more than 1000 m"),
        (part(Cylinder(radius_m=0.01, length_m=4.0)), "a shape that is not known here: Cylinder"),
    ],
)
def test_what_is_too_far_off_is_named_with_its_distance(spoil, said):
    assert said in (reason := gate_of(PANDA).decide(spoil(fine())).verdict.reason)
    assert fine().scene.objects[3].name in reason


def _hulls(count):
    ball = np.random.default_rng(0).normal(size=(64, 3))
    ball *= 0.05 / np.linalg.norm(ball, axis=1)[:, None]
    low = np.eye(4)
    low[:3, 3] = [5.0, 5.0, 0.5]
    many = tuple(Part(shape=ConvexHull(vertices_m=ball), part_in_object=low) for _ in range(count))
    return thing(lambda found: replace(found, parts=(*found.parts, *many)))


def test_hulls_may_not_have_too_many_vertices_together():
    assert gate_of(PANDA).decide(_hulls(16)(fine())).command is not None
    verdict = gate_of(PANDA).decide(_hulls(17)(fine())).verdict
    assert verdict.guard == INTEGRITY
    assert verdict.reason == "red_block brings the vertices of all hulls to 1088, more than 1024"


def _pebbles(count):
    low = np.eye(4)
    low[:3, 3] = [5.0, 5.0, 0.5]
    many = tuple(Part(shape=Sphere(radius_m=0.01), part_in_object=low) for _ in range(count))
    return thing(lambda found: replace(found, parts=(*found.parts, *many)))


def test_a_scene_may_not_have_more_parts_than_a_tick_can_judge():
    others = sum(len(each.parts) for each in fine().scene.objects)
    assert gate_of(PANDA).decide(_pebbles(MOST_PARTS - others)(fine())).command is not None
    given = _pebbles(MOST_PARTS - others + 1)(fine())
    verdict = gate_of(PANDA).decide(given).verdict
    assert (verdict.decision, verdict.guard) == (Decision.REFUSE, INTEGRITY)
    assert verdict.reason.endswith("brings the parts of all objects to more than 256")
    assert gate_of(PANDA).preview(given).reason == verdict.reason


def test_a_rotation_that_is_not_quite_one_is_told_the_precision_it_needs():
    given = turned_by(1e-8, Box(half_extents_m=[990.0, 1.0, 1.0]))(fine())
    reason = gate_of(PANDA).decide(given).verdict.reason
    assert reason.startswith("table has a pose that is not rigid: its rotation is 1.7e-08 off")
    assert "at most 5e-10 may be" in reason


def test_the_robot_is_judged_before_the_scene_and_the_scene_before_the_chunk():
    bad_state, bad_scene, bad_chunk = (TABLE[k][0] for k in ("state.q nan", "object too old", "no proposal"))
    output = gate_of(PANDA).decide(bad_state(bad_scene(bad_chunk(fine()))))
    assert "state.q" in output.verdict.reason
    output = gate_of(PANDA).decide(bad_scene(bad_chunk(fine())))
    assert "red_block" in output.verdict.reason


@pytest.mark.parametrize("values", [1e-300, 5e-324, 1e5, -1e5])
def test_odd_but_finite_numbers_never_raise(values):
    given = fine()
    for field in ("q", "v", "q_commanded", "v_commanded", "a_commanded"):
        gate_of(PANDA).decide(joint(field, values)(given))
    far = samples(lambda a: np.full_like(a, values))
    gate_of(PANDA).decide(far(given))
    gate_of(PANDA).decide(pose((0, 3), values * 1e20)(given))


@pytest.mark.parametrize("value", [1e7, 1e300])
def test_a_position_that_is_none_is_refused_further_on(value):
    output = gate_of(PANDA).decide(state(q=np.full(7, value), q_commanded=np.full(7, value))(fine()))
    assert output.command is None
    assert output.verdict.decision is Decision.REFUSE


def _channels(make) -> object:
    body = embodiment_of(PANDA)
    return replace(body, channels=tuple(make(list(body.channels))))


def _first(**change: object):
    return lambda channels: [replace(channels[0], **change), *channels[1:]]


BAD_BODIES = {
    "delta actions": _first(reference=Reference.CHUNK_START),
    "degrees": _first(unit="deg"),
    "a width for a joint": _first(kind=ChannelKind.GRIPPER_WIDTH),
    "no lower bound": _first(lower=-INF),
    "bounds of NaN": _first(upper=NAN),
    "bounds exchanged": _first(lower=1.0, upper=-1.0),
    "another joint": _first(name="elbow"),
    "joints exchanged": lambda c: [c[1], c[0], *c[2:]],
    "a joint too few": lambda c: c[1:],
    "two grippers": lambda c: [*c, c[-1]],
    "a gripper in millimetres": lambda c: [*c[:-1], replace(c[-1], unit="mm")],
}


@pytest.mark.parametrize("case", BAD_BODIES)
def test_refuses_to_be_built_for_an_embodiment_it_would_misread(case):
    body, config = body_of(PANDA), cell_of(PANDA).gate_config()
    with pytest.raises(BadInputError, match="embodiment"):
        Intake(body, _channels(BAD_BODIES[case]), config)


def test_a_body_without_a_gripper_channel_is_an_embodiment():
    Intake(body_of(PANDA), _channels(lambda c: c[:-1]), cell_of(PANDA).gate_config())


def test_a_chunk_of_more_samples_is_judged_by_all_of_them():
    home = body_of(PANDA).robot.home
    two = replace(fine(), chunk=chunk_of(PANDA, np.tile(home, (16, 1))))
    doubled = samples(lambda a: np.concatenate([a, a]))(two)
    assert gate_of(PANDA).decide(doubled).command is not None


def test_the_phase_is_typed_data_and_an_idle_one_allows_nothing():
    assert isinstance(IDLE, Phase)
    assert IDLE.contacts_at(NOW_NS) == ()


@pytest.mark.parametrize(
    ("samples", "steps", "few"), [(64, 64, True), (64, 65, False), (8, 512, True), (9, 512, False)]
)
def test_a_chunk_of_more_points_than_can_be_judged_in_time_is_refused(
    samples: int, steps: int, few: bool
) -> None:
    name = CELLS[0]
    home = np.array(body_of(name).robot.home)
    chunk = chunk_of(name, np.tile(home, (steps, 1)))
    chunk = replace(chunk, samples=np.repeat(chunk.samples, samples, axis=0))
    output = gate_of(name).decide(ask(name, node_at_rest(home), chunk, seen_at([], NOW_NS)))
    assert (output.command is not None) == few
    assert few or output.verdict.reason == f"chunk has {samples} samples of {steps} steps"
