"""Presets are what they are named after, and survive a JSON file."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from interlock.errors import CheckpointError
from interlock.policy.vla.config import VlaConfig
from interlock.policy.vla.preset import PRESETS, preset


@pytest.mark.parametrize("name", PRESETS)
def test_preset_comes_back_from_json_as_it_was(name: str) -> None:
    config = preset(name)
    back = VlaConfig.from_json(json.loads(json.dumps(config.to_json())))
    assert back == config
    assert back.sha256 == config.sha256


def _unknown(data: dict[str, Any]) -> None:
    data["decoder"]["depth"] = 3


def _missing(data: dict[str, Any]) -> None:
    del data["backbone"]["text"]["hidden"]


def _word(data: dict[str, Any]) -> None:
    data["decoder"]["attention"] = "sparse"


def _text(data: dict[str, Any]) -> None:
    data["channels"] = "16"


def _truth(data: dict[str, Any]) -> None:
    data["horizon"] = True


def _hot(data: dict[str, Any]) -> None:
    data["flow"]["temperature"] = 2.5


def _infinite(data: dict[str, Any]) -> None:
    data["grounding_weight"] = float("inf")


def _twice(data: dict[str, Any]) -> None:
    data["cameras"] = ["base", "base"]


def _clash(data: dict[str, Any]) -> None:
    data["backbone"]["tokens"]["image"] = data["backbone"]["tokens"]["pad"]


def _crooked(data: dict[str, Any]) -> None:
    data["image_size_px"] = 100


def _endless(data: dict[str, Any]) -> None:
    data["flow"]["euler_steps"] = 10**9


def _long(data: dict[str, Any]) -> None:
    data["horizon"] = 10**9


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (_endless, "config.flow.euler_steps"),
        (_long, "config.horizon"),
        (_unknown, "config.decoder.depth"),
        (_missing, "config.backbone.text.hidden"),
        (_word, "config.decoder.attention"),
        (_text, "config.channels"),
        (_truth, "config.horizon"),
        (_infinite, "config.grounding_weight"),
        (_hot, "config.flow.temperature"),
        (_twice, "config.cameras"),
        (_clash, "config.backbone.tokens"),
        (_crooked, "config.image_size_px"),
    ],
)
def test_refuses_a_configuration_that_does_not_fit_and_names_the_field(spoil: Any, field: str) -> None:
    data = json.loads(json.dumps(preset("tiny").to_json()))
    spoil(data)
    with pytest.raises(CheckpointError) as refused:
        VlaConfig.from_json(data)
    assert refused.value.field == field


def test_configuration_from_before_there_was_a_temperature_starts_from_all_of_the_noise() -> None:
    data = json.loads(json.dumps(preset("tiny").to_json()))
    assert VlaConfig.from_json(data).flow.temperature == 0.0
    del data["flow"]["temperature"]
    read = VlaConfig.from_json(data)
    assert read.flow.temperature == 1.0
    assert read.to_json() == data


def test_refuses_an_unknown_preset_and_names_the_known() -> None:
    with pytest.raises(CheckpointError, match="qwen-vla-4b"):
        preset("qwen-vla-70b")


def test_shapes_prompt_and_statistics_need_no_torch() -> None:
    code = (
        "import interlock.policy.vla.preset, interlock.policy.vla.prompt, interlock.policy.vla.statistics\n"
        "import interlock.policy.vla.slots, sys\n"
        "print(*({'torch', 'transformers', 'tokenizers', 'safetensors'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
