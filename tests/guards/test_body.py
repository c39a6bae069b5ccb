"""The capsules hold the robot, the motion bounds bound it, and a bad description is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pinocchio as pin
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.errors import RobotModelError
from interlock.guards.body import BodyModel
from interlock.guards.distance import segment_segment
from interlock.guards.kinematics import capsules_world, forward, tool_position
from interlock.hal.robot import GripperSpec, JointLimits, RobotSpec, TrackingTube


def _configurations(body, count, seed):
    limits = body.robot.limits
    return np.random.default_rng(seed).uniform(limits.q_min, limits.q_max, (count, body.n))


def _place(body, q):
    """Poses, and the ends of all capsules in the world."""
    rot, pos = np.empty((body.n, 3, 3)), np.empty((body.n, 3))
    tree = (body.joint_parent, body.joint_rot, body.joint_pos, body.joint_axis, body.joint_prismatic)
    forward(q, *tree, rot, pos)
    a, b = np.empty_like(body.cap_a), np.empty_like(body.cap_b)
    capsules_world(rot, pos, body.cap_joint, body.cap_a, body.cap_b, a, b)
    return rot, pos, a, b


def _outside(body, link, joint, points):
    """How far the worst of `points`, given in the joint's frame, is outside the link's capsules, [m]."""
    distances = []
    for k in range(len(body.cap_link)):
        if body.cap_link[k] == link:
            assert body.cap_joint[k] == joint
            along = body.cap_b[k] - body.cap_a[k]
            t = np.clip((points - body.cap_a[k]) @ along / max(along @ along, 1e-300), 0, 1)
            distances.append(
                np.linalg.norm(points - body.cap_a[k] - t[:, None] * along, axis=1) - body.cap_radius[k]
            )
    return float(np.min(distances, axis=0).max())


def _gripper_configuration(body, share):
    """A configuration of the full model with the gripper open by `share` of its range."""
    gripper, full = body.robot.gripper, body.model.full
    width = gripper.min_width_m + share * (gripper.max_width_m - gripper.min_width_m)
    q = pin.neutral(full)
    for name, row in zip(gripper.joints, gripper.joint_table, strict=True):
        q[full.joints[full.getJointId(name)].idx_q] = np.interp(width, gripper.widths_m, row)
    return q


def _mixed(vertices, seed=0):
    weights = np.random.default_rng(seed).dirichlet(np.full(len(vertices), 0.2), 300)
    return np.vstack([vertices, weights @ vertices])


def test_capsules_hold_every_link(body):
    hulls = body.hulls()
    assert {hull.link for hull in hulls} == set(body.cap_link)
    for hull in hulls:
        assert _outside(body, hull.link, hull.joint, _mixed(hull.vertices)) <= 0.0


def test_capsules_hold_every_triangle_of_the_meshes_as_pinocchio_reads_them(body):
    """The hulls come from the code under test; the triangles do not."""
    base = pin.SE3(np.array(body.robot.base_in_world))
    reduced = body.pin_model
    geometry = pin.buildReducedModel(
        body.model.full,
        body.model.geometry,
        [i for i in range(1, body.model.full.njoints) if body.model.full.names[i] not in reduced.names],
        _gripper_configuration(body, 0.4),
    )[1]
    weights = np.random.default_rng(0).dirichlet(np.ones(3), 3)
    for item in geometry.geometryObjects:
        mesh = item.geometry
        vertices = mesh.vertices() @ item.placement.rotation.T + item.placement.translation
        if item.parentJoint == 0:
            vertices = vertices @ base.rotation.T + base.translation
        corners = np.array([[mesh.tri_indices(i)[k] for k in range(3)] for i in range(0, mesh.num_tris, 5)])
        points = np.einsum("wk,tkx->twx", weights, vertices[corners]).reshape(-1, 3)
        link = body.model.full.frames[body.model.full.getFrameId(item.name.rsplit("_", 1)[0])].name
        assert _outside(body, link, item.parentJoint - 1, points) <= 0.0


@pytest.mark.parametrize("share", [0.0, 0.013, 0.21, 0.5, 0.501, 0.77, 0.99, 1.0])
def test_capsules_hold_the_fingers_at_every_width(body, share):
    gripper = body.robot.gripper
    width = gripper.min_width_m + share * (gripper.max_width_m - gripper.min_width_m)
    for hull in body.hulls(width):
        assert _outside(body, hull.link, hull.joint, _mixed(hull.vertices)) <= 0.0


def test_finger_tips_are_hugged(body):
    """A gripper works a few millimetres above a table: past the swept tip there is little capsule."""
    axis = body.tool_rot[:, 2]
    real = max(float((hull.vertices @ axis).max()) for hull in body.hulls() if hull.joint == body.tool_joint)
    ends = np.maximum(body.cap_a @ axis, body.cap_b @ axis) + body.cap_radius
    assert ends[body.cap_joint == body.tool_joint].max() - real < 0.004


def test_each_capsule_is_named_by_its_own_link(panda_body):
    assert {"panda_hand", "panda_leftfinger", "panda_rightfinger", "panda_link7"} <= set(panda_body.cap_link)
    on_tool = {
        link for link, joint in zip(panda_body.cap_link, panda_body.cap_joint, strict=True) if joint == 6
    }
    assert on_tool == {"panda_hand", "panda_leftfinger", "panda_rightfinger", "panda_link7"}


def test_home_is_clear_of_itself(body):
    _, _, a, b = _place(body, body.robot.home)
    pa, pb = np.empty(3), np.empty(3)
    for c, d in body.self_pairs:
        apart = segment_segment(a[c], b[c], a[d], b[d], pa, pb) - body.cap_radius[c] - body.cap_radius[d]
        assert apart > 0.005, (body.cap_link[c], body.cap_link[d])


def test_self_pairs_leave_out_only_neighbours_and_declared_pairs(panda, panda_body):
    joints = panda_body.cap_joint
    kept = {(int(c), int(d)) for c, d in panda_body.self_pairs}
    for c in range(len(joints)):
        for d in range(c + 1, len(joints)):
            assert ((c, d) in kept) == (abs(int(joints[c]) - int(joints[d])) > 1)
    declared = BodyModel.build(dataclasses.replace(panda, touching_pairs=(("panda_hand", "panda_link5"),)))
    named = {frozenset((declared.cap_link[c], declared.cap_link[d])) for c, d in declared.self_pairs}
    assert frozenset(("panda_hand", "panda_link5")) not in named
    assert frozenset(("panda_link7", "panda_link5")) in named


def test_levers_bound_how_far_capsules_move(body):
    first, second = _configurations(body, 150, 1), _configurations(body, 150, 2)
    rng = np.random.default_rng(3)
    for q, r in zip(first, second, strict=True):
        r = np.where(rng.random(body.n) < 0.5, q, r)
        turn = np.abs(r - q)
        (rot, pos, a, b), (rot2, pos2, a2, b2) = _place(body, q), _place(body, r)
        moved = np.maximum(np.linalg.norm(a2 - a, axis=1), np.linalg.norm(b2 - b, axis=1))
        assert np.all(moved <= body.core_lever @ turn + 1e-12)
        tool, tool2 = np.empty(3), np.empty(3)
        tool_position(rot, pos, body.tool_joint, body.tool_pos, tool)
        tool_position(rot2, pos2, body.tool_joint, body.tool_pos, tool2)
        assert np.linalg.norm(tool2 - tool) <= body.tool_lever @ turn + 1e-12
        for c in np.flatnonzero(body.cap_joint >= 0):
            skin = rng.normal(size=3)
            skin *= body.cap_radius[c] / np.linalg.norm(skin)
            point, joint = body.cap_a[c] + skin, body.cap_joint[c]
            here, there = pos[joint] + rot[joint] @ point, pos2[joint] + rot2[joint] @ point
            assert np.linalg.norm(there - here) <= body.lever[c] @ turn + 1e-12


def test_levers_are_close_to_what_really_happens(body):
    """Over many configurations the farthest any capsule gets from an axis is near its bound."""
    seen = np.zeros_like(body.core_lever)
    for q in _configurations(body, 1500, 4):
        rot, pos, a, b = _place(body, q)
        for i in range(body.n):
            axis = rot[i] @ body.joint_axis[i]
            reach = [np.linalg.norm(np.cross(axis, p - pos[i]), axis=1) for p in (a, b)]
            seen[:, i] = np.maximum(seen[:, i], np.maximum(*reach) * (body.core_lever[:, i] > 0))
    assert np.all(seen <= body.core_lever)
    assert np.all(body.core_lever <= 1.35 * seen + 0.02)


def test_lever_is_above_zero_exactly_for_joints_that_carry_the_capsule(body):
    for c, joint in enumerate(body.cap_joint):
        carriers = np.arange(body.n) <= joint  # both arms are plain chains
        assert np.array_equal(body.lever[c] > 0.0, carriers)
        assert np.array_equal(body.core_lever[c] > 0.0, carriers)


def test_pair_levers_bound_how_fast_two_capsules_come_closer(body):
    pa, pb = np.empty(3), np.empty(3)
    rng = np.random.default_rng(5)
    for q in _configurations(body, 60, 6):
        r = q + rng.uniform(-0.05, 0.05, body.n) * (rng.random(body.n) < 0.4)
        turn = np.abs(r - q)
        (_, _, a, b), (_, _, a2, b2) = _place(body, q), _place(body, r)
        for k, (c, d) in enumerate(body.self_pairs):
            before = segment_segment(a[c], b[c], a[d], b[d], pa, pb)
            after = segment_segment(a2[c], b2[c], a2[d], b2[d], pa, pb)
            if min(before, after) > 0.01:
                assert abs(after - before) <= body.pair_lever[k] @ turn + 1e-12


def test_lever_of_equals_the_built_levers(panda_body):
    for c in range(len(panda_body.cap_link)):
        ends = np.stack([panda_body.cap_a[c], panda_body.cap_b[c]])
        assert np.array_equal(
            panda_body.lever_of(int(panda_body.cap_joint[c]), ends), panda_body.core_lever[c]
        )


def test_arrays_are_read_only_and_the_hash_is_stable(panda, panda_body):
    for field in dataclasses.fields(panda_body):
        value = getattr(panda_body, field.name)
        if isinstance(value, np.ndarray):
            assert not value.flags.writeable, field.name
            assert value.flags.c_contiguous, field.name
    assert BodyModel.build(panda).sha256 == panda_body.sha256
    moved = np.array(panda.base_in_world)
    moved[0, 3] += 1e-9
    assert BodyModel.build(dataclasses.replace(panda, base_in_world=moved)).sha256 != panda_body.sha256


# --- a robot of primitives: a slide that carries two arms, one of them with a gripper ---

TWO_ARMS = """<robot name="two_arms">
  <link name="base"><collision><geometry><box size="0.2 0.2 0.1"/></geometry></collision></link>
  <link name="sledge"><collision><geometry><sphere radius="0.05"/></geometry></collision></link>
  <link name="left"><collision><origin xyz="0.15 0 0" rpy="0 1.5708 0"/>
    <geometry><cylinder radius="0.03" length="0.3"/></geometry></collision></link>
  <link name="right"><collision><origin xyz="0.15 0 0" rpy="0 1.5708 0"/>
    <geometry><cylinder radius="0.02" length="0.3"/></geometry></collision></link>
  <link name="claw"><collision><origin xyz="0.05 0 0"/>
    <geometry><box size="0.1 0.02 0.02"/></geometry></collision></link>
  <joint name="slide" type="prismatic"><parent link="base"/><child link="sledge"/><origin xyz="0 0 0.3"/>
    <axis xyz="0 1 0"/><limit lower="-0.4" upper="0.4" effort="1" velocity="1"/></joint>
  <joint name="turn_left" type="revolute"><parent link="sledge"/><child link="left"/>
    <origin xyz="0 0.2 0"/><axis xyz="0 0 1"/><limit lower="-2" upper="2" effort="1" velocity="1"/></joint>
  <joint name="turn_right" type="revolute"><parent link="sledge"/><child link="right"/>
    <origin xyz="0 -0.2 0"/><axis xyz="0 0.6 0.8"/>
    <limit lower="-2" upper="2" effort="1" velocity="1"/></joint>
  <joint name="claw_joint" type="revolute"><parent link="left"/><child link="claw"/><origin xyz="0.3 0 0"/>
    <axis xyz="0 0 1"/><limit lower="0" upper="1.6" effort="1" velocity="1"/></joint>
