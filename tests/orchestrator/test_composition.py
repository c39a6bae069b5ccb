"""A robot composed from several URDF files is where they would be, and is written down once."""

# One row of the table is one line.
# ruff: noqa: E501

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pinocchio as pin
import pytest
import yaml

pytest.importorskip("pybullet")

import pybullet
import pybullet_data
from tests.guards.robots import rig_of

from interlock.errors import CellError, StorageError
from interlock.guards.body import BodyModel
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.cell_folder import shipped_cells
from interlock.orchestrator.cell_schema import CompositionSection
from interlock.orchestrator.composed_file import composed_file
from interlock.orchestrator.composed_urdf import ComposedUrdf
from interlock.orchestrator.urdf_composer import UrdfComposer
from interlock.orchestrator.urdf_outline import UrdfOutline

PANDA = Path(pybullet_data.getDataPath()) / "franka_panda/panda.urdf"
SOURCE = "pybullet_data:franka_panda/panda.urdf"
TEXT = shipped_cells()["two_pandas"].read_text()
TILTED: dict[str, Any] = {
    "root_link": "torso",
    "compose": [
        {"prefix": "a_", "urdf": SOURCE, "position_m": [0.1, 0.4, 0.2], "rpy_rad": [0.5, -0.3, 1.1]},
        {"prefix": "b_", "urdf": SOURCE, "position_m": [0.0, -0.4, 0.0], "rpy_rad": [0.0, 1.5707963267948966, 0.4]},
    ],
}  # fmt: skip


def composed(section: dict[str, Any], folder: Path = Path("/nowhere")) -> ComposedUrdf:
    return UrdfComposer(CompositionSection.model_validate(section), folder).compose()


def placed(model: pin.Model, frame: str, joints: dict[str, float]) -> np.ndarray:
    """Pose of a frame, joints not named at 0, shape (4, 4)."""
    data, q = model.createData(), pin.neutral(model)
    for name, value in joints.items():
        q[model.joints[model.getJointId(name)].idx_q] = value
    pin.framesForwardKinematics(model, data, q)
    return np.array(data.oMf[model.getFrameId(frame)].homogeneous)


def mount(section: dict[str, Any]) -> np.ndarray:
    turned = pin.rpy.rpyToMatrix(*section["rpy_rad"])
    return np.array(pin.SE3(turned, np.array(section["position_m"])).homogeneous)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the user, and an empty folder for temporary files."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / "cache"


def test_each_arm_is_where_a_single_one_would_stand(cache: Path) -> None:
    """Against Pinocchio's model of the one arm, moved by the mount."""
    one = pin.buildModelFromUrdf(str(PANDA))
    whole = pin.buildModelFromUrdf(str(composed_file(composed(TILTED))))
    generator = np.random.default_rng(0)
    for _ in range(20):
        joints = {f"panda_joint{k}": float(generator.uniform(-1.5, 1.5)) for k in range(1, 8)}
        for section in TILTED["compose"]:
            renamed = {f"{section['prefix']}{name}": value for name, value in joints.items()}
            for link in ("panda_link4", "panda_hand", "panda_rightfinger"):
                told = placed(whole, f"{section['prefix']}{link}", renamed)
                np.testing.assert_allclose(told, mount(section) @ placed(one, link, joints), atol=1e-12)


def test_pybullet_puts_the_shipped_arms_where_pinocchio_does() -> None:
    robot = Cell.load("two_pandas").robot_spec()
    model = pin.buildModelFromUrdf(str(robot.urdf))
    client = pybullet.connect(pybullet.DIRECT)
    try:
        body = pybullet.loadURDF(str(robot.urdf), useFixedBase=True, physicsClientId=client)
        count = pybullet.getNumJoints(body, physicsClientId=client)
        infos = [pybullet.getJointInfo(body, k, physicsClientId=client) for k in range(count)]
        number, link = ({info[at].decode(): info[0] for info in infos} for at in (1, 12))
        generator = np.random.default_rng(1)
        for _ in range(5):
            q = generator.uniform(robot.limits.q_min, robot.limits.q_max)
            joints = dict(zip(robot.limits.names, q.tolist(), strict=True))
            for name, value in joints.items():
                pybullet.resetJointState(body, number[name], value, physicsClientId=client)
            for hand in ("left_panda_hand", "right_panda_hand", "right_panda_leftfinger"):
                state = pybullet.getLinkState(
                    body, link[hand], computeForwardKinematics=True, physicsClientId=client
                )
                told = placed(model, hand, joints)
                np.testing.assert_allclose(state[4], told[:3, 3], atol=1e-5)
                turn = np.array(pybullet.getMatrixFromQuaternion(state[5])).reshape(3, 3)
                np.testing.assert_allclose(turn, told[:3, :3], atol=1e-5)
        shapes = pybullet.getCollisionShapeData(body, link["right_panda_hand"], physicsClientId=client)
        assert Path(shapes[0][4].decode()).is_file()
    finally:
        pybullet.disconnect(client)


