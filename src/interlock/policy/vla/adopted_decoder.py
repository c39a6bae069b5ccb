"""A model that sees, speaking with the decoder of one that was told."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from interlock.errors import CheckpointError
from interlock.policy.vla.checkpoint import Checkpoint
from interlock.policy.vla.relation import OFFSET_WIDTH
from interlock.policy.vla.slots import SLOT_WIDTH
from interlock.policy.vla.statistics import BodyStatistics, Statistics

__all__ = ["with_decoder_of"]

_PLACE = 3
_UPRIGHT = (3, 7)  # of a slot: where the two columns of an unturned thing's rotation are 1
_SEES = ("backbone.", "grounding.")


def with_decoder_of(checkpoint: Checkpoint, donor: Checkpoint) -> Checkpoint:
    """The checkpoint with the decoder of another, and with the scales that this one speaks in.

    How an arm moves to a thing does not depend on how its place came to be known: a decoder that learned it
    from places that it was told needs to get used to places that are found, not to learn to move anew. So
    everything behind backbone and grounding is the donor's. Where the donor was told slots and the checkpoint
    finds places, the weights that read a place and the way there carry over. A found thing then counts as one
    without size that stands straight; how it is turned against the tool reads as zeros, which no donor was
    ever told, and what pixels say begins at nothing: both are for the training to learn.

    Args:
        checkpoint: sees and reads; its model is changed in place.
        donor: with a decoder of the same shape, taught every body that `checkpoint` knows.

    Returns:
        A checkpoint of the same model, not written yet.

    Raises:
        CheckpointError: if shapes, cameras or bodies differ; nothing is changed then.
    """
    here, there = checkpoint.config, donor.config
    for field in ("decoder", "channels", "horizon", "state_width", "relates"):
        if getattr(here, field) != getattr(there, field):
            raise _differs(field, getattr(there, field), getattr(here, field))
    if here.backbone.text.hidden != there.backbone.text.hidden:
        raise _differs("backbone.text.hidden", there.backbone.text.hidden, here.backbone.text.hidden)
    given = _given(checkpoint, donor)
    own = checkpoint.model.state_dict()
    for name, weight in own.items():
        if not name.startswith(_SEES):
            if name not in given or given[name].shape != weight.shape:
                found = tuple(given[name].shape) if name in given else None
                raise _differs(name, found, tuple(weight.shape))
            own[name] = given[name].to(weight)
    bodies = tuple(_scales(body, donor.statistics) for body in checkpoint.statistics.bodies)
    checkpoint.model.load_state_dict(own)
    return replace(checkpoint, statistics=Statistics(bodies=bodies), sha256={})


def _given(checkpoint: Checkpoint, donor: Checkpoint) -> dict[str, Tensor]:
    """The donor's weights, so that they fit a model that finds places itself."""
    here, there = checkpoint.config, donor.config
    given: dict[str, Tensor] = donor.model.state_dict()
    own: dict[str, Tensor] = checkpoint.model.state_dict()
    reads, offers = (_places(each) for each in (given, own))
    if reads == offers:
        if reads == "found places" and here.cameras != there.cameras:  # columns of pixels, camera by camera
            raise CheckpointError(
                "this decoder reads pixels of other cameras, or in another order",
                field="decoder_from.cameras",
                value=there.cameras,
                mend=f"Name with --decoder-from a checkpoint in which they are {here.cameras}.",
            )
    elif (reads, offers) == ("told places", "found places"):
        _find_instead(given, own["from_found.0.weight"].shape[1])
    else:
        raise CheckpointError(
            f"this decoder reads {reads}, and here there are {offers}",
            field="decoder_from",
            value=there.name,
            mend=f"Name with --decoder-from a checkpoint that reads {offers}"
            + (" or told places." if offers == "found places" else "."),
        )
    return given


def _places(weights: dict[str, Tensor]) -> str:
    if "from_scene.0.weight" in weights:
        return "told places"
    return "found places" if "from_found.0.weight" in weights else "no places"


def _scales(body: BodyStatistics, donated: Statistics) -> BodyStatistics:
    """The donor's of the same body, told the same numbers in the same order."""
    found = donated.of(body.embodiment)
    wanted = [(each.name, each.unit) for each in body.state]
    known = [(each.name, each.unit) for each in found.state]
    if wanted != known:
        raise CheckpointError(
            f"the decoder was told other things of {body.tag}, or in another order",
            field="decoder_from.statistics.state",
            value=known,
            mend=f"Name with --decoder-from a checkpoint that was told {wanted}.",
        )
    return replace(found, skills=body.skills)


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
        mend=f"Name with --decoder-from a checkpoint in which it is {wanted}.",
    )
