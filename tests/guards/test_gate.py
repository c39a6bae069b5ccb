"""The ladder: as proposed, projected, slowed, braking; equal bits for equal input; nothing remembered."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.guards.closed_loop import (
    CELLS,
    IDLE,
    NOW_NS,
    Loop,
    ask,
    ball,
    body_of,
    box,
    cell_of,
    cell_scene,
    chunk_of,
    embodiment_of,
    gate_of,
    gate_with,
    hold,
    node_at_rest,
    seen_at,
    straight,
)
from tests.properties.oracle import nodes_of
from tests.properties.released import oracle_of, situation

from interlock.errors import BadInputError
from interlock.guards.gate import Gate, GateOutput
from interlock.guards.velocity_box import velocity_box
from interlock.guards.verdict import Decision, Family, Rung
from interlock.hal.command import GuardedCommand
from interlock.hal.zone import Zone, ZoneKind

PANDA, XARM = CELLS
ROOT = Path(__file__).resolve().parents[2]


def _creep(name: str, joint: int = 0, speed_rad_s: float = 0.004):
    """A chunk so slow that no limit is near."""
    home = body_of(name).robot.home
    steps = np.tile(home, (16, 1))
    steps[:, joint] += speed_rad_s * 0.04 * np.arange(16)
    return ask(name, node_at_rest(home), chunk_of(name, steps), cell_scene(name))


def _blocked(name: str):
    """An arm at rest that something touches already."""
    home = body_of(name).robot.home
    pearl = ball("pearl", oracle_of(name, 0.03).tool(home), 0.02)
    return ask(name, node_at_rest(home), hold(name, home), seen_at([pearl], NOW_NS))


@pytest.mark.parametrize("name", CELLS)
def test_a_harmless_proposal_is_released_as_it_is(name):
    output = gate_of(name).decide(_creep(name))
    verdict = output.verdict
    assert (verdict.decision, verdict.rung) == (Decision.ALLOW, Rung.AS_PROPOSED)
    assert (verdict.guard, verdict.reason, verdict.refusals) == ("", "", ())
    assert verdict.before.tobytes() == verdict.after.tobytes() == output.command.end.tobytes()
    assert output.certificate.solver_status == ""


@pytest.mark.parametrize("name", CELLS)
def test_standing_still_is_released_without_a_stop(name):
    home = body_of(name).robot.home
    output = gate_of(name).decide(ask(name, node_at_rest(home), hold(name, home), cell_scene(name)))
    assert output.verdict.rung is Rung.AS_PROPOSED
    assert output.command.tail.shape == (0, 3, len(home))
    assert output.command.end.tobytes() == output.command.start.tobytes()
    assert output.certificate.stop_time_s == 0.0


@pytest.mark.parametrize("name", CELLS)
def test_a_proposal_beyond_a_joints_limits_is_projected_and_says_which(name):
    home = body_of(name).robot.home
    target = home.copy()
    target[0] += 0.5
    given = ask(name, node_at_rest(home), straight(name, home, target, 2.0), cell_scene(name))
    verdict = gate_of(name).decide(given).verdict
    assert (verdict.decision, verdict.rung) == (Decision.MODIFY, Rung.PROJECTED)
    assert verdict.guard in (Family.ACCELERATION, Family.JERK)
    assert body_of(name).robot.limits.names[0] in verdict.reason
    assert verdict.before[1, 0] > verdict.after[1, 0] > 0.0


def test_from_a_broken_margin_not_even_standing_still_is_released():
    output = gate_of(PANDA).decide(_blocked(PANDA))
    verdict = output.verdict
    assert output.command is None
    assert (verdict.decision, verdict.rung, verdict.guard) == (
        Decision.REFUSE,
        Rung.BRAKING,
        Family.ENVIRONMENT,
    )
    assert "pearl" in verdict.reason
    assert "overlap already" in verdict.reason
    assert "mm too little" in verdict.refusals[0][1]
    np.testing.assert_array_equal(verdict.after, node_at_rest(body_of(PANDA).robot.home))


def test_refusals_are_told_from_the_first_rung_to_the_last():
    home = body_of(PANDA).robot.home
    given = replace(_blocked(PANDA), chunk=straight(PANDA, home, home + 0.5, 2.0))
    refusals = gate_of(PANDA).decide(given).verdict.refusals
    assert refusals[0][0] in (Family.ACCELERATION, Family.JERK)
    assert "proposed" in refusals[0][1]
    assert [guard for guard, _ in refusals[1:]] == [Family.ENVIRONMENT] * 4
    assert "overlap already" in refusals[4][1]


def _drive_into(name: str, objects, zones=(), ticks: int = 200) -> Iterator[tuple[Loop, GateOutput]]:
    gate = gate_with(name, zones=zones)
    loop = Loop(name, gate, tuple(objects), node_at_rest(body_of(name).robot.home))
    target = body_of(name).robot.home.copy()
    target[0] += 1.2
    for tick in range(ticks):
        if tick % 16 == 0:
            chunk = straight(name, loop.node[0], target, 0.8, t0_ns=loop.now_ns, seq=tick)
        yield loop, loop.tick(chunk)


@pytest.mark.parametrize("name", CELLS)
def test_goes_up_to_a_wall_and_no_further_and_around_a_post(name):
    oracle = oracle_of(name, 0.03)
    ahead = body_of(name).robot.home.copy()
    ahead[0] += 0.9
    tool = oracle.tool(ahead)
    wall = box("wall", [tool[0], tool[1], 0.5], [0.8, 0.02, 0.6])
    nearest, released = -np.inf, 0
    for loop, output in _drive_into(name, [wall]):
        nearest = max(nearest, float(oracle.tool(loop.node[0])[1]))
        released += output.command is not None
    assert tool[1] - 0.12 < nearest < tool[1] - 0.02
    assert released > 150
    for loop, _ in _drive_into(name, [ball("post", tool, 0.02)]):
        last = loop.node
    assert last[0, 0] == pytest.approx(body_of(name).robot.home[0] + 1.2, abs=0.02)


@pytest.mark.parametrize("name", CELLS)
def test_a_correction_before_a_wall_is_laid_to_the_wall(name):
    ahead = body_of(name).robot.home.copy()
    ahead[0] += 0.9
    tool = oracle_of(name, 0.03).tool(ahead)
    wall = box("wall", [tool[0], tool[1], 0.5], [0.8, 0.02, 0.6])
    verdicts = [output.verdict for _, output in _drive_into(name, [wall])]
    corrected = [v for v in verdicts[100:] if v.decision is Decision.MODIFY]
    named = [v for v in corrected if v.guard == Family.ENVIRONMENT and "wall" in v.reason]
    assert len(named) >= 0.6 * len(corrected) > 30


@pytest.mark.parametrize("name", CELLS)
def test_stays_inside_a_keep_in_zone_and_outside_a_keep_out_zone(name):
    oracle = oracle_of(name, 0.03)
    home = body_of(name).robot.home
    tool = oracle.tool(home)
    aside = np.array([[-1, 0.3, -1], [1, 0.4, 1]])
    zones = (
        Zone(name="in", kind=ZoneKind.KEEP_IN, lower=tool - 0.5, upper=tool + np.array([0.5, 0.12, 0.5])),
        Zone(name="out", kind=ZoneKind.KEEP_OUT, lower=tool + aside[0], upper=tool + aside[1]),
    )
    farthest = 0.0
    for loop, _ in _drive_into(name, [], zones, ticks=120):
        farthest = max(farthest, float(oracle.tool(loop.node[0])[1] - tool[1]))
    assert 0.09 < farthest < 0.12


def test_a_refused_tick_leaves_the_stop_in_hand_and_a_good_proposal_goes_on():
    home = body_of(PANDA).robot.home
    loop = Loop(PANDA, gate_of(PANDA), cell_of(PANDA).scene_objects(0), node_at_rest(home))
    target = home.copy()
    target[0] += 0.4
    for tick in range(20):
        loop.tick(straight(PANDA, loop.node[0], target, 1.0, t0_ns=loop.now_ns, seq=tick))
    assert np.abs(loop.node[1]).max() > 0.1
    in_hand = len(loop.tail)
    for _ in range(in_hand):
        assert loop.tick(None).verdict.rung is Rung.BRAKING
    assert not loop.node[1:].any()
    assert loop.tick(hold(PANDA, loop.node[0], t0_ns=loop.now_ns, seq=99)).command is not None


@pytest.mark.parametrize("name", CELLS)
def test_what_was_released_is_released_again_unchanged_when_proposed(name):
    asked = 0
    for seed in range(14):
        case = situation(seed, name)
        if case is None or case.output.verdict.rung is Rung.AS_PROPOSED:
            continue
        robot, start, end = body_of(name).robot, case.output.command.start, case.output.command.end
        ramp = np.ceil(robot.limits.a_max / (robot.limits.j_max * 0.01))
        box = velocity_box(start, robot.limits, robot.tube, 0.005 * (1.0 + ramp), 0.01)
        # the straight line on which the tracker finds the released acceleration and no error
        velocity = box.offset + box.gain * end[2]
        steps = start[0] + 0.01 * start[1] + velocity * (0.04 * np.arange(16) - 0.01)[:, None]
        chunk = chunk_of(name, steps, t0_ns=case.given.now_ns, seq=case.given.now_ns)
        again = case.gate.decide(replace(case.given, chunk=chunk))
        assert again.verdict.rung is Rung.AS_PROPOSED
        np.testing.assert_allclose(again.command.end, end, atol=1e-9)
        asked += 1
    assert asked >= 8


def _fingerprint(output: GateOutput) -> str:
    command = output.command
    if command is None:
        return repr(output.verdict.refusals)
    sha = hashlib.sha256(nodes_of(command).tobytes())
    sha.update(repr((command.certificate, output.verdict.refusals, output.margins, command.gripper)).encode())
    return sha.hexdigest()


def test_equal_inputs_give_equal_bits():
    for seed in range(6):
        case = situation(seed, PANDA)
        if case is None:
            continue
        again = case.gate.decide(case.given)
        assert _fingerprint(again) == _fingerprint(case.output)
        assert again.certificate == case.output.certificate


def _run(name: str, gate: Gate, seed: int, ticks: int = 40) -> Iterator[str]:
    home = body_of(name).robot.home
    limits = body_of(name).robot.limits
    loop = Loop(name, gate, cell_of(name).scene_objects(seed), node_at_rest(home))
    target = home + 0.4 * (np.random.default_rng(seed).uniform(limits.q_min, limits.q_max) - home)
    for tick in range(ticks):
        if tick % 16 == 0:
            chunk = straight(name, loop.node[0], target, 2.0, t0_ns=loop.now_ns, seq=tick)
        yield _fingerprint(loop.tick(chunk))


def test_two_runs_on_one_gate_do_not_hear_of_each_other():
    alone = [list(_run(PANDA, gate_of(PANDA), seed)) for seed in (1, 2)]
    woven = [[], []]
    for first, second in zip(_run(PANDA, gate_of(PANDA), 1), _run(PANDA, gate_of(PANDA), 2), strict=True):
        woven[0].append(first)
        woven[1].append(second)
    assert woven == alone


_RUN = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.guards.closed_loop import CELLS, gate_of
from tests.guards.test_gate import _run
for name in CELLS:
    print(*_run(name, gate_of(name), 1, ticks=20))
"""


