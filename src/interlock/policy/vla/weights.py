"""A model's weights as safetensors; whatever is not exactly the model's is refused."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from interlock.errors import CheckpointError
from interlock.policy.vla.config import VlaConfig
from interlock.policy.vla.model import QwenVla

__all__ = ["STORED", "read_weights", "write_weights"]

STORED = {"float32": torch.float32, "bfloat16": torch.bfloat16}
"""Types that weights may be stored in; whatever they are, the model computes in float32."""

_OF_ONE_MODEL = "Take config.json and model.safetensors of the same checkpoint."


def write_weights(model: QwenVla, stored: str = "float32") -> bytes:
    """Contents of model.safetensors; the same weights give the same bytes.

    Args:
        model: with any weights.
        stored: a key of `STORED`; bfloat16 rounds them, to 8 bits of mantissa, and halves the file.

    Raises:
        CheckpointError: if there is no such type.
    """
    if stored not in STORED:
        raise CheckpointError(
            "weights are not stored in this type",
            field="stored",
            value=stored,
            mend=f"Take one of {', '.join(STORED)}.",
        )
    kept = {k: v.detach().cpu().to(STORED[stored]).contiguous() for k, v in model.state_dict().items()}
    content: bytes = save_tensors(kept)
    return content


def read_weights(content: bytes, config: VlaConfig) -> tuple[QwenVla, str]:
    """The model with these weights, in evaluation mode, without gradients; and what they are stored in.

    Raises:
        CheckpointError: names the first weight that is missing, unknown, of another shape or type, or not
            finite; or says that this is no safetensors file.
    """
    tensors = _tensors(content)
    half = bool(tensors) and all(tensor.dtype == torch.bfloat16 for tensor in tensors.values())
    stored = "bfloat16" if half else "float32"
    return _fill(config, tensors, STORED[stored]), stored


def _tensors(content: bytes) -> dict[str, Tensor]:
    try:
        tensors: dict[str, Tensor] = load_tensors(content)
    except (SafetensorError, KeyError, ValueError) as error:
        raise CheckpointError(
            f"cannot be read: {error}",
            field="model.safetensors",
            mend="It is cut short or another format; copy it again.",
        ) from None
    return tensors


def _fill(config: VlaConfig, tensors: Mapping[str, Tensor], dtype: torch.dtype) -> QwenVla:
    with torch.device("meta"):
        expected = QwenVla(config).state_dict()
    for name in sorted(expected.keys() - tensors.keys()):
        raise CheckpointError("a weight is missing", field=f"model.safetensors: {name}", mend=_OF_ONE_MODEL)
    for name in sorted(tensors.keys() - expected.keys()):
        raise CheckpointError(
            "holds a weight that the model has not", field=f"model.safetensors: {name}", mend=_OF_ONE_MODEL
        )
    for name, wanted in expected.items():
        _check_tensor(name, tensors[name], wanted, dtype)
    model = QwenVla(config)
    model.load_state_dict(dict(tensors), strict=True)
    model.eval().requires_grad_(False)
    return model


def _check_tensor(name: str, tensor: Tensor, wanted: Tensor, dtype: torch.dtype) -> None:
    field = f"model.safetensors: {name}"
    if tuple(tensor.shape) != tuple(wanted.shape):
        raise CheckpointError(
            f"expected shape {tuple(wanted.shape)}", field=field, value=tuple(tensor.shape),
            mend="config.json and weights belong to different models.",
        )  # fmt: skip
    if tensor.dtype != dtype:
        raise CheckpointError(
            "weights of several types, or of one that is not read", field=field, value=tensor.dtype,
            mend=f"Save all weights in one of {', '.join(STORED)}.",
        )  # fmt: skip
    if not bool(torch.isfinite(tensor).all()):
        raise CheckpointError("holds NaN or infinity", field=field, mend="Take an earlier checkpoint.")
