"""Every broken cell ends with the field, the value and the mend."""

# One row of the table is one line.
# ruff: noqa: E501

from __future__ import annotations

import copy
import functools
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from interlock.errors import CellError, ExitCode, RobotModelError
from interlock.orchestrator.cell import Cell

pytest.importorskip("pybullet_data")

Data = dict[str, Any]
_DELETE = object()


@functools.cache
def _good_cell() -> Data:
    return yaml.safe_load(Path(__file__).with_name("good_cell.yaml").read_text())


def put(*path: str | int, to: object) -> Callable[[Data], None]:
    """A change of one value, or its removal."""

    def change(data: Data) -> None:
        place: Any = data
        for step in path[:-1]:
            place = place[step]
        if to is _DELETE:
            del place[path[-1]]
        else:
            place[path[-1]] = to

    return change


def both(*changes: Callable[[Data], None]) -> Callable[[Data], None]:
    def change(data: Data) -> None:
        for one in changes:
            one(data)

    return change


@dataclass(frozen=True)
class Row:
    name: str
    change: Callable[[Data], None]
    field: str
    value: object
    mend: str


TABLE, TRAY, PILLAR, RED, GREEN, BALL = 0, 1, 2, 3, 4, 7
JOINTS = ("robot", "limits", "joints")
NAN, INF = float("nan"), float("inf")
MANY = [[0.001 * k, 0.0, 0.0] for k in range(65)]
BALL_OF_64 = [
    [0.1 * math.sin(a) * math.cos(b), 0.1 * math.sin(a) * math.sin(b), 0.1 * math.cos(a)]
    for a in (0.4, 0.9, 1.4, 1.9)
    for b in (0.4 * k for k in range(16))
]
FLAT = [[0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.0, 0.1, 0.0], [0.1, 0.1, 0.0]]

