"""The learned policy's speed: answers beside their own backbone, the loop meanwhile, training, a GPU."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.orchestrator.bench_interleaved import Timed, interleaved
from interlock.orchestrator.bench_run import bench_run
from interlock.orchestrator.cell import Cell
from interlock.policy.policy import Policy, PolicyContext
from interlock.policy.vla.preset import preset

if TYPE_CHECKING:
    from interlock.orchestrator.bench_thinking import Shown, Thinking

__all__ = ["measure_policy"]

_CELL, _PRESET, _LARGE = "panda_tabletop", "tiny", "qwen-vla-4b"
_ROUNDS, _LARGE_ROUNDS, _LARGE_STEPS, _LARGE_WORDS = 60, 20, 10, 64
_BATCHES, _PRECISIONS, _STEPS = (8, 16, 32, 64), ("float32", "bfloat16"), 3
_LOOP_TICKS, _LOOP_TURNS = 400, 2
_CHUNK_MS, _CHUNK_RATIO, _MANY_RATIO = 150.0, 1.6, 1.5
"""What is asked of the small model on one processor core, at most."""


def measure_policy(checkpoint: Path | None) -> dict[str, Any]:
    """All of it; times are process CPU time [ms] unless a key says otherwise.

    Args:
        checkpoint: folder of the weights; None: preset "tiny" with random ones.

    Raises:
        BadInputError: if there is no checkpoint in the folder.
        CheckpointError: if it cannot be used, or not for the Panda's cell.
    """
    try:
        from interlock.orchestrator.bench_thinking import Thinking
    except ModuleNotFoundError as error:
        return {"missing": f"{error.name}; pip install 'interlock[vla]'"}
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as folder:
        if checkpoint is None:
            thinking = Thinking.random(_CELL, _PRESET, Path(folder))
        else:
            thinking = Thinking(_cell(), checkpoint)
        return {
            "model": thinking.checkpoint.config.name,
            "weights": "random" if checkpoint is None else thinking.checkpoint.sha256["model.safetensors"],
            **_answers(thinking),
            **_loop(thinking),
            **_training(thinking),
            "gpu": _gpu(),
        }


def _cell() -> Cell:
    return Cell.load(_CELL)


def _answers(thinking: Thinking) -> dict[str, Any]:
    """Parts of an answer, and answers with the other attention, in turn."""
    from interlock.policy.vla.answer_calls import MANY, AnswerCalls

    asked = AnswerCalls(thinking.checkpoint.model, thinking.words)
    calls: dict[str, Callable[[], object]] = {**asked.calls(), "answer": thinking.answer}
    spent = interleaved(calls, _ROUNDS)
    plain, other = asked.modes
    return {
        "prompt_tokens": thinking.words,
        "backbone_ms": _figures(spent["backbone"].cpu_ms),
        "chunk_ms": _figures(spent["chunk"].cpu_ms, _CHUNK_MS),
        "chunk_wall_ms": _figures(spent["chunk"].wall_ms, _CHUNK_MS),
        "observation_to_chunk_ms": _figures(spent["answer"].cpu_ms, _CHUNK_MS),
        "chunk_to_backbone_ratio": _paired(spent, "chunk", "backbone", _CHUNK_RATIO),
        f"{MANY}_chunks_ms": _figures(spent["chunks"].cpu_ms),
        f"{MANY}_chunks_to_one_ratio": _paired(spent, "chunks", "chunk", _MANY_RATIO),
        f"{other}_to_{plain}_ratio": _paired(spent, "other_chunk", "chunk"),
        f"{other}_to_{plain}_{MANY}_chunks_ratio": _paired(spent, "other_chunks", "chunks"),
    }


def _loop(thinking: Thinking) -> dict[str, Any]:
    """How late ticks begin in real time while the model thinks on its thread, and under the expert."""
    late: dict[str, list[float]] = {"scripted": [], "vla": []}
    shown: list[Shown] = []

    def make(context: PolicyContext) -> Policy:
        shown.append(thinking.policy(real_time=context.real_time))
        return shown[-1]

    for _ in range(_LOOP_TURNS):
        for name, cell, maker in (("scripted", _cell(), None), ("vla", thinking.cell, make)):
            seen = bench_run(cell, name, _LOOP_TICKS, real_time=True, make_policy=maker)
            late[name] += [1e-3 * ns for ns in seen.late_ns]
    period_us = 1e6 * thinking.cell.period_s
    return {
        "loop": {
            "answers": sum(each.answers for each in shown),
            **{f"lateness_{name}_us": _figures(each, tail=99) for name, each in late.items()},
            **{f"late_ticks_{name}": int(np.sum(np.array(each) > period_us)) for name, each in late.items()},
        }
    }


def _training(thinking: Thinking) -> dict[str, Any]:
    """Frames a second of CPU time that a step learns from, its batch being ready."""
    from interlock.policy.training.training_step import training_step

    told: dict[str, float] = {}
    for precision in _PRECISIONS:
        for batch in _BATCHES:
            step = training_step(thinking.checkpoint.config, batch, precision, words=thinking.words)
            spent = interleaved({"step": step}, _STEPS, warm_up=1)["step"].cpu_ms
            told[f"{precision}_batch_{batch}"] = round(1e3 * batch / float(np.median(spent)), 1)
        first, last = (told[f"{precision}_batch_{batch}"] for batch in (_BATCHES[0], _BATCHES[-1]))
        told[f"{precision}_growth_{_BATCHES[0]}_to_{_BATCHES[-1]}_ratio"] = round(last / first, 2)
    return {"training_frames_per_s": told}


def _gpu() -> dict[str, Any] | str:
    """The published size with random weights in bfloat16, on the GPU that there is; wall time [ms]."""
    from interlock.policy.vla.answer_calls import AnswerCalls

    device = AnswerCalls.cuda()
    if not device:
        return "none: no CUDA device"
    began_ns = time.monotonic_ns()
    asked = AnswerCalls.on_cuda(preset(_LARGE), _LARGE_WORDS, _LARGE_STEPS)
    loaded_s = 1e-9 * (time.monotonic_ns() - began_ns)
    return {"device": device, "drawn_s": round(loaded_s, 1), **large_answers(asked)}


def large_answers(asked: Any) -> dict[str, Any]:
    """What a large model's answers take by the machine's clock, [ms], and its memory, [GiB]."""
    asked.forget_memory()
    spent = interleaved(asked.calls(), _LARGE_ROUNDS, settle=asked.settle)
    plain, other = asked.modes
    told: dict[str, Any] = {
        "steps": asked.steps,
        "prefill_ms": _figures(spent["backbone"].wall_ms),
        f"{plain}_chunk_ms": _figures(spent["chunk"].wall_ms),
        f"{other}_chunk_ms": _figures(spent["other_chunk"].wall_ms),
        f"{plain}_to_prefill_ratio": _paired(spent, "chunk", "backbone", wall=True),
        f"{other}_to_prefill_ratio": _paired(spent, "other_chunk", "backbone", wall=True),
        "memory_gib": asked.memory_gib(),
    }
    return told | _compiled(asked)


def _compiled(asked: Any) -> dict[str, Any]:
    """The same with the decoder compiled, or why that did not work here: it needs a compiler."""
    try:
        calls = {"backbone": asked.calls()["backbone"], **asked.compiled()}
        spent = interleaved(calls, _LARGE_ROUNDS, settle=asked.settle)
    except Exception as error:  # whatever a compiler says: the other figures stand
        lines = str(error).splitlines() or [""]
        return {"compiled": f"none: {type(error).__name__}: {lines[0][:100]}"}
    told: dict[str, Any] = {}
    for name in calls.keys() - {"backbone"}:
        told[f"{name}_ms"] = _figures(spent[name].wall_ms)
        told[f"{name}_to_prefill_ratio"] = _paired(spent, name, "backbone", wall=True)
    return dict(sorted(told.items()))


def _figures(times: FloatArray | list[float], asked: float | None = None, tail: int = 95) -> dict[str, float]:
    high = round(float(np.percentile(times, tail)), 3)
    told = {"median": round(float(np.median(times)), 3), f"p{tail}": high}
    return told if asked is None else told | {"asked_at_most": asked}


def _paired(
    spent: Mapping[str, Timed], one: str, other: str, asked: float | None = None, *, wall: bool = False
) -> dict[str, float]:
    """How many times as long `one` took as `other` did in the same round."""
    first, second = ((s.wall_ms if wall else s.cpu_ms) for s in (spent[one], spent[other]))
    return _figures(first / second, asked)
