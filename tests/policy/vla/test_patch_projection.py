"""The first layer of the vision tower, against the convolution that it takes the place of."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from interlock.policy.vla.patch_projection import PatchProjection


@pytest.mark.parametrize("bias", [True, False])
def test_says_what_the_convolution_says_with_its_weights_under_their_names(bias: bool) -> None:
    torch.manual_seed(0)
    convolution = nn.Conv3d(3, 24, kernel_size=(2, 16, 16), stride=(2, 16, 16), bias=bias)
    projection = PatchProjection(convolution)
    assert {name: value.shape for name, value in projection.state_dict().items()} == {
        name: value.shape for name, value in convolution.state_dict().items()
    }
    patches = torch.randn(10, 3, 2, 16, 16)
    wanted = convolution(patches).view(10, -1)
    torch.testing.assert_close(projection(patches), wanted, rtol=1e-5, atol=1e-5)
    wanted.square().sum().backward()
    gradient = convolution.weight.grad.clone()
    convolution.weight.grad = None
    projection(patches).square().sum().backward()
    torch.testing.assert_close(projection.weight.grad, gradient, rtol=1e-4, atol=1e-3)
