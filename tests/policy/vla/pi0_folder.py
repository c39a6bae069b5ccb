"""A π0 with small random weights, as `save_pretrained` lays one down."""

from __future__ import annotations

import json
from pathlib import Path

import torch
import transformers
from tests.policy.remote.conftest import STEPS
from tokenizers import Tokenizer, models, pre_tokenizers

SIDE = 28
WORDS = ["<pad>", "<bos>", "<unk>", "\n", "lift", "the", "cup", "drop"]


def lay_down(folder: Path) -> Path:
    """Write it there."""
    layers = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "intermediate_size": 64,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
    }
    vision = {
        "model_type": "siglip_vision_model",
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "intermediate_size": 64,
        "num_attention_heads": 2,
        "patch_size": 14,
        "image_size": SIDE,
        "vision_use_head": False,
    }
    config = transformers.PI0Config(
        vlm_config={
            "model_type": "paligemma",
            "text_config": {"model_type": "gemma", "vocab_size": 64, **layers},
            "vision_config": vision,
            "projection_dim": 32,
            "image_token_id": 60,
        },
        dit_config={"model_type": "gemma", **layers},
        chunk_size=STEPS,
    )
    torch.manual_seed(0)
    transformers.PI0ForConditionalGeneration(config).save_pretrained(folder)
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Split(" ", "removed")
    words.add_special_tokens(["<bos>"])
    words.save(str(folder / "tokenizer.json"))
    statistics = {
        "state_mean": [0.0] * 8,
        "state_std": [1.0] * 8,
        "actions_mean": [0.0, -0.8, 0.0, -2.3, 0.0, 1.6, 0.8, 0.5],
        "actions_std": [0.01] * 8,
    }
    (folder / "processor_config.json").write_text(json.dumps(statistics))
    return folder