</robot>"""


@pytest.fixture
def two_arms(tmp_path) -> RobotSpec:
    (tmp_path / "robot.urdf").write_text(TWO_ARMS)
    return RobotSpec(
        name="two_arms",
        urdf=tmp_path / "robot.urdf",
        package_dirs=(),
        base_in_world=np.eye(4),
        limits=JointLimits(
            names=("slide", "turn_left", "turn_right"),
            q_min=[-0.4, -2.0, -2.0],
            q_max=[0.4, 2.0, 2.0],
            v_max=[1.0] * 3,
            a_max=[1.0] * 3,
            j_max=[1.0] * 3,
        ),
        tool_link="left",
        tool_in_link=np.eye(4),
        home=np.zeros(3),
        tube=TrackingTube(position_rad=0.001, velocity_rad_s=0.1),
        max_tool_speed_m_s=1.0,
        gripper=GripperSpec(
            joints=("claw_joint",),
            widths_m=[0.0, 0.05, 0.1],
            joint_table=[[1.6, 0.9, 0.0]],
            max_speed_m_s=0.1,
            max_force_n=10.0,
            finger_links=("claw",),
        ),
    )


def test_primitives_branches_and_slides_are_held_and_bounded(two_arms):
    body = BodyModel.build(two_arms)
    for width in (None, 0.0, 0.03, 0.06, 0.1):
        for hull in body.hulls(width):
            assert _outside(body, hull.link, hull.joint, _mixed(hull.vertices)) <= 0.0
    test_levers_bound_how_far_capsules_move(body)
    test_pair_levers_bound_how_fast_two_capsules_come_closer(body)
    arms = {frozenset((body.cap_link[c], body.cap_link[d])) for c, d in body.self_pairs}
    assert arms == {
        frozenset(pair)
        for pair in (
            ("base", "left"),
            ("base", "right"),
            ("base", "claw"),
            ("left", "right"),
            ("claw", "right"),
        )
    }
    for k, (c, d) in enumerate(body.self_pairs):
        if {body.cap_link[c], body.cap_link[d]} == {"left", "right"}:
            assert body.pair_lever[k, 0] == 0.0  # the slide carries both
            assert np.all(body.pair_lever[k, 1:] > 0.0)
        elif "base" in (body.cap_link[c], body.cap_link[d]):
            assert body.pair_lever[k, 0] == 1.0


@given(angle=st.floats(0.0, 6.28), height=st.floats(-0.15, 0.15), turn=st.floats(0.0, 3.1))
def test_round_primitives_lie_inside_their_corners(angle, height, turn):
    import coal

    from interlock.guards.link_hull import convex_pieces

    rim = np.array([0.03 * np.cos(angle), 0.03 * np.sin(angle), height])
    ball = 0.2 * np.array([np.sin(turn) * np.cos(angle), np.sin(turn) * np.sin(angle), np.cos(turn)])
    for geometry, point in (
        (coal.Cylinder(0.03, 0.3), rim),
        (coal.Capsule(0.03, 0.3), rim),
        (coal.Sphere(0.2), ball),
    ):
        (corners,) = convex_pieces(geometry, "link")
        direction = point / np.linalg.norm(point)
        assert (corners @ direction).max() >= point @ direction - 1e-12


# --- bad descriptions ---


def _limits(robot, **changes):
    return dataclasses.replace(robot, limits=dataclasses.replace(robot.limits, **changes))


def _changed(values, index, value):
    changed = np.array(values)
    changed[index] = value
    return changed


def _gripper(robot, **changes):
    return dataclasses.replace(robot, gripper=dataclasses.replace(robot.gripper, **changes))


def _urdf(robot, old, new):
    text = robot.urdf.read_text()
    assert old in text
    robot.urdf.write_text(text.replace(old, new))
    return robot


BAD = {
    "missing file": (
        lambda r: dataclasses.replace(r, urdf=r.urdf.with_name("no.urdf")),
        "robot.urdf",
        "no.urdf",
    ),
    "a folder": (lambda r: dataclasses.replace(r, urdf=r.urdf.parent), "robot.urdf", ""),
    "not XML": (lambda r: _urdf(r, "</robot>", ""), "robot.urdf", "robot.urdf"),
    "MJCF": (
        lambda r: _urdf(_urdf(r, "</robot>", "</mujoco>"), "<robot ", "<mujoco "),
        "robot.urdf",
        "robot.urdf",
    ),
    "unknown joint": (
        lambda r: _limits(r, names=("slide", "elbow", "turn_right")),
        "robot.limits.names",
        "elbow",
    ),
    "a joint twice": (
        lambda r: _limits(r, names=("slide", "slide", "turn_right")),
        "robot.limits.names",
        "slide",
    ),
    "wrong order": (
        lambda r: _limits(r, names=("turn_left", "slide", "turn_right"), q_min=[-0.4] * 3, q_max=[0.4] * 3),
        "robot.limits.names",
        "turn_left",
    ),
    "a joint of the arm that hangs on the gripper": (
        lambda r: _gripper(
            _limits(r, names=("claw_joint", "turn_left", "turn_right"), q_min=[0.0] * 3, q_max=[1.6] * 3),
            joints=("slide",),
        ),
        "robot.limits.names",
        "claw_joint",
    ),
    "no <limit>": (
        lambda r: _urdf(
            r, '<axis xyz="0 1 0"/><limit lower="-0.4" upper="0.4" effort="1" velocity="1"/>', ""
        ),
        "robot.urdf",
        "slide",
    ),
    "no bounds": (lambda r: _urdf(r, 'lower="-0.4" upper="0.4" ', ""), "robot.urdf", "slide"),
    "bounds that are no numbers": (lambda r: _urdf(r, 'lower="-0.4"', 'lower="low"'), "robot.urdf", "slide"),
    "continuous joint": (
        lambda r: _urdf(r, 'name="turn_left" type="revolute"', 'name="turn_left" type="continuous"'),
        "robot.urdf",
        "turn_left",
    ),
    "wider below": (lambda r: _limits(r, q_min=[-0.5, -2, -2]), "robot.limits.q_min[slide]", "-0.5"),
    "wider above": (lambda r: _limits(r, q_max=[0.4, 2, 2.01]), "robot.limits.q_max[turn_right]", "2.01"),
    "NaN position limit": (
        lambda r: _limits(r, q_max=[0.4, np.nan, 2]),
        "robot.limits.q_min[turn_left]",
        "nan",
    ),
    "crossed limits": (
        lambda r: _limits(r, q_min=[0.3, -2, -2], q_max=[0.2, 2, 2]),
        "robot.limits.q_min[slide]",
        "0.3",
    ),
    "negative speed limit": (lambda r: _limits(r, v_max=[1, -1, 1]), "robot.limits.v_max[turn_left]", "-1"),
    "zero acceleration limit": (lambda r: _limits(r, a_max=[0, 1, 1]), "robot.limits.a_max[slide]", "0"),
    "infinite jerk limit": (
        lambda r: _limits(r, j_max=[1, 1, np.inf]),
        "robot.limits.j_max[turn_right]",
        "inf",
    ),
    "home outside": (lambda r: dataclasses.replace(r, home=[0, 2.5, 0]), "robot.home[turn_left]", "2.5"),
    "NaN home": (lambda r: dataclasses.replace(r, home=[0, np.nan, 0]), "robot.home[turn_left]", "nan"),
    "unknown tool link": (lambda r: dataclasses.replace(r, tool_link="hand"), "robot.tool_link", "hand"),
    "tool on a finger": (lambda r: dataclasses.replace(r, tool_link="claw"), "robot.tool_link", "claw"),
    "tool that is no pose": (
        lambda r: dataclasses.replace(r, tool_in_link=2.0 * np.eye(4)),
        "robot.tool_in_link",
        "2.0",
    ),
    "mirrored base": (
        lambda r: dataclasses.replace(r, base_in_world=np.diag([1.0, 1, -1, 1])),
        "robot.base_in_world",
        "-1.0",
    ),
    "NaN base": (
        lambda r: dataclasses.replace(r, base_in_world=_changed(np.eye(4), (0, 3), np.nan)),
        "robot.base_in_world",
        "nan",
    ),
    "unknown touching link": (
        lambda r: dataclasses.replace(r, touching_pairs=(("base", "elbow"),)),
        "robot.touching_pairs",
        "elbow",
    ),
    "unknown finger link": (
        lambda r: _gripper(r, finger_links=("thumb",)),
        "robot.gripper.finger_links",
        "thumb",
    ),
    "unknown finger joint": (lambda r: _gripper(r, joints=("thumb",)), "robot.gripper.joints", "thumb"),
    "descending widths": (lambda r: _gripper(r, widths_m=[0.1, 0.05, 0.0]), "robot.gripper.widths_m", "0.05"),
    "one width": (
        lambda r: _gripper(r, widths_m=[0.1], joint_table=[[0.0]]),
        "robot.gripper.widths_m",
        "0.1",
    ),
    "NaN in the table": (
        lambda r: _gripper(r, joint_table=[[0.0, np.nan, 1.0]]),
        "robot.gripper.joint_table",
        "nan",
    ),
    "a moving joint nobody named": (
        lambda r: dataclasses.replace(r, gripper=None),
        "robot.urdf",
        "claw_joint",
    ),
    "a link that can be seen but not touched": (
        lambda r: _urdf(
            r,
            '<link name="sledge"><collision><geometry><sphere radius="0.05"/></geometry></collision></link>',
            '<link name="sledge"><visual><geometry><sphere radius="0.05"/></geometry></visual></link>',
        ),
        "robot.urdf",
        "sledge",
    ),
    "a shape that URDF does not have": (
        lambda r: _urdf(r, '<cylinder radius="0.02" length="0.3"/>', '<capsule radius="0.02" length="0.3"/>'),
        "robot.urdf",
        "right",
    ),
    "a mesh that is not there": (
        lambda r: _urdf(r, '<sphere radius="0.05"/>', '<mesh filename="package://no/mesh.stl"/>'),
        "robot.urdf",
        "robot.urdf",
    ),
    "NaN origin": (
        lambda r: _urdf(r, '<origin xyz="0 0.2 0"/>', '<origin xyz="0 nan 0"/>'),
        "robot.urdf",
        "",
    ),
}
"""What is wrong: how to make it so, the field that the message must name, and a part of the value."""


@pytest.mark.parametrize("case", BAD)
def test_bad_description_is_refused_by_field_value_and_mend(case, two_arms):
    change, field, value = BAD[case]
    with pytest.raises(RobotModelError) as caught:
        BodyModel.build(change(two_arms))
    error = caught.value
    assert error.field == field
    assert value in str(error.value)
    assert error.mend
