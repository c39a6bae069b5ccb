"""A model that sees, speaking with the decoder of one that was told."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from interlock.errors import CheckpointError
from interlock.policy.vla.checkpoint import Checkpoint
from interlock.policy.vla.relation import OFFSET_WIDTH
from interlock.policy.vla.slots import SLOT_WIDTH
from interlock.policy.vla.statistics import Statistics

__all__ = ["with_decoder_of"]

_PLACE = 3
_UPRIGHT = (3, 7)  # of a slot: where the two columns of an unturned thing's rotation are 1


def with_decoder_of(checkpoint: Checkpoint, donor: Checkpoint) -> Checkpoint:
    """The checkpoint with the decoder of another, and with the scales that this one speaks in.

    How an arm moves to a thing does not depend on how its place came to be known: a decoder that learned it
    from places that it was told needs to get used to places that are found, not to learn to move anew. So
    everything behind backbone and grounding is the donor's. Where the donor was told slots and the checkpoint
    finds places, the weights that read a place and the way there carry over; a found thing counts as unturned
    and without size, and what pixels say begins at nothing.

    Args:
        checkpoint: sees and reads.
        donor: with a decoder of the same shape, taught every body that `checkpoint` knows.

    Raises:
        CheckpointError: if the decoders' shapes differ, or the donor was not taught a body.
    """
    here, there = checkpoint.config, donor.config
    for field in ("decoder", "channels", "horizon", "state_width", "relates"):
        if getattr(here, field) != getattr(there, field):
            raise _differs(field, getattr(there, field), getattr(here, field))
    if here.backbone.text.hidden != there.backbone.text.hidden:
        raise _differs("backbone.text.hidden", there.backbone.text.hidden, here.backbone.text.hidden)
    given = donor.model.state_dict()
    own = checkpoint.model.state_dict()
    if "from_scene.0.weight" in given and "from_found.0.weight" in own:
        _find_instead(given, own["from_found.0.weight"].shape[1])
    for name, weight in own.items():
        if name.startswith(("backbone.", "grounding.")):
            continue
        if name not in given:
            raise _differs(name, None, tuple(weight.shape))
        own[name] = given[name].to(weight)
    checkpoint.model.load_state_dict(own)
    bodies = tuple(
        replace(donor.statistics.of(body.embodiment), skills=body.skills)
        for body in checkpoint.statistics.bodies
    )
    return replace(checkpoint, statistics=Statistics(bodies=bodies))


def _find_instead(weights: dict[str, Tensor], numbers: int) -> None:
    """What read slots, as what reads so many numbers of a found place: it, its pixels, the way there."""
    told, bias = weights.pop("from_scene.0.weight"), weights.pop("from_scene.0.bias")
    read = told.new_zeros(len(told), numbers)
    read[:, :_PLACE] = told[:, :_PLACE]
    read[:, -OFFSET_WIDTH:] = told[:, SLOT_WIDTH : SLOT_WIDTH + OFFSET_WIDTH]
    weights["from_found.0.weight"] = read
    weights["from_found.0.bias"] = bias + told[:, _UPRIGHT].sum(dim=1)
    for name in ("weight", "bias"):
        weights[f"from_found.2.{name}"] = weights.pop(f"from_scene.2.{name}")


def _differs(field: str, found: object, wanted: object) -> CheckpointError:
    return CheckpointError(
        "a decoder fits only a model of its own shape",
        field=f"decoder_from.{field}",
        value=found,
        mend=f"Name a checkpoint in which it is {wanted}.",
    )
