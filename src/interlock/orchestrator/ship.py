"""Makes a trained checkpoint one that ships, and its card from the evaluations of it."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from interlock.errors import BadInputError, CheckpointError, InterlockError, StorageError
from interlock.orchestrator.judged import Judged
from interlock.orchestrator.results_card import with_results
from interlock.policy.uncertainty.calibration import Calibration
from interlock.policy.uncertainty.options import CALIBRATION
from interlock.policy.vla.checkpoint import Checkpoint
from interlock.policy.vla.shipped_weights import DEFAULT_WEIGHTS, SHIPPED, weights_at

__all__ = ["LARGEST_BYTES", "ShipRequest", "main", "ship"]

LARGEST_BYTES = 15_000_000
"""Of all files of all weights that ship, together."""

_EVALUATE = "Evaluate the checkpoint, and name that evaluation with --results CELL=DIR."


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipRequest:
    """What is asked for.

    Attributes:
        checkpoint: folder of the checkpoint; it may be a shipped one, whose card is then made again.
        results: evaluations: in which cell, the evaluation's folder, which checkpoint was judged; without
            any those of `evidence`.
        limits: sentences on what the results do not show; without results those of `evidence`.
        evidence: folder of the counts, policy-NAME.json; written if there are results.
        out: folder of all that ships, NAME/ for each.
    """

    checkpoint: Path
    results: tuple[tuple[str, Path, Path], ...]
    limits: tuple[str, ...]
    evidence: Path
    out: Path


def ship(request: ShipRequest) -> Checkpoint:
    """Check, make the card, write.

    Raises:
        BadInputError: if a result is missing, not whole, or of something else.
        CheckpointError: if the checkpoint cannot be used or is too large.
        StorageError: if something cannot be written.
    """
    found = Checkpoint.load(request.checkpoint)
    _check_name(found.config.name)
    out, evidence = request.out / found.config.name, request.evidence / f"policy-{found.config.name}.json"
    limits, judged = request.limits, tuple(Judged.read(*each) for each in request.results)
    if not judged:
        limits, judged = _read(evidence)
    _check_judged(found, judged)
    shipped = replace(found, card=with_results(found.card, judged, limits))
    _check_calibration(request.checkpoint, found)
    _check_size(request.checkpoint, len(shipped.card.encode()), out)
    saved = shipped.save(out)
    _bring_along(request.checkpoint, out)
    if request.results:
        _write(evidence, {"limits": list(limits), "judged": [each.to_json() for each in judged]})
    return saved


def main(arguments: Sequence[str] | None = None) -> int:
    """0 it ships; 2 bad input."""
    options = _parser().parse_args(arguments)
    try:
        checkpoint = weights_at(options.checkpoint)
        results = [(*_named(text), checkpoint) for text in options.results]
        results += [_other(text) for text in options.beside]
        request = ShipRequest(
            checkpoint=checkpoint,
            results=tuple(results),
            limits=tuple(options.limit),
            evidence=options.evidence,
            out=options.out,
        )
        shipped = ship(request)
    except InterlockError as error:
        print(error.message, file=sys.stderr)
        return int(error.exit_code)
    print(f"{options.out / shipped.config.name}: model.safetensors {shipped.sha256['model.safetensors']}")
    return 0


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m interlock.orchestrator.ship", description=__doc__)
    add = made.add_argument
    add(
        "--checkpoint",
        metavar="NAME|DIR",
        default=DEFAULT_WEIGHTS,
        help="else the default that ships",
    )
    add(
        "--results",
        action="append",
        default=[],
        metavar="CELL=DIR",
        help="an evaluation of it; repeat for more",
    )
    add(
        "--beside",
        action="append",
        default=[],
        metavar="CHECKPOINT:CELL=DIR",
        help="an evaluation of another checkpoint, told beside; repeat for more",
    )
    add("--limit", action="append", default=[], metavar="TEXT", help="a sentence on what they do not show")
    add("--evidence", type=Path, default=Path("evidence"), metavar="DIR", help="where the counts stand")
    add("--out", type=Path, default=SHIPPED, metavar="DIR", help="where all weights ship from")
    return made


def _named(text: str) -> tuple[str, Path]:
    cell, _, folder = text.partition("=")
    if not cell or not folder:
        raise BadInputError("is no evaluation", field="results", value=text, mend="Write CELL=DIR.")
    return cell, Path(folder)


def _other(text: str) -> tuple[str, Path, Path]:
    checkpoint, _, rest = text.partition(":")
    return (*_named(rest), weights_at(checkpoint))


def _check_judged(found: Checkpoint, judged: Sequence[Judged]) -> None:
    weights = found.sha256["model.safetensors"]
    for each in judged:
        if each.preset == found.config.name and each.weights != weights:
            raise BadInputError(
                f"{each.cell} was played with other weights than those that are to ship",
                field="results",
                value=each.weights,
                mend=_EVALUATE,
            )
    if all(each.weights != weights for each in judged):
        raise BadInputError(
            "none is of the checkpoint that is to ship", field="results", value=weights, mend=_EVALUATE
        )


def _read(path: Path) -> tuple[tuple[str, ...], tuple[Judged, ...]]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return tuple(data["limits"]), tuple(Judged.from_json(each) for each in data["judged"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BadInputError(
            f"there are no counts of evaluations here ({type(error).__name__})",
            field="evidence",
            value=str(path),
            mend="Name evaluations with --results CELL=DIR.",
        ) from error


def _write(path: Path, data: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"cannot be written: {error.strerror}", field="evidence", value=str(path), mend="Name another."
        ) from error


def _bring_along(checkpoint: Path, out: Path) -> None:
    """Copy what `interlock policy calibrate` has put beside the weights; nothing of other weights stays."""
    source, target = checkpoint / CALIBRATION, out / CALIBRATION
    if checkpoint.resolve() == out.resolve():
        return
    try:
        if source.exists():
            target.write_bytes(source.read_bytes())
        else:
            target.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"cannot be written: {error.strerror}", field="out", value=str(target), mend="Name another."
        ) from error


def _check_calibration(checkpoint: Path, found: Checkpoint) -> None:
    """Return if there is no calibration, or one of these weights: with another's no run would start."""
    path = checkpoint / CALIBRATION
    if not path.exists():
        return
    made_for = Calibration.load(path).made_for
    if made_for.weights_sha256 != found.sha256["model.safetensors"]:
        raise CheckpointError(
            f"is the calibration of other weights ({made_for.weights_sha256})",
            field="calibration",
            value=str(path),
            mend="Run `interlock policy calibrate` with this checkpoint, or take the file away.",
        )


def _check_name(name: str) -> None:
    """Return if a folder and a file may be named so."""
    if re.fullmatch(r"[a-z0-9][a-z0-9-]*", name) is None:
        raise CheckpointError(
            "weights cannot ship under this name",
            field="config.name",
            value=name,
            mend="Train a preset: its name is made of small letters, digits and hyphens.",
        )


def _check_size(folder: Path, card: int, out: Path) -> None:
    try:
        others = [path.parent for path in out.parent.glob("*/config.json") if path.parent.name != out.name]
        own = sum(path.stat().st_size for path in folder.iterdir() if path.name != "card.md")
        beside = {each.name: sum(path.stat().st_size for path in each.iterdir()) for each in others}
    except OSError as error:
        raise StorageError(
            f"cannot be read: {error.strerror}", field="out", value=str(error.filename), mend="Name another."
        ) from error
    size = card + own + sum(beside.values())
    if size > LARGEST_BYTES:
        raise CheckpointError(
            f"with {', '.join(beside) or 'nothing'} beside it, it is larger than {LARGEST_BYTES} bytes",
            field="checkpoint",
            value=size,
            mend="Train a smaller preset, or store it with `interlock train --store bfloat16`.",
        )


if __name__ == "__main__":
    sys.exit(main())