ROWS = [
    Row("unknown key at the top", put("robots", to=1), "robots", 1, "'robot'"),
    Row("unknown key deep down", put("guards", "enviroment_margin_m", to=0.01), "guards.enviroment_margin_m", 0.01, "'environment_margin_m'"),
    Row("unknown key in an object", put("scene", "objects", RED, "colour", to="red"), "scene.objects[3].colour", "red", "'color'"),
    Row("unknown key in a joint", put(*JOINTS, "panda_joint1", "v_rad", to=1.0), "robot.limits.joints.panda_joint1.v_rad", 1.0, "'v_rad_s'"),
    Row("missing key", put("robot", "home_rad", to=_DELETE), "robot.home_rad", None, "Add `home_rad:`"),
    Row("unknown version", put("schema_version", to=2), "schema_version", 2, "1"),
    Row("yes for a version", put("schema_version", to=True), "schema_version", True, "whole number"),
    Row("a version with a point", put("schema_version", to=1.0), "schema_version", 1.0, "whole number"),
    Row("absurd speed limit", put(*JOINTS, "panda_joint2", "v_rad_s", to=1e308), "robot.limits.joints.panda_joint2.v_rad_s", 1e308, "at most 10000"),
    Row("vanishing speed limit", put(*JOINTS, "panda_joint2", "v_rad_s", to=1e-300), "robot.limits.joints.panda_joint2.v_rad_s", 1e-300, "at least 1e-09"),
    Row("vanishing derating", put("robot", "limits", "derate", "velocity", to=1e-300), "robot.limits.derate.velocity", 1e-300, "at least 1e-09"),
    Row("absurd margin", put("guards", "environment_margin_m", to=1e308), "guards.environment_margin_m", 1e308, "at most 10000"),
    Row("vanishing margin", put("guards", "environment_margin_m", to=1e-300), "guards.environment_margin_m", 1e-300, "at least 1e-09"),
    Row("absurd bound of an obstacle", put("scene", "objects", BALL, "max_speed_m_s", to=1e308), "scene.objects[7].max_speed_m_s", 1e308, "at most 10000"),
    Row("absurd place", put("scene", "objects", PILLAR, "position_m", to=[-1e308, 0.0, 0.0]), "scene.objects[2].position_m[0]", -1e308, "at least -1000."),
    Row("vanishing block", put("scene", "objects", RED, "parts", 0, "box", "size_m", to=[0.04, 0.04, 1e-300]), "scene.objects[3].parts[0].box.size_m[2]", 1e-300, "at least 1e-09"),
    Row("absurd many substeps", put("rates", "physics_substeps", to=10_000), "rates.physics_substeps", 10_000, "at most 1000"),
    Row("absurd camera rate", put("cameras", 0, "rate_hz", to=1001.0), "cameras[0].rate_hz", 1001.0, "at most 1000"),
    Row("negative speed limit", put(*JOINTS, "panda_joint2", "v_rad_s", to=-1.0), "robot.limits.joints.panda_joint2.v_rad_s", -1.0, "above 0"),
    Row("negative margin", put("guards", "self_margin_m", to=-0.001), "guards.self_margin_m", -0.001, "above 0"),
    Row("zero tool speed", put("robot", "max_tool_speed_m_s", to=0), "robot.max_tool_speed_m_s", 0, "above 0"),
    Row("derating above one", put("robot", "limits", "derate", "jerk", to=1.5), "robot.limits.derate.jerk", 1.5, "at most 1"),
    Row("NaN limit", put(*JOINTS, "panda_joint3", "a_rad_s2", to=NAN), "robot.limits.joints.panda_joint3.a_rad_s2", NAN, "finite"),
    Row("infinite zone", put("scene", "zones", 0, "upper_m", to=[INF, 1.0, 1.0]), "scene.zones[0].upper_m[0]", INF, "finite"),
    Row("number as text", put("guards", "scene_deadline_s", to="2e-1"), "guards.scene_deadline_s", "2e-1", "1.0e-3"),
    Row("yes for a number", put("robot", "gripper", "max_force_n", to=True), "robot.gripper.max_force_n", True, "a number"),
    Row("fraction for a count", put("rates", "control_hz", to=99.5), "rates.control_hz", 99.5, "whole number"),
    Row("two numbers for three", put("scene", "objects", PILLAR, "position_m", to=[0.5, 0.1]), "scene.objects[2].position_m[2]", None, "at least 3"),
    Row("a name with spaces", put("scene", "objects", RED, "name", to="red block"), "scene.objects[3].name", "red block", "lower-case"),
    Row("a name that is a path", put("robot", "name", to="../panda"), "robot.name", "../panda", "lower-case"),
    Row("unknown role", put("scene", "objects", RED, "role", to="moveable"), "scene.objects[3].role", "moveable", "movable"),
    Row("duplicate object", put("scene", "objects", GREEN, "name", to="red_block"), "scene.objects[4].name", "red_block", "own name"),
    Row("zone named like an object", put("scene", "zones", 2, "name", to="tray"), "scene.zones[2].name", "tray", "own name"),
    Row("object named like a link", put("scene", "objects", RED, "name", to="panda_hand"), "scene.objects[3].name", "panda_hand", "no link"),
    Row("duplicate camera", put("cameras", 1, "name", to="overview"), "cameras[1].name", "overview", "own name"),
    Row("missing URDF", put("robot", "urdf", to="nowhere.urdf"), "robot.urdf", "nowhere.urdf", "relative to the cell file"),
    Row("URDF in no package", put("robot", "urdf", to="pybulet_data:panda.urdf"), "robot.urdf", "pybulet_data:panda.urdf", "Install"),
    Row("a folder for a URDF", put("robot", "urdf", to="."), "robot.urdf", ".", "relative to the cell file"),
    Row("unknown joint", both(put(*JOINTS, "panda_joint8", to={"q_rad": [-1.0, 1.0], "v_rad_s": 1.0, "a_rad_s2": 1.0, "j_rad_s3": 1.0}), put(*JOINTS, "panda_joint7", to=_DELETE)), "robot.limits.joints.panda_joint8", "panda_joint8", "panda_joint1"),
    Row("joint left out", put(*JOINTS, "panda_joint7", to=_DELETE), "robot.limits.joints", [f"panda_joint{i}" for i in range(1, 7)], "panda_joint7"),
    Row("limits the wrong way round", put(*JOINTS, "panda_joint1", "q_rad", to=[1.0, -1.0]), "robot.limits.joints.panda_joint1.q_rad", (1.0, -1.0), "[lowest, highest]"),
    Row("limits wider than the URDF", put(*JOINTS, "panda_joint1", "q_rad", to=[-3.0, 2.0]), "robot.limits.joints.panda_joint1.q_rad", (-3.0, 2.0), "2.9671"),
    Row("speed above the URDF", put(*JOINTS, "panda_joint1", "v_rad_s", to=2.2), "robot.limits.joints.panda_joint1.v_rad_s", 2.2, "2.175"),
    Row("home with six joints", put("robot", "home_rad", to=[0.0] * 6), "robot.home_rad", [0.0] * 6, "7 positions"),
    Row("home outside the limits", put("robot", "home_rad", 3, to=0.5), "robot.home_rad[3]", 0.5, "-0.0698"),
    Row("unknown tool link", put("robot", "tool", "link", to="panda_hnd"), "robot.tool.link", "panda_hnd", "'panda_hand'"),
    Row("widths that do not ascend", put("robot", "gripper", "widths_m", to=[0.07, 0.0]), "robot.gripper.widths_m", [0.07, 0.0], "closed first"),
    Row("a row too long", put("robot", "gripper", "joint_table", "panda_finger_joint1", to=[0.0, 0.02, 0.04]), "robot.gripper.joint_table.panda_finger_joint1", [0.0, 0.02, 0.04], "2 positions"),
    Row("a finger beyond the URDF", put("robot", "gripper", "joint_table", "panda_finger_joint1", to=[0.0, 0.05]), "robot.gripper.joint_table.panda_finger_joint1", [0.0, 0.05], "0.04"),
    Row("a finger forgotten", put("robot", "gripper", "joint_table", "panda_finger_joint2", to=_DELETE), "robot.gripper.joint_table", "panda_finger_joint2", "rows for"),
    Row("unknown finger link", put("robot", "gripper", "finger_links", to=["left"]), "robot.gripper.finger_links", "left", "panda_leftfinger"),
    Row("unknown touching link", put("robot", "touching_pairs", 0, to=["panda_link7", "hand"]), "robot.touching_pairs[0]", "hand", "panda_hand"),
    Row("a link that touches itself", put("robot", "touching_pairs", 0, to=["panda_hand", "panda_hand"]), "robot.touching_pairs[0]", ["panda_hand", "panda_hand"], "two links"),
    Row("two shapes in a part", put("scene", "objects", PILLAR, "parts", 0, "sphere", to={"radius_m": 0.1}), "scene.objects[2].parts[0]", ["box", "sphere"], "Keep one"),
    Row("no shape in a part", put("scene", "objects", PILLAR, "parts", to=[{}]), "scene.objects[2].parts[0]", [], "Keep one"),
    Row("a flat hull", put("scene", "objects", PILLAR, "parts", to=[{"convex_hull": {"vertices_m": FLAT}}]), "scene.objects[2].parts[0].convex_hull.vertices_m", tuple(map(tuple, FLAT)), "off the plane"),
    Row("a hull of three vertices", put("scene", "objects", PILLAR, "parts", to=[{"convex_hull": {"vertices_m": FLAT[:3]}}]), "scene.objects[2].parts[0].convex_hull.vertices_m", FLAT[:3], "at least 4"),
    Row("a hull of too many vertices", put("scene", "objects", PILLAR, "parts", to=[{"convex_hull": {"vertices_m": MANY}}]), "scene.objects[2].parts[0].convex_hull.vertices_m", "a list of 65 values", "64 values"),
    Row("a hull with a vertex of NaN", put("scene", "objects", PILLAR, "parts", to=[{"convex_hull": {"vertices_m": [*FLAT, [0.0, 0.0, NAN]]}}]), "scene.objects[2].parts[0].convex_hull.vertices_m[4][2]", NAN, "finite"),
    Row("a hull with a vertex too far off", put("scene", "objects", PILLAR, "parts", to=[{"convex_hull": {"vertices_m": [*FLAT, [0.0, 0.0, 1000.1]]}}]), "scene.objects[2].parts[0].convex_hull.vertices_m[4][2]", 1000.1, "at most 1000"),
    Row("too many parts in all", put("scene", "objects", PILLAR, "parts", to=[{"sphere": {"radius_m": 0.01}} for _ in range(257)]), "scene.objects", 268, "at most 256 parts in all"),
    Row("too many vertices in all", put("scene", "objects", PILLAR, "parts", to=[{"convex_hull": {"vertices_m": copy.deepcopy(BALL_OF_64)}} for _ in range(17)]), "scene.objects", 1088, "at most 1024 vertices in all"),
    Row("a place too far off", put("scene", "objects", PILLAR, "position_m", to=[0.0, 1000.1, 0.0]), "scene.objects[2].position_m[1]", 1000.1, "at most 1000"),
    Row("a part too far off", put("scene", "objects", PILLAR, "parts", 0, "position_m", to=[0.0, 0.0, -1000.1]), "scene.objects[2].parts[0].position_m[2]", -1000.1, "at least -1000"),
    Row("a half-space too far off", put("scene", "objects", PILLAR, "parts", to=[{"half_space": {"normal": [0.0, 0.0, 1.0], "offset_m": -1000.1}}]), "scene.objects[2].parts[0].half_space.offset_m", -1000.1, "at least -1000"),
    Row("too large a ball", put("scene", "objects", PILLAR, "parts", to=[{"sphere": {"radius_m": 1000.1}}]), "scene.objects[2].parts[0].sphere.radius_m", 1000.1, "at most 1000"),
    Row("a half-space without direction", put("scene", "objects", PILLAR, "parts", to=[{"half_space": {"normal": [0.0, 0.0, 0.0]}}]), "scene.objects[2].parts[0].half_space.normal", (0.0, 0.0, 0.0), "[0, 0, 1]"),
    Row("a half-space to carry", put("scene", "objects", RED, "parts", to=[{"half_space": {"normal": [0.0, 0.0, 1.0]}}]), "scene.objects[3].parts[0].half_space", "red_block", "box"),
    Row("a half-space that swings", put("scene", "objects", BALL, "parts", to=[{"half_space": {"normal": [0.0, 0.0, 1.0]}}]), "scene.objects[7].parts[0].half_space", "ball", "box"),
    Row("unknown colour", put("scene", "objects", RED, "color", to="redd"), "scene.objects[3].color", "redd", "'red'"),
    Row("a block on nothing", put("scene", "objects", RED, "stands_on", to=_DELETE), "scene.objects[3].stands_on", "red_block", "Name its support"),
    Row("a block on an unknown thing", put("scene", "objects", RED, "stands_on", to="tabel"), "scene.objects[3].stands_on", "tabel", "'table'"),
    Row("a block in the air", put("scene", "objects", RED, "position_m", 2, to=0.2), "scene.objects[3].position_m", (0.54, -0.16, 0.2), "z = 0.0280"),
    Row("a block beside the table", put("scene", "objects", RED, "position_m", 0, to=0.95), "scene.objects[3].position_m", (0.95, -0.16, 0.028), "inward"),
    Row("blocks too near each other", put("scene", "objects", GREEN, "position_m", to=[0.54, -0.2, 0.028]), "scene.objects[4].position_m", (0.54, -0.2, 0.028), "0.12 m apart"),
    Row("a pillar with jitter", put("scene", "objects", PILLAR, "jitter", to={"x_m": 0.1}), "scene.objects[2].jitter", "pillar", "movable"),
    Row("a block that moves by itself", put("scene", "objects", RED, "max_speed_m_s", to=0.1), "scene.objects[3].max_speed_m_s", 0.1, "obstacle"),
    Row("faster than its bound", put("scene", "objects", BALL, "shuttle", "speed_m_s", to=0.3), "scene.objects[7].shuttle.speed_m_s", 0.3, "0.25"),
    Row("a shuttle without a way", put("scene", "objects", BALL, "shuttle", "end_m", to=[0.86, 0.02, 0.41]), "scene.objects[7].shuttle.end_m", (0.86, 0.02, 0.41), "1 cm"),
    Row("standing and shuttling", put("scene", "objects", BALL, "position_m", to=[0.0, 0.0, 1.0]), "scene.objects[7].position_m", "ball", "not both"),
    Row("a zone inside out", put("scene", "zones", 0, "upper_m", to=[0.1, 0.62, 0.8]), "scene.zones[0].upper_m", (0.1, 0.62, 0.8), "above"),
    Row("a zone on an unknown thing", put("scene", "zones", 2, "stands_on", to="floor"), "scene.zones[2].stands_on", "floor", "table"),
    Row("a camera that looks down", put("cameras", 1, "target_m", to=[0.4, 0.0, 0.0]), "cameras[1].target_m", (0.4, 0.0, 0.0), "sideways"),
    Row("a camera on no link", put("cameras", 0, "link", to="panda_hnad"), "cameras[0].link", "panda_hnad", "'panda_hand'"),
    Row("two cameras of one role", both(put("cameras", 0, "role", to="base"), put("cameras", 1, "role", to="base")), "cameras[1].role", "base", "own name"),
    Row("a camera that looks along its link's x", both(put("cameras", 0, "link", to="panda_hand"), put("cameras", 0, "target_m", to=[2.0, -0.80, 0.85])), "cameras[0].target_m", (2.0, -0.8, 0.85), "sideways"),
    Row("ticks of no whole length", put("rates", "control_hz", to=300), "rates.control_hz", 300, "100"),
    Row("chunks that end too early", put("rates", "replan_s", to=1.0), "rates.replan_s", 1.0, "0.64"),
    Row("chunks too old on arrival", put("guards", "chunk_deadline_s", to=0.1), "guards.chunk_deadline_s", 0.1, "0.16"),
    Row("an answer too late for the deadline", put("policy", "options", to={"stream": {"latency_s": 0.3}}), "guards.chunk_deadline_s", 0.5, "0.63 s, or lower policy.options.stream.latency_s to 0.235"),
    Row("an answer too late for the horizon", both(put("guards", "chunk_deadline_s", to=2.0), put("policy", "options", to={"stream": {"latency_s": 0.3}})), "rates.horizon", 16, "0.63 s"),
    Row("a lead too long for the deadline", put("policy", "options", to={"stream": {"lead_s": 0.4}}), "guards.chunk_deadline_s", 0.5, "0.59 s"),
    Row("stuck longer than the task", put("times", "stuck_after_s", to=60.0), "times.max_task_s", 30.0, "60.0"),
    Row("unknown skill", put("skills", to=["pick", "plase"]), "skills[1]", "plase", "'place'"),
    Row("no skill", put("skills", to=[]), "skills", [], "interlock cells"),
    Row("plug-in without a name", put("guards", "plugins", to=[{"parameters": {}}]), "guards.plugins[0].name", None, "Add `name:`"),
]  # fmt: skip


