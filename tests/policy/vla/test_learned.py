from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("pybullet")

from interlock.errors import BadInputError, CheckpointError, GoalError, RefusedError, ShapeError
from interlock.hal.frame import Frame
from interlock.hal.provenance import CODE
from interlock.orchestrator import session
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.demo_run import cell_in_space
from interlock.orchestrator.progress import SilentProgress
from interlock.orchestrator.request import RunRequest
from interlock.policy.executed import Executed, MotionKind
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.observation import Observation, TaskView
from interlock.policy.policy import PolicyContext
from interlock.policy.proprioception import state_names
from interlock.policy.registry import create
from interlock.policy.stream.chunk_model import ChunkModel
from interlock.policy.uncertainty.calibration import Played
from interlock.policy.uncertainty.features import Features
from interlock.policy.uncertainty.fit import fit_calibration
from interlock.policy.uncertainty.recorded_model import RecordedModel
from interlock.policy.vla import learned
from interlock.policy.vla.checkpoint import Checkpoint
from interlock.policy.vla.instruction import instruction_of
from interlock.policy.vla.learned import LearnedPolicy
from interlock.policy.vla.learned_model import LearnedModel
from interlock.policy.vla.learned_options import LearnedOptions
from interlock.policy.vla.model import QwenVla
from interlock.policy.vla.preset import preset
from interlock.policy.vla.prompt import write_prompt
from interlock.policy.vla.relation import PAST_S, tool_vector
from interlock.policy.vla.statistics import BodyStatistics, StateName, Statistics
from interlock.policy.vla.tokenizer import VlaTokenizer

STEP = "pick up the red block"


@cache
def cell_of(name: str) -> Cell:
    return cell_in_space(name, "tool_delta")


