"""Running along a joint path from wherever the arm is."""

from __future__ import annotations

import numpy as np
import pytest

from interlock.policy.joint_path import JointPath, Pace

PACE = Pace(
    speed_m_s=0.4,
    acceleration_m_s2=0.8,
    jerk_m_s3=8.0,
    joint_speed=np.array([1.0, 1.0]),
    joint_acceleration=np.array([2.0, 2.0]),
)
DT = 0.04


def arc(length: float = 0.6) -> JointPath:
    lengths = np.linspace(0.0, length, 25)
    knots = np.stack([np.sin(2.0 * lengths), 1.0 - np.cos(2.0 * lengths)], axis=1)
    return JointPath(knots, lengths, PACE)


def play(path: JointPath, q: np.ndarray, v: np.ndarray, seconds: float, stop_m: float = np.inf) -> np.ndarray:
    """Follow replanned chunks exactly, four steps of each."""
    a, rows = np.zeros(2), [q]
    for _ in range(round(seconds / (4 * DT))):
        chunk = path.roll(q, v, a, dt_s=DT, steps=16, stop_m=stop_m)
        rows.extend(chunk[1:5])
        q, v = chunk[4], (chunk[5] - chunk[3]) / (2 * DT)
        a = (chunk[5] - 2 * chunk[4] + chunk[3]) / DT**2
    return np.array(rows)


def test_first_row_is_the_commanded_state() -> None:
    q = np.array([0.02, -0.03])
    assert np.allclose(arc().roll(q, np.zeros(2), np.zeros(2), dt_s=DT, steps=16)[0], q, atol=1e-15)


def test_ends_at_the_goal_at_rest_without_overshoot() -> None:
    path = arc()
    rows = play(path, path.at(0.0), np.zeros(2), 6.0)
    assert np.abs(rows[-1] - path.goal).max() < 1e-4
    assert np.abs(np.diff(rows[-5:], axis=0)).max() < 1e-4
    again = arc()
    along = np.array([again.locate(row) for row in rows])
    assert (np.diff(along) > -1e-6).all()


def test_keeps_speed_and_acceleration_bounds() -> None:
    path = arc()
    speed = np.diff(play(path, path.at(0.0), np.zeros(2), 6.0), axis=0) / DT
    assert (np.abs(speed) <= PACE.joint_speed + 1e-6).all()
    assert np.linalg.norm(speed, axis=1).max() <= 1.02 * 2.0 * PACE.speed_m_s
    assert (np.abs(np.diff(speed, axis=0) / DT) <= 2.0 * PACE.joint_acceleration).all()


def test_replanning_on_the_path_hardly_changes_it() -> None:
    path = arc()
    first = path.roll(path.at(0.0), np.zeros(2), np.zeros(2), dt_s=DT, steps=40)
    played = play(path, path.at(0.0), np.zeros(2), 1.28)
    assert np.abs(first[: len(played)] - played[:40]).max() < 0.01


def test_halts_before_the_stop_and_goes_on_after() -> None:
    path = arc()
    rows = play(path, path.at(0.0), np.zeros(2), 4.0, stop_m=0.3)
    assert path.locate(rows[-1]) == pytest.approx(0.3, abs=1e-3)
    rows = play(path, rows[-1], np.zeros(2), 4.0)
    assert np.abs(rows[-1] - path.goal).max() < 1e-3


def test_what_lies_off_the_path_dies_away() -> None:
    path = arc()
    rows = play(path, path.at(0.1) + np.array([0.05, -0.05]), np.zeros(2), 2.0)
    assert path.offset(rows[-1]) < 1e-3
    assert np.abs(np.diff(rows[:3], axis=0)).max() < 0.02


def test_brakes_when_it_comes_in_too_fast() -> None:
    path = arc()
    fast = 1.5 * PACE.speed_m_s * np.array([2.0, 0.0])
    rows = path.roll(path.at(0.0), fast, np.zeros(2), dt_s=DT, steps=16)
    speed = np.linalg.norm(np.diff(rows, axis=0), axis=1) / DT
    assert speed[0] == pytest.approx(np.linalg.norm(fast), rel=0.1)
    assert speed[-1] < 1.05 * 2.0 * PACE.speed_m_s


def test_a_single_knot_draws_the_arm_to_it() -> None:
    path = JointPath(np.array([[0.2, 0.1]]), np.zeros(1), PACE)
    rows = play(path, np.array([0.25, 0.1]), np.zeros(2), 2.0)
    assert np.abs(rows[-1] - [0.2, 0.1]).max() < 1e-3
