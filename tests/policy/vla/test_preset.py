"""Presets are what they are named after, and survive a JSON file."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from interlock.errors import CheckpointError
from interlock.policy.vla.config import VlaConfig
from interlock.policy.vla.decoder_shape import AttentionMode
from interlock.policy.vla.preset import PRESETS, preset
from interlock.policy.vla.shipped_weights import shipped_weights, weights_at


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


def test_the_published_sentence_is_not_written_into_a_configuration_and_the_richer_one_is() -> None:
    plain = preset("tiny")
    assert not plain.rich_prompt
    assert "rich_prompt" not in plain.to_json()
    rich = replace(plain, rich_prompt=True)
    data = json.loads(json.dumps(rich.to_json()))
    assert data == plain.to_json() | {"rich_prompt": True}
    assert VlaConfig.from_json(data) == rich
    assert rich.sha256 != plain.sha256
    with pytest.raises(CheckpointError, match="bool is wanted"):
        VlaConfig.from_json(data | {"rich_prompt": 1})


@pytest.mark.parametrize("name", shipped_weights())
def test_weights_that_ship_keep_the_configuration_that_they_were_written_with(name: str) -> None:
    written = json.loads((weights_at(name) / "config.json").read_text())
    config = VlaConfig.from_json(written)
    assert config.to_json() == written
    assert not config.rich_prompt


def test_the_published_preset_has_the_published_attention_and_the_others_the_fast_one() -> None:
    modes = {name: each.decoder.attention for name, each in PRESETS.items()}
    assert modes.pop("qwen-vla-4b") is AttentionMode.JOINT
    assert set(modes.values()) == {AttentionMode.CACHED}


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
