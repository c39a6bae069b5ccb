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

__all__ = ["read_weights", "write_weights"]


def write_weights(model: QwenVla) -> bytes:
    """Contents of model.safetensors; the same weights give the same bytes."""
    content: bytes = save_tensors({k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()})
    return content


def read_weights(content: bytes, config: VlaConfig) -> QwenVla:
    """The model with these weights, in evaluation mode, without gradients.

    Raises:
        CheckpointError: names the first weight that is missing, unknown, of another shape or type, or not
            finite; or says that this is no safetensors file.
    """
    return _fill(config, _tensors(content))


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


def _fill(config: VlaConfig, tensors: Mapping[str, Tensor]) -> QwenVla:
    with torch.device("meta"):
        expected = QwenVla(config).state_dict()
    for name in sorted(expected.keys() - tensors.keys()):
        raise CheckpointError("a weight is missing", field=f"model.safetensors: {name}")
    for name in sorted(tensors.keys() - expected.keys()):
        raise CheckpointError("holds a weight that the model has not", field=f"model.safetensors: {name}")
    for name, wanted in expected.items():
        _check_tensor(name, tensors[name], wanted)
    model = QwenVla(config)
    model.load_state_dict(dict(tensors), strict=True)
    model.eval().requires_grad_(False)
    return model


def _check_tensor(name: str, tensor: Tensor, wanted: Tensor) -> None:
    field = f"model.safetensors: {name}"
    if tuple(tensor.shape) != tuple(wanted.shape):
        raise CheckpointError(
            f"expected shape {tuple(wanted.shape)}", field=field, value=tuple(tensor.shape),
            mend="config.json and weights belong to different models.",
        )  # fmt: skip
    if tensor.dtype != wanted.dtype:
        raise CheckpointError(
            f"expected {wanted.dtype}", field=field, value=tensor.dtype, mend="Save the weights in that type."
        )
    if not bool(torch.isfinite(tensor).all()):
        raise CheckpointError("holds NaN or infinity", field=field, mend="Take an earlier checkpoint.")