def test_another_process_gives_the_same_bits():
    here = [" ".join(_run(name, gate_of(name), 1, ticks=20)) for name in CELLS]
    there = subprocess.check_output([sys.executable, "-c", _RUN, str(ROOT)], text=True)
    assert there.splitlines() == here


def test_a_gate_built_anew_gives_the_same_bits():
    fresh = gate_with(PANDA)
    assert list(_run(PANDA, fresh, 3, ticks=20)) == list(_run(PANDA, gate_of(PANDA), 3, ticks=20))


def test_the_command_carries_the_digest_of_its_certificate_and_the_certificate_that_of_the_motion():
    given = _creep(PANDA)
    output = gate_of(PANDA).decide(replace(given, seq=7, epoch=3, lateness_ns=5))
    command, certificate = output.command, output.certificate
    assert command.certificate == certificate.digest
    motion = command.start.tobytes() + command.end.tobytes() + command.tail.tobytes()
    assert certificate.motion == hashlib.sha256(motion).hexdigest()
    assert (certificate.seq, certificate.epoch, certificate.stamp_ns) == (7, 3, NOW_NS)
    assert (command.seq, command.epoch, command.stamp_ns, command.period_s) == (7, 3, NOW_NS, 0.01)
    assert certificate.lateness_ns == 5
    assert certificate.chunk == given.chunk.digest
    assert certificate.model == body_of(PANDA).sha256
    assert certificate.stop_time_s == pytest.approx(0.01 * len(command.tail))