@pytest.fixture(scope="module", params=["smoke", "tiny-scene"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that looks through cameras, or one that knows the scene without."""
    return drawn(request.param, tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that looks through cameras."""
    return drawn("smoke", tmp_path_factory.mktemp("seeing"))


def drawn(name: str, folder: Path) -> Path:
    """A checkpoint in the preset's shape: weights drawn at random, statistics of the Panda."""
    config = preset(name)
    body = cell_of("panda_tabletop").embodiment()
    generator = np.random.default_rng(0)
    reach = np.array([0.05] * 3 + [0.1] * 3 + [0.03])
    names = state_names((f"panda_joint{k}" for k in range(1, 8)), has_gripper=True)
    statistics = BodyStatistics.measure(
        body,
        reach * generator.uniform(-1.0, 1.0, (200, 7)) + [0, 0, 0, 0, 0, 0, 0.04],
        generator.uniform(-1.0, 1.0, (200, 17)),
        tuple(StateName(name=name, unit="1") for name in names),
        {},
    )
    torch.manual_seed(0)
    model = QwenVla(config)
    with torch.no_grad():  # the last layers begin at 0, and would say the same to everything
        for parameter in model.decoder.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    prompts = [write_prompt(body, instruction_of(STEP, "approach"))]
    Checkpoint(
        model=model,
        statistics=Statistics(bodies=(statistics,)),
        tokenizer=VlaTokenizer.train(prompts, config),
        card="# test",
        sha256={},
    ).save(folder)
    return folder


def context_for(folder: Path, name: str = "panda_tabletop", seed: int = 3, **options: Any) -> PolicyContext:
    cell = cell_of(name)
    return PolicyContext(
        robot=cell.robot_spec(),
        embodiment=cell.embodiment(),
        seed=seed,
        options={"checkpoint": str(folder)} | options,
        cameras=cell.cameras(),
    )


def observation(cell: Cell, roles: tuple[str, ...] = ("base", "wrist"), red: int = 200) -> Observation:
    from interlock.hal.scene import Scene
    from interlock.hal.state import GripperState, RobotState

    home, still = cell.robot_spec().home, np.zeros(cell.robot_spec().dof)
    picture = np.full((128, 128, 3), 90, np.uint8)
    picture[40:60, 40:60] = (red, 30, 30)
    return Observation(
        stamp_ns=1_000_000_000,
        state=RobotState(
            stamp_ns=1_000_000_000,
            q=home,
            v=still,
            q_commanded=home,
            v_commanded=still,
            a_commanded=still,
            gripper=GripperState(width_m=0.07, force_n=0.0),
            standstill=True,
        ),
        scene=Scene(stamp_ns=1_000_000_000, objects=cell.scene_objects(0)),
        frames=tuple(Frame(camera=role, stamp_ns=0, rgb=picture, role=role) for role in roles),
        task=TaskView(
            task_id="t1",
            skill="pick",
            arguments={"object": "red_block"},
            phase="approach",
            instruction="put the red block in the tray",
            target_in_world=None,
            step=STEP,
        ),
    )


def test_same_seed_and_observation_give_the_same_chunk_and_another_seed_another(folder: Path) -> None:
    seen = observation(cell_of("panda_tabletop"))
    one, same, other = (create("vla", context_for(folder, seed=seed)) for seed in (3, 3, 4))
    chunks = [policy.propose(seen) for policy in (one, same, other)]
    assert chunks[0] is not None
    assert chunks[1] is not None
    assert chunks[2] is not None
    assert chunks[0].digest == chunks[1].digest
    assert (chunks[0].samples != chunks[2].samples).any()


def test_chunk_is_in_the_cells_channels_and_says_where_it_comes_from(folder: Path) -> None:
    cell = cell_of("panda_tabletop")
    chunk = create("vla", context_for(folder, stream={"samples": 3})).propose(observation(cell))
    assert chunk is not None
    assert chunk.samples.shape == (3, 16, 7)
    assert chunk.embodiment == cell.embodiment().fingerprint
    assert chunk.anchor == pytest.approx(
        ToolKinematics(cell.robot_spec()).tool_in_world(cell.robot_spec().home)
    )
    weights = Checkpoint.load(folder).sha256["model.safetensors"]
    assert weights[:16] in chunk.provenance.version
    assert chunk.spread is not None
    # Of the arm: a width outside the stroke is moved to its end, and the spread is what the model said.
    np.testing.assert_allclose(chunk.spread[:, :-1], chunk.samples.std(axis=0)[:, :-1], rtol=1e-12)
    colder = create("vla", context_for(folder, temperature=0.5)).propose(observation(cell))
    assert colder is not None
    assert colder.provenance.config_sha256 != chunk.provenance.config_sha256


def test_chunk_names_files_words_steps_code_and_transport(folder: Path) -> None:
    cell = cell_of("panda_tabletop")
    seen = observation(cell)
    task = replace(seen.task, step="push the red block")
    one, same, other = (
        create("vla", context_for(folder, steps=3)).propose(each)
        for each in (seen, seen, replace(seen, task=task))
    )
    assert one is not None
    assert same is not None
    assert other is not None
    origin = one.provenance
    for name in ("config.json", "model.safetensors", "statistics.json", "tokenizer.json"):
        assert dict(origin.files)[name] == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    text = write_prompt(cell.embodiment(), instruction_of(STEP, "approach"))
    assert origin.prompt_sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert (origin.steps, origin.code, origin.transport) == (3, CODE, "inline")
    assert (same.digest, same.provenance) == (one.digest, origin)
    assert replace(other.provenance, prompt_sha256=origin.prompt_sha256) == origin
    assert other.provenance.prompt_sha256 != origin.prompt_sha256
    assert other.digest != one.digest


def test_as_many_steps_are_made_as_are_asked_for(folder: Path) -> None:
    own = Checkpoint.load(folder).config.flow.euler_steps
    said = [
        create("vla", context_for(folder, **options)).propose(observation(cell_of("panda_tabletop")))
        for options in ({}, {"steps": own}, {"steps": own - 1})
    ]
    plain, same, fewer = (each.samples for each in said if each is not None)
    np.testing.assert_array_equal(same, plain)
    assert not np.allclose(fewer, plain, atol=1e-9)


def test_what_is_seen_matters(seeing: Path) -> None:
    cell = cell_of("panda_tabletop")
    chunks = [create("vla", context_for(seeing)).propose(observation(cell, red=red)) for red in (200, 90)]
    assert chunks[0] is not None
    assert chunks[1] is not None
    assert (chunks[0].samples != chunks[1].samples).any()


def test_missing_picture_is_named_and_nothing_is_proposed(seeing: Path) -> None:
    policy = create("vla", context_for(seeing))
    with pytest.raises(RefusedError, match="wrist"):
        policy.propose(observation(cell_of("panda_tabletop"), roles=("base",)))


def test_a_skill_that_it_was_never_taught_is_refused_at_each_question(folder: Path, tmp_path: Path) -> None:
    found = Checkpoint.load(folder)
    bodies = tuple(replace(body, skills=("place", "push")) for body in found.statistics.bodies)
    replace(found, statistics=Statistics(bodies=bodies)).save(tmp_path)
    policy = create("vla", context_for(tmp_path))
    seen = observation(cell_of("panda_tabletop"))
    with pytest.raises(RefusedError, match=r"never taught to pick.*place or to push"):
        policy.propose(seen)
    nobody_knows = replace(seen, task=replace(seen.task, skill=""))
    assert policy.propose(nobody_knows) is not None


def test_another_body_is_refused_when_it_is_loaded(folder: Path) -> None:
    with pytest.raises(CheckpointError, match="not trained with that body"):
        create("vla", context_for(folder, "xarm6_tabletop"))
    context = context_for(folder)
    longer = replace(context, embodiment=replace(context.embodiment, horizon=8))
    with pytest.raises(CheckpointError, match="horizon of 16 steps, not 8"):
        create("vla", longer)


def test_cameras_that_it_was_not_trained_with_are_refused(seeing: Path) -> None:
    context = context_for(seeing)
    wide = tuple(replace(c, width_px=256) if c.role == "wrist" else c for c in context.cameras)
    with pytest.raises(CheckpointError, match=r"cameras\.wrist.*128"):
        create("vla", replace(context, cameras=wide))
    with pytest.raises(CheckpointError, match="needs a camera"):
        create("vla", replace(context, cameras=()))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mood": 1}, "mood"),
        ({"steps": 0}, "steps"),
        ({"temperature": "hot"}, "temperature"),
        ({"threads": True}, "threads"),
        ({"checkpoint": 7}, "checkpoint"),
        ({"checkpoint": "/nowhere/at/all"}, "no such folder"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_options_that_cannot_be_used_are_named(folder: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        create("vla", context_for(folder, **options))


def test_a_pace_so_slow_that_the_gate_would_take_no_chunk_is_refused_when_it_is_loaded() -> None:
    learned._check_pace(0.1, 10.0)
    with pytest.raises(BadInputError, match=r"uncertainty\.pace.*0\.2 or more"):
        learned._check_pace(0.1, 5.0)


def test_gripper_goes_on_from_the_width_that_was_asked_for_last(
    seeing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_for(seeing)
    model = LearnedModel(context, LearnedOptions.read(context.options))
    seen = observation(cell_of("panda_tabletop"))
    opens = np.linspace(0.0, 0.06, 16)
    body = type(model._body)
    monkeypatch.setattr(
        body, "unscale_actions", lambda self, numbers: np.dstack([0.1 + 0.0 * numbers[..., :-1], opens])
    )
    asked = Executed(
        stamps_ns=np.array([seen.stamp_ns - 1, seen.stamp_ns]),
        q=np.tile(context.robot.home, (2, 1)),
        widths_m=np.array([0.0, opens[5]]),
        kinds=[MotionKind.PROPOSED] * 2,
    )
    for executed, first in ((asked, 5), (replace(asked, widths_m=None), 0)):
        draft = model.infer(replace(seen, executed=executed), None, 1, 0)
        assert draft is not None
        assert draft.samples[0, : 16 - first, -1].tolist() == opens[first:].tolist()
        assert draft.samples[0, -1, -1] == opens[-1]


def stood(seen: Observation, kind: MotionKind) -> Observation:
    """The same, after 0.6 s in which nothing moved."""
    stamps_ns = seen.stamp_ns - 10_000_000 * np.arange(60, 0, -1)
    q = np.tile(seen.state.q_commanded, (60, 1))
    return replace(seen, executed=Executed(stamps_ns=stamps_ns, q=q, kinds=[kind] * 60))


def test_the_little_that_is_missing_is_played_once_the_arm_has_stood(
    seeing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_for(seeing)
    model = LearnedModel(context, LearnedOptions.read(context.options))
    seen = observation(cell_of("panda_tabletop"))
    monkeypatch.setattr(type(model._body), "unscale_actions", lambda self, numbers: 2.0**-10 + 0.0 * numbers)
    moved = {}
    for when, asked in (("at once", seen), ("stood", stood(seen, MotionKind.PROPOSED))):
        draft = model.infer(asked, None, 1, 0)
        assert draft is not None
        moved[when] = draft.samples[0, :, :6]
    assert not moved["at once"].any()
    assert (moved["stood"] == 2.0**-10).all()


def test_what_starts_from_no_noise_is_not_refused_the_same_for_ever(seeing: Path) -> None:
    context = context_for(seeing, temperature=0.0)
    model = LearnedModel(context, LearnedOptions.read(context.options))
    seen = observation(cell_of("panda_tabletop"))

    def same(asked: Observation) -> bool:
        one, other = (model.infer(asked, None, 1, seed) for seed in (0, 1))
        assert one is not None
        assert other is not None
        return bool((one.samples == other.samples).all())

    assert same(seen)
    assert same(stood(seen, MotionKind.PROPOSED))
    assert not same(stood(seen, MotionKind.STOPPING))


@pytest.mark.parametrize("known_s", [0.05, 0.5])
def test_the_way_of_the_tool_is_that_commanded_in_the_time_that_is_known(
    seeing: Path, known_s: float
) -> None:
    context = context_for(seeing)
    model = LearnedModel(context, LearnedOptions.read(context.options))
    seen, dof = observation(cell_of("panda_tabletop")), context.robot.dof
    ages_s = np.arange(round(known_s * 100), -1, -1) / 100.0
    path = context.robot.home - 0.3 * ages_s[:, None] * np.linspace(-1.0, 1.0, dof)
    executed = Executed(
        stamps_ns=seen.stamp_ns - np.round(ages_s * 1e9).astype(np.int64),
        q=path,
        kinds=[MotionKind.PROPOSED] * len(path),
    )
    told = model._tool(replace(seen, executed=executed))
    kinematics = ToolKinematics(context.robot)
    then = context.robot.home - 0.3 * min(known_s, PAST_S) * np.linspace(-1.0, 1.0, dof)
    here, there = (kinematics.tool_in_world(q) for q in (context.robot.home, then))
    wanted = tool_vector(
        np.linalg.inv(context.robot.base_in_world) @ here,
        context.robot.base_in_world[:3, :3].T @ (here - there)[:3, 3],
    )
    assert told == pytest.approx(wanted, abs=1e-9)
    assert model._tool(seen)[-3:].tolist() == [0.0, 0.0, 0.0]  # nothing is known of it, and it stands
    moving = replace(seen.state, v_commanded=0.3 * np.linspace(-1.0, 1.0, dof))
    if known_s >= PAST_S:
        assert model._tool(replace(seen, state=moving)) == pytest.approx(wanted, abs=1e-9)


def test_a_state_of_other_numbers_or_in_another_order_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "copy" / "SHA256SUMS").unlink()
    path = tmp_path / "copy" / "statistics.json"
    data = json.loads(path.read_text())
    (entry,) = data["bodies"].values()
    entry["state"][10:12] = entry["state"][11:9:-1]
    path.write_text(json.dumps(data))
    with pytest.raises(CheckpointError, match=r"statistics\.state.*another order"):
        create("vla", context_for(tmp_path / "copy"))


def test_an_instruction_of_100_kB_is_refused_and_the_next_one_is_not(folder: Path) -> None:
    seen = observation(cell_of("panda_tabletop"))
    policy = create("vla", context_for(folder))
    with pytest.raises(GoalError, match="400 characters"):
        policy.propose(replace(seen, task=replace(seen.task, step="pick it up " * 10_000)))
    assert policy.propose(seen) is not None


def test_a_picture_of_another_size_is_refused(seeing: Path) -> None:
    seen = observation(cell_of("panda_tabletop"))
    policy = create("vla", context_for(seeing))
    small = tuple(replace(frame, rgb=frame.rgb[:64, :64]) for frame in seen.frames)
    with pytest.raises(ShapeError, match=r"observed\.pictures\.base"):
        policy.propose(replace(seen, frames=small))


def test_what_is_not_finite_is_no_chunk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = create("vla", context_for(folder))
    integrate = QwenVla.integrate

    def broken(*told: Any, **more: Any) -> torch.Tensor:
        numbers = integrate(*told, **more).clone()
        numbers[0, 0, 3, 1] = torch.nan
        return numbers

    monkeypatch.setattr(QwenVla, "integrate", broken)
    with pytest.raises(RefusedError, match="not finite"):
        policy.propose(observation(cell_of("panda_tabletop")))


def test_untrained_weights_move_nothing_into_anything(folder: Path, tmp_path: Path) -> None:
    cell = cell_of("panda_tabletop")
    (tmp_path / "out").mkdir()
    request = RunRequest(
        goal="put the red block in the tray",
        cell=cell,
        policy="vla",
        seed=1,
        real_time=False,
        gui=False,
        out=tmp_path / "out",
        state_dir=tmp_path / "state",
        cameras=False,
        max_sim_time_s=1.5,
        report=False,
    )
    summary = session.run(
        request,
        SilentProgress(),
        make_policy=lambda given: create("vla", replace(given, options={"checkpoint": str(folder)})),
    )
    assert summary.referee.contacts == 0
    assert summary.referee.limit_violations == 0
    assert summary.path_length_rad > 0.0


def asked_by(folder: Path, names: tuple[str, ...], seed: int) -> list[Features]:
    """Two questions of a made-up rollout, about blocks of different shades."""
    recorded: list[RecordedModel] = []

    def record(model: ChunkModel) -> ChunkModel:
        recorded.append(RecordedModel(model, 4))
        return recorded[-1]

    policy = LearnedPolicy(context_for(folder, seed=seed), record)
    for k in range(2):
        seen = observation(cell_of("panda_tabletop"), names, red=100 + 7 * seed + 3 * k)
        home = seen.state.q
        policy.propose(replace(seen, state=replace(seen.state, q=home + 0.01 * (seed + 3 * k))))
    return [question.features for question in recorded[0].questions]


def test_a_calibration_is_used_for_the_weights_it_was_made_for_and_refused_for_others(
    folder: Path, tmp_path: Path
) -> None:
    alone = LearnedPolicy(context_for(folder))
    roles = tuple(sorted(alone.roles))
    assert alone.uncertainty is None
    made = fit_calibration(
        [asked_by(folder, roles, seed) for seed in range(7)],
        alone.made_for,
        Played(cell="", variation=(), goals=(), moved_by="vla", episodes=7, seeds=(), fitted=0),
        samples=4,
        slow_share=0.5,
        doubt_share=0.4,
    )
    watched_folder = tmp_path / "checkpoint"
    shutil.copytree(folder, watched_folder)
    replace(made, slow=1e6, doubt=1e6).save(watched_folder / "calibration.json")
    policy = LearnedPolicy(context_for(watched_folder))
    seen = observation(cell_of("panda_tabletop"), roles, red=120)
    chunk = policy.propose(seen)
    plain = LearnedPolicy(context_for(folder, stream={"samples": 4})).propose(seen)
    assert chunk is not None
    assert plain is not None
    assert policy.uncertainty is not None
    assert policy.uncertainty.counts["trust"] == 1
    np.testing.assert_array_equal(chunk.samples, plain.samples[:1])
    assert chunk.provenance.config_sha256 != plain.provenance.config_sha256
    assert LearnedPolicy(context_for(watched_folder, uncertainty={"use": False})).uncertainty is None
    with pytest.raises(CheckpointError, match="sampling"):
        LearnedPolicy(context_for(watched_folder, temperature=0.5))
    with pytest.raises(ShapeError, match=r"stream\.samples"):
        LearnedPolicy(context_for(watched_folder, stream={"samples": 5}))
    statistics = watched_folder / "statistics.json"
    as_it_was = statistics.read_text()
    data = json.loads(as_it_was)
    for scale in next(iter(data["bodies"].values()))["action"]:
        scale["q99"] += 0.01
    statistics.write_text(json.dumps(data))
    (watched_folder / "SHA256SUMS").unlink()
    with pytest.raises(CheckpointError, match="files_sha256"):
        LearnedPolicy(context_for(watched_folder))
    statistics.write_text(as_it_was)
    body = replace(made, made_for=replace(made.made_for, embodiment="0" * 64))
    body.save(watched_folder / "calibration.json")
    of_another = LearnedPolicy(context_for(watched_folder))  # another body of this checkpoint
    assert of_another.uncertainty is None
    named = {"calibration": str(watched_folder / "calibration.json")}
    with pytest.raises(CheckpointError, match="embodiment"):
        LearnedPolicy(context_for(watched_folder, uncertainty=named))
    other = replace(made, made_for=replace(made.made_for, weights_sha256="0" * 64))
    other.save(watched_folder / "calibration.json")
    with pytest.raises(CheckpointError, match="weights_sha256"):
        create("vla", context_for(watched_folder))
