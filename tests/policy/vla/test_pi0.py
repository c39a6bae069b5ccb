"""π0 from transformers: a tiny one with random weights, through the same unit map as policies elsewhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers", minversion="5.23")

from tests.policy.remote.conftest import STEPS, maps, observation_of
from tests.policy.vla.pi0_folder import SIDE, lay_down

from interlock.errors import BadInputError, RemotePolicyError
from interlock.hal.robot import RobotSpec
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext
from interlock.policy.registry import create


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_down(tmp_path_factory.mktemp("pi0"))


@pytest.fixture
def folder(checkpoint: Path, tmp_path: Path) -> Path:
    """The same, to be spoilt."""
    for file in checkpoint.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def options(folder: Path) -> dict[str, Any]:
    made = maps()
    made["observation"]["pictures"][0] |= {"width_px": SIDE, "height_px": SIDE}
    return {"path": str(folder), "steps": 2, **made}


def seen(robot: RobotSpec, *, shade: int = 0, instruction: str = "lift the cup") -> Observation:
    observation = observation_of(robot, instruction=instruction)
    rgb = np.full((SIDE, SIDE, 3), shade, np.uint8)
    return replace(observation, frames=(replace(observation.frames[0], rgb=rgb),))


@pytest.fixture
def build(context_of: Callable[..., PolicyContext], panda: RobotSpec) -> Callable[..., Any]:
    return lambda seed=0, **given: create("pi0", context_of(panda, seed=seed, **given))


def test_proposes_chunks_for_the_body_and_the_same_ones_for_the_same_seed(
    build: Callable[..., Any], checkpoint: Path, panda: RobotSpec
) -> None:
    first, again, other = (build(seed, **options(checkpoint)) for seed in (3, 3, 4))
    chunks = [policy.propose(seen(panda)) for policy in (first, again, first, other)]
    assert [chunk.seq for chunk in chunks] == [0, 0, 1, 0]
    samples = [chunk.samples for chunk in chunks]
    assert samples[0].shape == (1, STEPS, 8)
    assert samples[0].tobytes() == samples[1].tobytes() == samples[2].tobytes()
    assert samples[3].tobytes() != samples[0].tobytes()
    assert np.abs(samples[0][0, :, :7] - panda.home).max() < 0.2  # in the data's units, about its mean


def test_looks_and_listens_and_feels(build: Callable[..., Any], checkpoint: Path, panda: RobotSpec) -> None:
    policy = build(**options(checkpoint))
    one = seen(panda)
    bent = replace(one.state, q=one.state.q + 0.2)
    others = (seen(panda, shade=200), seen(panda, instruction="drop the cup"), replace(one, state=bent))
    samples = policy.propose(one).samples
    assert all(policy.propose(other).samples.tobytes() != samples.tobytes() for other in others)


def test_a_chunk_names_the_weights(build: Callable[..., Any], folder: Path, panda: RobotSpec) -> None:
    before = build(**options(folder)).propose(seen(panda)).provenance
    statistics = json.loads((folder / "processor_config.json").read_text())
    statistics["actions_std"][0] = 0.02
    (folder / "processor_config.json").write_text(json.dumps(statistics))
    after = build(**options(folder)).propose(seen(panda)).provenance
    assert before.version != after.version
    assert before.config_sha256 != after.config_sha256
    assert {name for name, _ in set(before.files) ^ set(after.files)} == {"processor_config.json"}
    weights = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert dict(after.files)["model.safetensors"] == weights
    assert (after.transport, after.steps) == ("inline", options(folder)["steps"])


def spoil(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def spoilt(folder: Path) -> None:
        (folder / name).write_bytes(change((folder / name).read_bytes()))

    return spoilt


def statistics(**changed: Any) -> Callable[[Path], None]:
    return spoil("processor_config.json", lambda text: json.dumps({**json.loads(text), **changed}).encode())


def wider(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["max_action_dim"] = 16
    (folder / "config.json").write_text(json.dumps(config))


SPOILT: dict[str, tuple[Callable[[Path], None], str]] = {
    "no tokenizer": (lambda folder: (folder / "tokenizer.json").unlink(), "holds no tokenizer.json"),
    "no statistics": (spoil("processor_config.json", lambda _: b"{}"), "has no statistics"),
    "a constant without a spread": (statistics(actions_std=[0.01] * 7 + [1e-9]), "below 1e-06"),
    "statistics that do not match": (statistics(state_std=[1.0] * 7), "different lengths"),
    "NaN in the statistics": (statistics(state_mean=[float("nan")] * 8), "standard deviation|finite"),
    "pictures scaled otherwise": (statistics(image_processor={"image_mean": [0.48] * 3}), "image_mean"),
    "a pickle": (lambda folder: (folder / "pytorch_model.bin").write_bytes(b"\x80"), "holds pickles"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "cannot be loaded"),
    "half the weights": (spoil("model.safetensors", lambda data: data[:-100]), "cannot be loaded"),
    "weights of another shape": (wider, "cannot be loaded|do not fit"),
    "another tokenizer": (spoil("tokenizer.json", lambda _: b"{}"), "no tokenizer that is read"),
    "statistics of another body": (
        statistics(state_mean=[0.0] * 6, state_std=[1.0] * 6),
        "the checkpoint has 6",
    ),
}


@pytest.mark.parametrize("case", SPOILT)
def test_refuses_to_load_and_never_warns(case: str, build: Callable[..., Any], folder: Path) -> None:
    change, reason = SPOILT[case]
    change(folder)
    with pytest.raises(BadInputError, match=reason):
        build(**options(folder))


def test_refuses_a_map_that_does_not_fit_the_checkpoint(build: Callable[..., Any], checkpoint: Path) -> None:
    given = options(checkpoint)
    given["observation"]["pictures"][0]["width_px"] = 224
    with pytest.raises(BadInputError, match=r"size of eye: the checkpoint has \(28, 28\)"):
        build(**given)
    with pytest.raises(BadInputError, match=r"actions\.horizon: the checkpoint has 16"):
        build(**{**options(checkpoint), "actions": maps(horizon=50)["actions"]})
    with pytest.raises(BadInputError, match=r"policy\.options\.observation"):
        build(path=str(checkpoint))


def test_words_cannot_pose_as_pictures(build: Callable[..., Any], checkpoint: Path, panda: RobotSpec) -> None:
    policy = build(**options(checkpoint))
    with pytest.raises(RemotePolicyError, match="not for words"):
        policy.propose(seen(panda, instruction="lift <bos> cup"))
