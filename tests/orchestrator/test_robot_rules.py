"""A robot may have a second arm: its joints stand beside those of the tool's chain, base first."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.errors import CellError
from interlock.orchestrator.cell_schema import RobotSection
from interlock.orchestrator.robot_rules import check_robot
from interlock.orchestrator.urdf_outline import UrdfJoint, UrdfOutline

_TREE = {  # joint: parent link, child link
    "waist": ("base", "torso"),
    "left_1": ("torso", "left_upper"),
    "left_2": ("left_upper", "left_hand"),
    "right_1": ("torso", "right_upper"),
    "right_2": ("right_upper", "right_hand"),
}


def _check(*names: str, beyond: bool = False) -> None:
    """Check a robot whose cell lists these joints; `beyond` adds a joint that hangs on the tool."""
    tree = _TREE | ({"screw": ("left_hand", "bit")} if beyond else {})
    outline = UrdfOutline(
        path=Path("two_arms.urdf"),
        links=frozenset(link for pair in tree.values() for link in pair),
        joints={
            name: UrdfJoint(
                name=name, kind="revolute", parent=parent, child=child, lower=-3.0, upper=3.0, velocity=2.0
            )
            for name, (parent, child) in tree.items()
        },
        parent_of={child: (parent, name) for name, (parent, child) in tree.items()},
    )
    row = {"q_rad": (-2.0, 2.0), "v_rad_s": 1.0, "a_rad_s2": 5.0, "j_rad_s3": 500.0}
    section = {
        "name": "two_arms",
        "embodiment": "two_arms",
        "urdf": "two_arms.urdf",
        "limits": {"source": "a test", "joints": dict.fromkeys(names, row)},
        "tool": {"link": "left_hand"},
        "home_rad": (0.0,) * len(names),
        "max_tool_speed_m_s": 0.5,
    }
    check_robot(RobotSection.model_validate(section), outline)


@pytest.mark.parametrize(
    "names",
    [
        ("waist", "left_1", "left_2", "right_1", "right_2"),
        ("waist", "right_1", "right_2", "left_1", "left_2"),
        ("waist", "right_1", "left_1", "right_2", "left_2"),
    ],
)
def test_two_arms_are_listed_base_first(names: tuple[str, ...]) -> None:
    _check(*names)


@pytest.mark.parametrize(
    "names",
    [
        ("left_1", "waist", "left_2", "right_1", "right_2"),
        ("waist", "left_1", "left_2", "right_2", "right_1"),
        ("right_1", "right_2", "waist", "left_1", "left_2"),
        ("waist", "left_1", "right_1", "right_2"),
        ("waist", "left_1", "left_2", "right_2"),
    ],
)
def test_a_joint_listed_before_what_carries_it_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(CellError) as caught:
        _check(*names)
    assert (caught.value.field, caught.value.value) == ("robot.limits.joints", list(names))
    assert "waist, left_1, left_2" in caught.value.mend


def test_an_arm_without_limits_is_refused() -> None:
    with pytest.raises(CellError) as caught:
        _check("waist", "left_1", "left_2")
    assert caught.value.value == "right_1"


def test_a_joint_beyond_the_tool_is_no_second_arm() -> None:
    with pytest.raises(CellError) as caught:
        _check(*_TREE, "screw", beyond=True)
    assert caught.value.field == "robot.limits.joints"
