"""Whatever the gate releases is inside every limit and clear of everything, by independent ground truth."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from tests.guards.closed_loop import CELLS
from tests.properties.released import faults, situation

SITUATIONS = 80
"""Random situations for each robot."""

BLOCKS = 4


@pytest.mark.parametrize("block", range(BLOCKS))
@pytest.mark.parametrize("name", CELLS)
def test_every_release_is_inside_all_limits_and_clear(name, block):
    released, moving, rungs = 0, 0, Counter()
    least = np.inf
    for seed in range(block, SITUATIONS, BLOCKS):
        case = situation(seed, name)
        if case is None:
            continue
        found, left = faults(case)
        assert not found, (seed, found)
        released += 1
        moving += bool(case.given.state.v_commanded.any())
        rungs[case.output.verdict.rung] += 1
        least = min(least, left)
    print(name, block, released, moving, rungs, least)
    assert released >= SITUATIONS // BLOCKS * 0.8
    assert moving >= released * 0.7
    assert least < 0.03
