"""Qwen-VLA's class: presets, backbone, decoder, flow, prompt, statistics, checkpoint.

May import: `interlock.errors`, the data types of `interlock.hal`, torch, transformers, tokenizers,
safetensors.
`config`, `preset`, `prompt`, `slots` and `statistics` need none of the last four.
Importing this package imports nothing else; take what you need from its modules.
"""

from __future__ import annotations

__all__: list[str] = []