def test_the_shipped_body_is_the_one_composed_by_hand_for_the_tests() -> None:
    """Same capsules, same pairs: only how the file came about differs."""
    told, other = (
        BodyModel.build(Cell.load("two_pandas").robot_spec()),
        BodyModel.build(rig_of("two_pandas").robot),
    )
    assert told.cap_link == other.cap_link
    for name in ("cap_a", "cap_b", "cap_radius", "joint_pos", "joint_rot", "joint_parent"):
        np.testing.assert_array_equal(getattr(told, name), getattr(other, name))
    pairs = [[(body.cap_link[c], body.cap_link[d]) for c, d in body.self_pairs] for body in (told, other)]
    assert pairs[0] == pairs[1]
    across = {frozenset((c.split("_")[0], d.split("_")[0])) for c, d in pairs[0]}
    assert frozenset(("left", "right")) in across


@pytest.mark.parametrize("kind", ["revolute", "prismatic"])
def test_a_joint_is_fixed_where_the_cell_says(kind: str, cache: Path) -> None:
    name, position = {"revolute": ("panda_joint4", -1.3), "prismatic": ("panda_finger_joint1", 0.03)}[kind]
    fixed = {name: position} | ({"panda_finger_joint2": 0.02} if kind == "prismatic" else {})
    section = {"prefix": "x_", "urdf": SOURCE, "fixed_joints": fixed}
    path = composed_file(composed({"root_link": "base", "compose": [section]}))
    whole, one = pin.buildModelFromUrdf(str(path)), pin.buildModelFromUrdf(str(PANDA))
    assert not set(UrdfOutline.read(path).joints) & {f"x_{joint}" for joint in fixed}
    for link in ("panda_hand", "panda_leftfinger", "panda_rightfinger"):
        told = placed(whole, f"x_{link}", {"x_panda_joint2": 0.4})
        np.testing.assert_allclose(told, placed(one, link, {"panda_joint2": 0.4} | fixed), atol=1e-12)


def test_the_same_parts_give_the_same_bytes_and_the_same_file(cache: Path) -> None:
    first, again = composed(TILTED), composed(TILTED)
    assert (first.content, first.digest) == (again.content, again.digest)
    path = composed_file(first)
    stamp = path.stat().st_mtime_ns
    assert composed_file(again) == path
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (first.content, stamp)
    assert path.is_relative_to(cache)


def test_no_place_on_this_computer_stands_in_the_text() -> None:
    content = composed(TILTED).content.decode()
    named = {mesh.get("filename", "") for mesh in ElementTree.fromstring(content).iter("mesh")}
    assert named
    assert not any("://" in name or name.startswith("/") or ".." in name for name in named)
    assert str(PANDA.parent) not in content


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'xyz="0 0 0.333"', b'xyz="0 0 0.334"'))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def replace_by_link(path: Path) -> None:
    moved = path.with_suffix(".other")
    path.rename(moved)
    path.symlink_to(moved)


def bend_link(path: Path) -> None:
    link = path.parent / "meshes0"
    link.unlink()
    link.symlink_to("/")


@pytest.mark.parametrize("harm", [damage, cut, replace_by_link, bend_link, Path.unlink])
def test_what_was_changed_in_the_cache_is_made_again(harm: Callable[[Path], None], cache: Path) -> None:
    made = composed(TILTED)
    path = composed_file(made)
    link = (path.parent / "meshes0").readlink()
    harm(path)
    assert composed_file(made) == path
    assert path.read_bytes() == made.content
    assert not path.is_symlink()
    assert (path.parent / "meshes0").readlink() == link


def test_a_cache_that_cannot_be_written_is_replaced_by_a_temporary_folder(
    cache: Path, tmp_path: Path
) -> None:
    cache.write_text("a file where the folder should be")
    path = composed_file(composed(TILTED))
    assert path.is_relative_to(tmp_path)
    assert pin.buildModelFromUrdf(str(path)).nq == 18


def test_a_folder_that_anybody_may_write_is_not_used(cache: Path) -> None:
    folder = cache / "interlock/robots"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    assert not composed_file(composed(TILTED)).is_relative_to(cache)


