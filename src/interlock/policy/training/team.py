"""The processes that train together: one, or as many as `torchrun` has started."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

__all__ = ["Team"]

_MESSAGE_BYTES = 32 * 2**20  # torch's DistributedDataParallel takes 25 MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Who this process is among them: `rank` of `world`, on `device`."""

    rank: int
    world: int
    device: torch.device

    @classmethod
    def join(cls, device: str) -> Team:
        """As `torchrun` says by its environment; alone without it.

        Args:
            device: "auto", "cpu", "cuda" or "cuda:N".
        """
        world, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if device == "cuda" and world > 1:
            device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        if world > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
        return cls(rank=rank, world=world, device=torch.device(device))

    @property
    def leads(self) -> bool:
        """Whether this one writes files and talks."""
        return self.rank == 0

    def share_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace each gradient by the mean over all processes; a parameter that was not used counts as 0.

        They go in a few large messages: some hundred small ones took 38 times as long as one.
        """
        if self.world == 1:
            return
        for bucket in _buckets(parameters):
            gradients = [torch.zeros_like(each) if each.grad is None else each.grad for each in bucket]
            together = torch.cat([each.flatten() for each in gradients])
            dist.all_reduce(together)
            together /= self.world
            shares = together.split([each.numel() for each in gradients])
            for parameter, share in zip(bucket, shares, strict=True):
                parameter.grad = share.view_as(parameter)

    def agree(self, flag: bool) -> bool:
        """Whether any of them says so."""
        if self.world == 1:
            return flag
        said = torch.tensor(float(flag), device=self.device)
        dist.all_reduce(said, dist.ReduceOp.MAX)
        return bool(said.item() > 0.0)

    def leave(self) -> None:
        """End the group."""
        if dist.is_available() and dist.is_initialized():
            dist.destroy_process_group()


def _buckets(parameters: Iterable[Tensor]) -> Iterator[list[Tensor]]:
    """Parameters of one type of number, as many as one message carries; the same on every process."""
    buckets: dict[torch.dtype, list[Tensor]] = {}
    sizes: dict[torch.dtype, int] = {}
    for parameter in parameters:
        kind = parameter.dtype
        buckets.setdefault(kind, []).append(parameter)
        sizes[kind] = sizes.get(kind, 0) + parameter.nbytes
        if sizes[kind] >= _MESSAGE_BYTES:
            yield buckets.pop(kind)
            del sizes[kind]
    yield from buckets.values()
