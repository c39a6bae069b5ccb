"""Messages are plain: values that survive a pipe, in arrays of their own that nobody can change."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from interlock.errors import ShapeError
from interlock.hal.driver import StopCategory
from interlock.hal.phase import AllowedContact, Phase
from interlock.orchestrator.messages import ChunkMessage, PhaseMessage, SentCommand, StopMessage

PHASE = Phase(
    task_id="t1",
    skill="pick",
    name="grasp",
    allowed=(AllowedContact(link="finger", other="block"),),
    expires_ns=7,
    held=None,
    maybe_held="block",
    max_force_n=20.0,
)
PLAIN = [PhaseMessage(phase=PHASE), *(StopMessage(category=c, cause="the cat") for c in StopCategory)]


def sent(**fields: Any) -> SentCommand:
    told: dict[str, Any] = {
        "seq": 4,
        "epoch": 2,
        "stamp_ns": 10**7,
        "period_s": 0.01,
        "start": np.zeros((3, 7)),
        "end": np.ones((3, 7)),
        "tail": np.zeros((5, 3, 7)),
        "gripper": None,
        "certificate": "ab" * 32,
    }
    return SentCommand(**told | fields)


@pytest.mark.parametrize("message", PLAIN, ids=lambda m: f"{type(m).__name__} {getattr(m, 'category', '')}")
def test_a_message_survives_a_pipe(message: object) -> None:
    assert pickle.loads(pickle.dumps(message)) == message


def test_a_chunk_survives_a_pipe_with_its_digest(robot: Any) -> None:
    message = ChunkMessage(chunk=robot.chunk(towards=0.1))
    again = pickle.loads(pickle.dumps(message))
    assert again.chunk.digest == message.chunk.digest
    assert np.array_equal(again.chunk.samples, message.chunk.samples)
    assert again.chunk.provenance == message.chunk.provenance


def test_a_sent_command_survives_a_pipe() -> None:
    again = pickle.loads(pickle.dumps(sent()))
    assert all(np.array_equal(getattr(again, n), getattr(sent(), n)) for n in ("start", "end", "tail"))
    assert (again.seq, again.epoch, again.certificate) == (4, 2, "ab" * 32)


def test_a_sent_command_keeps_arrays_of_its_own(
    arrays_in: Callable[[object], list[np.ndarray]],
) -> None:
    given = {"start": np.zeros((3, 7)), "end": np.zeros((3, 7)), "tail": np.zeros((2, 3, 7))}
    kept = arrays_in(sent(**given))
    assert not any(np.shares_memory(one, two) for one in kept for two in given.values())
    assert not any(array.flags.writeable for array in kept)


@pytest.mark.parametrize(("name", "shape"), [("start", (2, 7)), ("end", (3,)), ("tail", (3, 7))])
def test_a_sent_command_of_another_shape_raises(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=name):
        sent(**{name: np.zeros(shape)})