def test_where_nothing_can_be_written_the_error_says_so(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.write_text("a file where the folder should be")
    monkeypatch.setattr(tempfile, "tempdir", str(cache))
    with pytest.raises(StorageError) as caught:
        composed_file(composed(TILTED))
    assert caught.value.field == "robot.urdf"
    assert "XDG_CACHE_HOME" in caught.value.mend


def change(**of_right: object) -> Callable[[dict[str, Any]], None]:
    return lambda urdf: urdf["compose"][1].update(of_right)


def renamed_root(urdf: dict[str, Any]) -> None:
    urdf["root_link"] = "left_panda_link3"


def same_names(urdf: dict[str, Any]) -> None:
    """`left_` + `b_panda_…` and `left_b_` + `panda_…`: composed twice."""
    urdf["compose"][0]["prefix"], urdf["compose"][1] = "left_b_", dict(urdf["compose"][1])
    urdf["compose"][1] |= {"prefix": "left_", "urdf": "b.urdf", "fixed_joints": {}}


AT = "robot.urdf.compose[1]"
BROKEN: list[tuple[Callable[[dict[str, Any]], None], str, str]] = [
    (change(prefix="Right "), f"{AT}.prefix", "lower-case"),
    (change(prefix="right"), f"{AT}.prefix", "such as left_"),
    (change(prefix=""), f"{AT}.prefix", "lower-case"),
    (change(prefix="left_"), f"{AT}.prefix", "left_ and right_"),
    (change(prefx="right_"), f"{AT}.prefx", "'prefix'"),
    (change(fixed_joints={"panda_finger_joint3": 0.0}), f"{AT}.fixed_joints.panda_finger_joint3", "Did you mean"),
    (change(fixed_joints={"panda_joint8": 0.0}), f"{AT}.fixed_joints.panda_joint8", "Did you mean"),
    (change(fixed_joints={"panda_finger_joint1": 0.3}), f"{AT}.fixed_joints.panda_finger_joint1", "within [0.0, 0.04]"),
    (change(fixed_joints={"panda_finger_joint1": float("nan")}), f"{AT}.fixed_joints.panda_finger_joint1", "finite"),
    (change(fixed_joints={"panda_finger_joint1": 0.0}), f"{AT}.fixed_joints", "Fix panda_finger_joint2 too"),
    (change(fixed_joints={}), "robot.gripper.joint_table", "right_panda_finger_joint1"),
    (change(urdf="missing.urdf"), f"{AT}.urdf", "Looked for"),
    (change(urdf="no_such_package:robot.urdf"), f"{AT}.urdf", "Install it"),
    (change(urdf="two_roots.urdf", fixed_joints={}), f"{AT}.urdf", "one tree"),
    (change(urdf="no_mesh.urdf", fixed_joints={}), f"{AT}.urdf", "Looked for"),
    (change(position_m=[0.0, 0.0]), f"{AT}.position_m[2]", "at least 3"),
    (renamed_root, "robot.urdf.compose[0].prefix", "no two names"),
    (same_names, f"{AT}.prefix", "no two names"),
    (lambda urdf: urdf.pop("root_link"), "robot.urdf.root_link", "root_link"),
    (lambda urdf: urdf.update(compose=[]), "robot.urdf.compose", ""),
    (lambda urdf: urdf.update(mounts=[]), "robot.urdf.mounts", "compose"),
]  # fmt: skip


@pytest.mark.parametrize(("harm", "field", "mend"), BROKEN)
def test_a_composition_that_cannot_be_made_names_field_and_mend(
    harm: Callable[[dict[str, Any]], None], field: str, mend: str, cache: Path, tmp_path: Path
) -> None:
    (tmp_path / "two_roots.urdf").write_text('<robot name="r"><link name="a"/><link name="b"/></robot>')
    (tmp_path / "b.urdf").write_text('<robot name="r"><link name="b_panda_link0"/></robot>')
    mesh = '<visual><geometry><mesh filename="package://m.obj"/></geometry></visual>'
    (tmp_path / "no_mesh.urdf").write_text(f'<robot name="r"><link name="a">{mesh}</link></robot>')
    data = yaml.safe_load(TEXT)
    harm(data["robot"]["urdf"])
    with pytest.raises(CellError) as caught:
        Cell.read(yaml.safe_dump(data, sort_keys=False).encode(), tmp_path / "cell.yaml")
    assert caught.value.field == field
    assert mend in caught.value.mend
    assert not cache.exists() or field.startswith("robot.gripper")


@pytest.mark.parametrize("value", [[SOURCE], 3, ""])
def test_what_is_neither_a_path_nor_a_composition_is_refused(value: object) -> None:
    data = yaml.safe_load(TEXT)
    data["robot"]["urdf"] = value
    with pytest.raises(CellError) as caught:
        Cell.read(yaml.safe_dump(data).encode(), Path("cell.yaml"))
    assert caught.value.field == "robot.urdf"
