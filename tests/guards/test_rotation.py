"""Rotation vectors and matrices agree with Pinocchio's, half a turn and next to nothing included."""

from __future__ import annotations

import numpy as np
import pinocchio as pin
import pytest

from interlock.guards.rotation import rotation_matrix, rotation_vector, turn_between

ANGLES = [0.0, 1e-12, 1e-9, 1e-6, 0.1, 1.0, 3.0, np.pi - 1e-7, np.pi]


def matrix(vector: np.ndarray) -> np.ndarray:
    out = np.empty((3, 3))
    rotation_matrix(vector, out)
    return out


@pytest.mark.parametrize("angle", ANGLES)
@pytest.mark.parametrize("seed", range(20))
def test_there_and_back(angle: float, seed: int) -> None:
    vector = np.random.default_rng(seed).normal(size=3)
    if seed < 3:
        vector = np.eye(3)[seed]
    vector *= angle / np.linalg.norm(vector)
    turn = matrix(vector)
    np.testing.assert_allclose(turn, pin.exp3(vector), atol=1e-12)
    back = np.empty(3)
    rotation_vector(turn, back)
    assert np.linalg.norm(back) <= np.pi + 1e-12
    np.testing.assert_allclose(pin.exp3(back), turn, atol=1e-11)


@pytest.mark.parametrize("seed", range(20))
def test_the_turn_between_two_takes_one_to_the_other(seed: int) -> None:
    generator = np.random.default_rng(seed)
    before, after = (pin.exp3(generator.normal(size=3)) for _ in range(2))
    out = np.empty(3)
    turn_between(before, after, np.empty((3, 3)), out)
    np.testing.assert_allclose(pin.exp3(out) @ before, after, atol=1e-12)


def test_what_is_no_number_stays_none() -> None:
    assert np.isnan(matrix(np.array([np.nan, 0.0, 0.0]))).any()