def test_the_cell_that_is_broken_below_is_in_order(tmp_path: Path) -> None:
    path = tmp_path / "cell.yaml"
    path.write_text(yaml.safe_dump(_good_cell(), sort_keys=False))
    assert Cell.load(path).name == "good_cell"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_bad_cell_names_field_value_and_mend(row: Row, tmp_path: Path) -> None:
    data = copy.deepcopy(_good_cell())
    row.change(data)
    path = tmp_path / "cell.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    with pytest.raises(CellError) as caught:
        Cell.load(path)
    error = caught.value
    assert error.field == row.field
    assert repr(error.value) == repr(row.value)
    assert row.mend in error.mend
    assert error.exit_code is ExitCode.BAD_INPUT
    assert "\n" not in error.message


TEXTS = {
    "empty": ("", "mapping"),
    "a list": ("- a\n- b\n", "mapping"),
    "a tab": ("a:\n\tb: 1\n", "line 2"),
    "an open bracket": ("a: [1, 2\n", "line"),
    "a key twice": ("name: a\nname: b\n", "stands twice"),
    "an alias": ("a: &x [1]\nb: *x\n", "anchors"),
    "a bomb": ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "anchors"),
    "a Python object": ("a: !!python/object/apply:os.system ['true']\n", "could not determine a constructor"),
    "no text": ("\x00\x01", "YAML"),
    "too deep": ("[" * 20_000, "YAML"),
    "too large": ("a: b\n" * 300_000, "too large"),
    "a date": ("2001-99-99", "YAML"),
    "a list for a key": ("? [a, b]\n: c\n", "line 1, column 3: a key must be a word"),
    "a mapping for a key": ("name: a\n{b: c}: d\n", "line 2, column 1: a key must be a word"),
    "a list for a key, deep down": ("a: {b: {[c]: d}}\n", "a key must be a word"),
    "a list in a set": ("a: !!set {[b]: }\n", "a key must be a word"),
    "a merge": ("name: a\n<<: {name: b}\n", "line 2, column 1: merge keys"),
    "a merge by its tag": ("!!merge name: {name: b}\n", "merge keys"),
    "a list tagged as a mapping": ("a: !!map [1]\n", "expected a mapping node"),
    "nothing tagged as a number": ("a: !!int ''\n", "does not fit the tag"),
    "a word tagged as a truth": ("a: !!bool perhaps\n", "does not fit the tag"),
    "a word tagged as a date": ("a: !!timestamp soon\n", "does not fit the tag"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_file_that_is_no_cell_says_why(name: str, tmp_path: Path) -> None:
    text, why = TEXTS[name]
    path = tmp_path / "cell.yaml"
    path.write_text(text)
    with pytest.raises(CellError) as caught:
        Cell.load(path)
    assert caught.value.field == "cell"
    assert caught.value.value == str(path)
    assert why in caught.value.what
    assert caught.value.mend


def test_a_bare_on_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "cell.yaml"
    path.write_text("schema_version: 1\non: table\n")
    with pytest.raises(CellError, match=r"Quote the key"):
        Cell.load(path)


@pytest.mark.parametrize("given", ["nowhere.yaml", ".", "a\0.yaml"])
def test_a_cell_file_that_is_not_there_says_so(given: str) -> None:
    with pytest.raises(CellError) as caught:
        Cell.load(given)
    assert caught.value.field == "cell"
    assert "interlock cells" in caught.value.mend or "Valid here" in caught.value.mend


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["a pipe", "a folder"])
def test_what_is_no_regular_file_is_refused_at_once(make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "cell.yaml"
    make(path)
    with pytest.raises(CellError, match="no regular file") as caught:
        Cell.load(path)
    assert caught.value.value == str(path)
    assert "interlock cells" in caught.value.mend


def test_an_unknown_cell_gets_the_nearest_name() -> None:
    with pytest.raises(CellError, match=r"Did you mean 'panda_tabletop'"):
        Cell.load("panda_table_top")


URDFS = {
    "not XML": ("<robot", "cannot be read"),
    "another format": ("<mujoco/>", "not a URDF"),
    "no links": ("<robot name='r'/>", "no links"),
    "a joint without limits": (
        "<robot name='r'><link name='a'/><link name='b'/>"
        "<joint name='j' type='revolute'><parent link='a'/><child link='b'/></joint></robot>",
        "states no limits",
    ),
    "a joint without a speed limit": (
        "<robot name='r'><link name='a'/><link name='b'/><joint name='j' type='revolute'>"
        "<parent link='a'/><child link='b'/><limit lower='-1' upper='1'/></joint></robot>",
        "no usable velocity limit",
    ),
    "a limit that is not a number": (
        "<robot name='r'><link name='a'/><link name='b'/><joint name='j' type='revolute'>"
        "<parent link='a'/><child link='b'/><limit lower='nan' upper='1' velocity='1'/></joint></robot>",
        "no usable lower limit",
    ),
    "a floating joint": (
        "<robot name='r'><link name='a'/><link name='b'/>"
        "<joint name='j' type='floating'><parent link='a'/><child link='b'/></joint></robot>",
        "does not guard",
    ),
    "a joint without a child": (
        "<robot name='r'><link name='a'/><joint name='j' type='fixed'><parent link='a'/></joint></robot>",
        "has no <child>",
    ),
}


@pytest.mark.parametrize("name", URDFS)
def test_a_urdf_that_cannot_be_used_says_why(name: str, tmp_path: Path) -> None:
    urdf, why = URDFS[name]
    (tmp_path / "robot.urdf").write_text(urdf)
    data = copy.deepcopy(_good_cell())
    data["robot"]["urdf"] = "robot.urdf"
    path = tmp_path / "cell.yaml"
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(RobotModelError) as caught:
        Cell.load(path)
    assert caught.value.field == "robot.urdf"
    assert why in caught.value.what
    assert caught.value.mend