def test_the_certificate_tells_inputs_apart():
    given = _creep(PANDA)
    objects = given.scene.objects
    moved = (*objects[:-1], replace(objects[-1], max_speed_m_s=0.2500000001))
    variants = [
        given,
        replace(given, seq=1),
        replace(given, epoch=2),
        replace(given, lateness_ns=1),
        replace(given, scene=replace(given.scene, objects=moved)),
        replace(given, phase=replace(IDLE, task_id="t2")),
        replace(given, chunk=replace(given.chunk, seq=1)),
    ]
    digests = [gate_of(PANDA).decide(v).command.certificate for v in variants]
    assert len(set(digests)) == len(digests)


def test_a_gripper_that_may_not_open_is_left_alone_and_the_arm_goes_on():
    given = _creep(PANDA)
    held = replace(IDLE, gripper_may_open=False, maybe_held=None)
    wide = replace(given, phase=held, chunk=chunk_of(PANDA, given.chunk.samples[0, :, :7], width_m=0.07))
    output = gate_of(PANDA).decide(wide)
    assert output.command.gripper is None
    assert (output.verdict.decision, output.verdict.guard) == (Decision.MODIFY, Family.GRIPPER)
    assert output.verdict.rung is Rung.AS_PROPOSED
    tight = replace(given, phase=held, chunk=chunk_of(PANDA, given.chunk.samples[0, :, :7], width_m=0.0))
    assert gate_of(PANDA).decide(tight).command.gripper.width_m == 0.0


def test_verdict_and_command_cannot_be_changed_afterwards():
    output = gate_of(PANDA).decide(_creep(PANDA))
    for array in (output.verdict.before, output.verdict.after, output.command.end, output.command.tail):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0.0


def test_nobody_else_mints_a_command():
    output = gate_of(PANDA).decide(_creep(PANDA))
    with pytest.raises(PermissionError):
        replace(output.command, seq=2, mint=object())
    assert isinstance(output.command, GuardedCommand)


def test_refuses_to_be_built_for_another_body():
    with pytest.raises(BadInputError, match="embodiment"):
        Gate(body_of(PANDA), embodiment_of(XARM), cell_of(PANDA).gate_config())


def test_nothing_that_numpy_warns_of_becomes_an_exception():
    given = _creep(PANDA)
    huge = node_at_rest(np.full(7, 1e200))
    with np.errstate(all="raise"):
        output = gate_of(PANDA).decide(ask(PANDA, huge, given.chunk, given.scene))
    assert output.command is None
