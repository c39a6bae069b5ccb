from __future__ import annotations

from pathlib import Path

import pytest
import torch

pytest.importorskip("pybullet")

from tests.policy.vla.models import micro

from interlock.errors import BadInputError
from interlock.orchestrator import bench_policy
from interlock.orchestrator.bench_interleaved import interleaved
from interlock.orchestrator.bench_policy import large_answers, measure_policy
from interlock.policy.vla.answer_calls import AnswerCalls
from interlock.policy.vla.backbone_shape import BackboneFamily
from interlock.policy.vla.config import Grounding
from interlock.policy.vla.decoder_shape import AttentionMode


def test_calls_take_turns_and_each_is_waited_for() -> None:
    heard: list[str] = []
    calls = {name: (lambda name=name: heard.append(name)) for name in ("a", "b", "c")}
    spent = interleaved(calls, 2, warm_up=1, settle=lambda: heard.append("."))
    assert "".join(heard) == ".a..b..c." + ".b..c..a." + ".c..a..b."
    assert {name: each.wall_ms.shape for name, each in spent.items()} == {"a": (2,), "b": (2,), "c": (2,)}


def test_large_model_is_measured_against_its_own_prefill_in_half_precision(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    config = micro(
        family=BackboneFamily.QWEN3_5, grounding=Grounding.OFF, state_width=0, attention=AttentionMode.JOINT
    )
    asked = AnswerCalls.drawn(config, 6, 2, torch.device("cpu"), torch.bfloat16)
    monkeypatch.setattr(bench_policy, "_LARGE_ROUNDS", 2)

    def no_compiler(*given: object, **named: object) -> object:
        raise RuntimeError("no compiler here\nand much more")

    monkeypatch.setattr(torch, "compile", no_compiler)
    told = large_answers(asked)
    assert torch.get_default_dtype() is torch.float32
    assert {"prefill_ms", "joint_chunk_ms", "cached_chunk_ms", "joint_to_prefill_ratio"} < set(told)
    assert told["steps"] == 2
    assert told["memory_gib"] is None  # counted on an accelerator alone
    assert told["compiled"] == "none: RuntimeError: no compiler here"


def test_checkpoint_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="checkpoint"):
        measure_policy(tmp_path)


@pytest.mark.gpu
def test_published_size_is_measured_on_a_gpu() -> None:
    told = bench_policy._gpu()
    assert isinstance(told, dict)
    assert told["memory_gib"] > 10.0
