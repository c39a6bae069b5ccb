"""The options of a training, for people and for `torchrun`; loads nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path

from interlock.errors import BadInputError
from interlock.policy.training.request import TrainRequest
from interlock.policy.training.stage import Stage
from interlock.policy.vla.decoder_shape import AttentionMode
from interlock.policy.vla.preset import PRESETS
from interlock.policy.vla.shipped_weights import weights_at

__all__ = ["DEFAULT_STAGES", "parser", "request_of"]

DEFAULT_STAGES = ("t2a:1000", "pretrain:10000")
_COUNTS = ("batch", "draws", "threads", "save_every", "evaluate_every")


def parser(prog: str) -> argparse.ArgumentParser:
    """All options, with what they are for."""
    made = argparse.ArgumentParser(
        prog=prog,
        description="Train the learned policy from demonstrations that `interlock demos` has written. Cut it "
        "off at any time: the same command goes on from the last state. torchrun shares it among processes.",
        epilog="Exit codes: 0 trained · 2 bad input · 4 ended early, with a state to go on from.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    what = made.add_argument_group("what is learned, and from what").add_argument
    what("--data", type=Path, action="append", required=True, metavar="DIR", help="a set; repeat for more")
    what("--out", type=Path, required=True, metavar="DIR", help="states, curve.html, checkpoint/ at the end")
    what(
        "--preset",
        default="tiny",
        help=f"shape of the model: {', '.join(PRESETS)}; smoke learns nothing of use, in seconds",
    )
    what(
        "--attention",
        choices=[mode.value for mode in AttentionMode],
        help="of a new model's decoder: cached reads what is seen once for a whole chunk, joint anew at each "
        "Euler step, as published; without it the preset's, joint for qwen-vla-4b and cached for the others",
    )
    what(
        "--rich-prompt",
        action="store_true",
        help="a new model's sentence also names every channel with its unit and limits; it is longer",
    )
    what(
        "--from",
        dest="begin_from",
        metavar="NAME|DIR",
        help="a checkpoint, or weights that ship, to begin from",
    )
    what(
        "--decoder-from",
        metavar="NAME|DIR",
        help="whose decoder to begin with: one that was told where things are knows how to move there",
    )
    what(
        "--stage",
        action="append",
        metavar="KIND:STEPS[:SET]",
        help="t2a, pretrain, finetune, action (the decoder alone) or geometry; repeat for more; without any "
        + " ".join(DEFAULT_STAGES),
    )
    what("--held-out", type=float, default=0.05, help="share of episodes that is only evaluated on")
    what("--constant", action="append", default=[], metavar="NAME=VALUE", help="what never moves, and where")
    how = made.add_argument_group("how").add_argument
    how("--batch", type=int, default=64, help="frames a step, over all processes")
    how("--rate", type=float, default=1e-3, help="peak learning rate; fine-tuning takes 0.3 of it")
    how("--seed", type=int, default=0, help="decides weights, order and noise")
    how("--draws", type=int, default=4, help="times and noises of the flow for each frame")
    how("--weight-decay", type=float, default=0.01, help="of AdamW")
    how("--average", type=float, default=0.999, help="decay of the weights' average, which is what ships")
    how("--precision", choices=("float32", "bfloat16"), default="float32", help="of matrix products")
    where = made.add_argument_group("where and how long").add_argument
    where("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    where("--threads", type=int, default=1, help="of each process on the CPU")
    where("--save-every", type=int, default=500, metavar="STEPS", help="steps between states")
    where("--evaluate-every", type=int, default=500, metavar="STEPS", help="steps between evaluations")
    where(
        "--store",
        choices=("float32", "bfloat16"),
        default="float32",
        help="type of the weights in checkpoint/; bfloat16 halves it",
    )
    where(
        "--max-read-mib",
        type=float,
        default=60.0,
        metavar="MIB",
        help="refuse sets whose columns to read take more than that in the files, compressed, all together",
    )
    where("--max-minutes", type=float, help="end before that, with a state")
    where("--json", action="store_true", help="print one JSON object as the last line of stdout")
    return made


def request_of(options: argparse.Namespace) -> TrainRequest:
    """The request that options stand for.

    Raises:
        BadInputError: if a value cannot be used.
    """
    given = dict(vars(options))
    given.pop("json")
    for name in _COUNTS:
        if given[name] < 1:
            raise BadInputError("at least 1 is wanted", field=name, value=given[name], mend="Give a count.")
    if not given["max_read_mib"] > 0.0:
        raise BadInputError(
            "more than 0 is wanted", field="max_read_mib", value=given["max_read_mib"], mend="Give 60."
        )
    if not 0.0 <= given["held_out"] < 1.0:
        raise BadInputError(
            "a share from 0 to below 1 is wanted",
            field="held_out",
            value=given["held_out"],
            mend="Give 0.05.",
        )
    given["data"] = tuple(given["data"])
    given["attention"] = None if given["attention"] is None else AttentionMode(given["attention"])
    for name in ("begin_from", "decoder_from"):
        given[name] = None if given[name] is None else weights_at(given[name])
    given["stages"] = tuple(Stage.parse(text) for text in given.pop("stage") or DEFAULT_STAGES)
    given["constants"] = tuple(_constant(text) for text in given.pop("constant"))
    return TrainRequest(**given)


def _constant(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise BadInputError(
            "is no constant", field="constant", value=text, mend="Write NAME=VALUE."
        ) from None
