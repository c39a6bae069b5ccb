"""From the pixels of a patch to the vision tower's width, as the one matrix product that it is."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import linear

__all__ = ["PatchProjection"]


class PatchProjection(nn.Module):
    """Takes the place of the tower's own convolution, with its weights under their names.

    Qwen's towers write it as a convolution whose kernel covers the whole patch, so that there is one place to
    put it. On a CPU the gradient of that convolution in bfloat16 took a third of a training step.

    Args:
        own: a convolution that patches of the kernel's size are given to.
    """

    def __init__(self, own: nn.Conv3d) -> None:
        super().__init__()
        self.weight, self.bias = own.weight, own.bias

    def forward(self, patches: Tensor) -> Tensor:
        """The patches' features, shape (N, width), from shape (N, channels, times, height, width)."""
        return linear(patches.flatten(1), self.weight.flatten(1), self.bias)
