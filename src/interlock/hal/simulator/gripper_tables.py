"""Measures which joint positions open a gripper how wide, for the table in a cell file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pybullet

from interlock.hal.arrays import FloatArray
from interlock.hal.simulator.quiet import quiet_stdout

__all__ = ["mimic_multipliers", "tabulate_gripper"]

_SEARCH_M = 1.0


def mimic_multipliers(urdf: Path, joints: Sequence[str]) -> list[float]:
    """How far each joint moves for one unit of the joint it mimics; 1 for a joint that mimics none."""
    found = {
        joint.get("name", ""): float(mimic.get("multiplier", "1"))
        for joint in ElementTree.parse(urdf).getroot().iter("joint")
        if (mimic := joint.find("mimic")) is not None
    }
    return [found.get(name, 1.0) for name in joints]


def tabulate_gripper(
    urdf: Path,
    joints: Sequence[str],
    pads: tuple[str, str],
    *,
    closed: float,
    opened: float,
    samples: int,
) -> tuple[FloatArray, FloatArray]:
    """Measure the gap between two pads over the travel of a gripper.

    Args:
        urdf: the robot.
        joints: finger joints; the first one drives, the others follow by their mimic multipliers.
        pads: the two links between which the width is measured, hull to hull.
        closed: position of the driving joint at which the search for width 0 begins, [rad or m].
        opened: position of the driving joint when open, [rad or m].
        samples: number of rows.

    Returns:
        Widths, ascending from 0, shape (samples,), [m], and joint positions, shape (joints, samples).
    """
    multipliers = np.array(mimic_multipliers(urdf, joints))
    with quiet_stdout():
        client = pybullet.connect(pybullet.DIRECT)
        body = pybullet.loadURDF(str(urdf), useFixedBase=True, physicsClientId=client)
    try:
        infos = [
            pybullet.getJointInfo(body, j, physicsClientId=client)
            for j in range(pybullet.getNumJoints(body, physicsClientId=client))
        ]
        index = {info[1].decode(): info[0] for info in infos}
        link = {info[12].decode(): info[0] for info in infos}

        def gap(drive: float) -> float:
            for name, multiplier in zip(joints, multipliers, strict=True):
                pybullet.resetJointState(body, index[name], drive * multiplier, physicsClientId=client)
            points = pybullet.getClosestPoints(
                body, body, _SEARCH_M, link[pads[0]], link[pads[1]], physicsClientId=client
            )
            return min(float(point[8]) for point in points)

        touching, apart = closed, opened
        while abs(touching - apart) > 1e-9:
            middle = (touching + apart) / 2.0
            touching, apart = (touching, middle) if gap(middle) > 0.0 else (middle, apart)
        drives = np.linspace(apart, opened, samples)
        widths = np.array([0.0, *(gap(drive) for drive in drives[1:])])
    finally:
        pybullet.disconnect(physicsClientId=client)
    return widths, multipliers[:, None] * drives
