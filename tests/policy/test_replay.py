"""Saving chunks and playing them again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interlock.errors import BadInputError, StorageError
from interlock.hal.chunk import ActionChunk, Provenance
from interlock.hal.robot import RobotSpec
from interlock.policy.policy import PolicyContext
from interlock.policy.replay import ReplayPolicy, save_chunks
from interlock.policy.scripted import ScriptedPolicy

MakeContext = Callable[..., PolicyContext]


def chunk_at(context: PolicyContext, seq: int, t0_ns: int, value: float = 0.5) -> ActionChunk:
    return ActionChunk(
        seq=seq,
        embodiment=context.embodiment.fingerprint,
        samples=np.full((1, context.embodiment.horizon, len(context.embodiment.channels)), value),
        t_obs_ns=t0_ns,
        t_ready_ns=t0_ns,
        t0_ns=t0_ns,
        dt_s=0.04,
        provenance=Provenance(policy="test", version="1", config_sha256="0" * 64, seed=3),
    )


def test_plays_what_was_saved_bit_for_bit(
    panda: RobotSpec, playback: Any, context_of: MakeContext, cell_of: Any, task_view: Any, tmp_path: Path
) -> None:
    context, task = context_of(panda), task_view("reach", "move", (0.4, 0.2, 0.3))
    first = playback(panda, ScriptedPolicy(context), cell_of(panda))
    for _ in range(12):
        first.step(task)
    save_chunks(tmp_path / "run.jsonl", context.embodiment, first.chunks)
    again = playback(panda, ReplayPolicy(context_of(panda, path=str(tmp_path / "run.jsonl"))), cell_of(panda))
    for _ in range(12):
        again.step(task)
    assert [c.samples.tobytes() for c in again.chunks] == [c.samples.tobytes() for c in first.chunks]
    assert again.q.tobytes() == first.q.tobytes()


def test_stamps_to_now_waits_between_chunks_and_at_the_end(
    panda: RobotSpec, playback: Any, context_of: MakeContext, cell_of: Any, task_view: Any, tmp_path: Path
) -> None:
    context, path = context_of(panda), tmp_path / "run.jsonl"
    save_chunks(
        path, context.embodiment, [chunk_at(context, 0, 7_000_000_000), chunk_at(context, 1, 7_400_000_000)]
    )
    policy = ReplayPolicy(context_of(panda, path=str(path)))
    world = playback(panda, policy, cell_of(panda))
    world.now_ns = 1_000_000_000
    given = []
    for _ in range(5):
        chunk = policy.propose(world.observe(task_view("home", "move")))
        given.append(
            None if chunk is None else (chunk.seq, chunk.t0_ns - world.now_ns, chunk.t_obs_ns - world.now_ns)
        )
        world.now_ns += 160_000_000
    assert given == [(0, 0, 0), None, None, (1, 0, 0), None]
    policy.reset()
    assert policy.propose(world.observe(task_view("home", "move"))) is not None


def test_passes_nan_on_for_the_guards_to_judge(
    panda: RobotSpec, context_of: MakeContext, tmp_path: Path
) -> None:
    context, path = context_of(panda), tmp_path / "run.jsonl"
    save_chunks(path, context.embodiment, [chunk_at(context, 0, 0, float("nan"))])
    assert np.isnan(ReplayPolicy(context_of(panda, path=str(path)))._chunks[0].samples).all()


def test_names_both_embodiments_when_they_differ(
    panda: RobotSpec, context_of: MakeContext, tmp_path: Path
) -> None:
    context, path = context_of(panda), tmp_path / "run.jsonl"
    save_chunks(path, context.embodiment, [chunk_at(context, 0, 0)])
    other = replace(context.embodiment, horizon=8)
    with pytest.raises(BadInputError) as caught:
        ReplayPolicy(replace(context, embodiment=other, options={"path": str(path)}))
    assert other.fingerprint[:12] in caught.value.message
    assert context.embodiment.fingerprint[:12] in caught.value.message
    assert caught.value.mend


def test_does_not_save_a_chunk_of_another_embodiment(
    panda: RobotSpec, context_of: MakeContext, tmp_path: Path
) -> None:
    context = context_of(panda)
    with pytest.raises(BadInputError, match="another embodiment"):
        save_chunks(tmp_path / "run.jsonl", replace(context.embodiment, horizon=8), [chunk_at(context, 0, 0)])


def header(context: PolicyContext) -> str:
    return json.dumps(
        {"format": "interlock-chunks/1", "embodiment": context.embodiment.fingerprint, "tag": "x"}
    )


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (lambda c: b"", "line 1"),
        (lambda c: b"\xff\xfe\x00", "line 1"),
        (lambda c: b"not json\n", "line 1"),
        (lambda c: b"[1, 2]\n", "line 1"),
        (lambda c: b'{"format": "something else"}\n', "line 1"),
        (lambda c: header(c).encode(), "holds no chunk"),
        (lambda c: (header(c) + "\n{}\n").encode(), "line 2"),
        (lambda c: (header(c) + '\n{"seq": 0, "samp').encode(), "line 2"),
    ],
)
def test_refuses_a_file_that_is_no_chunk_file(
    panda: RobotSpec,
    context_of: MakeContext,
    tmp_path: Path,
    body: Callable[[PolicyContext], bytes],
    complaint: str,
) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(body(context_of(panda)))
    with pytest.raises(BadInputError, match=complaint) as caught:
        ReplayPolicy(context_of(panda, path=str(path)))
    assert str(path) in caught.value.message
    assert caught.value.mend


def test_refuses_a_chunk_of_another_shape(panda: RobotSpec, context_of: MakeContext, tmp_path: Path) -> None:
    context, path = context_of(panda), tmp_path / "run.jsonl"
    save_chunks(path, context.embodiment, [replace(chunk_at(context, 0, 0), samples=np.zeros((1, 4, 8)))])
    with pytest.raises(BadInputError, match="line 2"):
        ReplayPolicy(context_of(panda, path=str(path)))


def test_refuses_a_missing_file_and_an_unwritable_folder(
    panda: RobotSpec, context_of: MakeContext, tmp_path: Path
) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        ReplayPolicy(context_of(panda, path=str(tmp_path / "none.jsonl")))
    context = context_of(panda)
    with pytest.raises(StorageError, match="cannot be written"):
        save_chunks(tmp_path / "none" / "run.jsonl", context.embodiment, [])


@pytest.mark.parametrize("options", [{}, {"path": 3}, {"path": "x", "speed": 2}])
def test_refuses_options_other_than_a_path(
    panda: RobotSpec, context_of: MakeContext, options: dict[str, Any]
) -> None:
    with pytest.raises(BadInputError, match="path"):
        ReplayPolicy(context_of(panda, **options))
