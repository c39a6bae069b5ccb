"""The published figures, met to their printed digits on the meta device."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from interlock.cli import app
from interlock.errors import CheckpointError
from interlock.policy.vla.decoder_shape import AttentionMode
from interlock.policy.vla.describe import describe, find_config
from interlock.policy.vla.preset import preset

PUBLISHED = {  # Qwen-VLA §2.2, arXiv 2605.30280
    "dit_block": (1e6, "70.8"),
    "dit_blocks": (1e9, "1.13"),
    "action_mlps": (1e6, "4.9"),
    "backbone_to_dit": (1e6, "3.9"),
    "time_embedding": (1e6, "2.8"),
    "output_adaln": (1e6, "4.7"),
    "expert_total": (1e9, "1.15"),
}


def test_describe_prints_the_published_figures_as_whole_numbers() -> None:
    done = CliRunner().invoke(app, ["policy", "describe", "qwen-vla-4b", "--json"])
    assert done.exit_code == 0, done.output
    counts = json.loads(done.output)
    for key, (unit, printed) in PUBLISHED.items():
        assert type(counts[key]) is int
        digits = len(printed.split(".")[1])
        assert f"{counts[key] / unit:.{digits}f}" == printed, key
    assert counts["backbone"] == 4_539_265_536
    assert counts["total"] == counts["backbone"] + counts["expert_total"]
    assert counts["config"]["backbone"]["text"]["hidden"] == 2560


def test_main_weights_of_a_published_block_are_thirty_times_its_width_squared() -> None:
    counts = describe(preset("qwen-vla-4b")).to_json()
    width, head_dim = 1536, 128
    assert counts["dit_block"] == 30 * width**2 + 6 * width + 2 * head_dim
    assert counts["dit_blocks"] == 16 * counts["dit_block"]


def test_attention_mode_changes_no_weight() -> None:
    config = preset("qwen-vla-4b")
    cached = replace(config, decoder=replace(config.decoder, attention=AttentionMode.CACHED))
    assert describe(cached).rows == describe(config).rows


def test_tiny_is_well_below_fifteen_megabytes() -> None:
    assert 4 * describe(preset("tiny")).to_json()["total"] < 13e6


def test_parts_add_up_to_the_total() -> None:
    for name in ("tiny", "tiny-scene"):
        rows = {row.key: row.count for row in describe(preset(name)).rows}
        parts = ("backbone", "expert_total", "state_token", "scene_tokens", "grounding")
        assert sum(rows[part] for part in parts) == rows["total"]


def test_table_names_each_part() -> None:
    done = CliRunner().invoke(app, ["policy", "describe", "tiny"])
    assert done.exit_code == 0
    assert "dit_blocks" in done.output
    assert "published" not in done.output.splitlines()[0]


def test_describes_a_checkpoint_by_its_folder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(preset("tiny").to_json()))
    assert find_config(str(tmp_path)) == preset("tiny")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match="no JSON"):
        find_config(str(tmp_path))


def test_refuses_a_name_that_is_neither_preset_nor_folder() -> None:
    with pytest.raises(CheckpointError, match="Presets are"):
        find_config("no-such-thing")
