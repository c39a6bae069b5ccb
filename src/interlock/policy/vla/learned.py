"""The learned policy, as the registry makes it."""

from __future__ import annotations

from interlock.policy.policy import PolicyContext
from interlock.policy.stream.chunk_stream import ChunkStream
from interlock.policy.vla.learned_model import LearnedModel
from interlock.policy.vla.learned_options import LearnedOptions

__all__ = ["LearnedPolicy"]


class LearnedPolicy(ChunkStream):
    """A vision-language-action policy from a checkpoint.

    Args:
        context: body, cameras, seed and options of the cell.

    Attributes:
        roles: the cameras it looks through.

    Raises:
        BadInputError: if an option cannot be used or no weights are there.
        CheckpointError: if the checkpoint is not whole, or not for this body or these cameras.
    """

    def __init__(self, context: PolicyContext) -> None:
        model = LearnedModel(context, LearnedOptions.read(context.options))
        super().__init__(model, context)
        self.roles = model.roles
