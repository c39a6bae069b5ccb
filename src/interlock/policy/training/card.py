"""The model card of a training: what went in, how, and what came out."""

from __future__ import annotations

import importlib.metadata
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from interlock.policy.dataset.reader import Demonstrations
from interlock.policy.training.material import Material
from interlock.policy.training.request import TrainRequest
from interlock.policy.vla.shipped_weights import name_of

__all__ = ["Card"]

_PACKAGES = ("interlock", "numpy", "tokenizers", "torch", "transformers")
_NUMBERS = ("batch", "rate", "seed", "draws", "weight_decay", "average", "held_out")


@dataclass(frozen=True, slots=True)
class Card:
    """Facts only; whoever evaluates the policy adds its success rates with n and interval.

    Attributes:
        request: what was asked for.
        material: what was learned from.
        figures: the last evaluation.
        before: card of the checkpoint that the training began from, or "".
        processes: how many shared the training; each draws its own noise.
    """

    request: TrainRequest
    material: Material
    figures: Mapping[str, float]
    before: str = ""
    processes: int = 1

    def text(self) -> str:
        """Markdown."""
        frames = f"{len(self.material.taught)} frames, {len(self.material.looked_at)} put aside"
        lines = [
            f"# {self.request.preset}",
            "",
            "A vision-language-action policy, trained from nothing but the demonstrations below"
            f"{self._lent()}.",
            "",
            "## Data",
            "",
            *self._data(),
            "",
            "## Training",
            "",
            f"    {self.command()}",
            "",
            f"Learned from {frames}, with {', '.join(f'{name} {_version(name)}' for name in _PACKAGES)}. "
            f"What was read takes {self.material.read_mib:.1f} MiB in the files, compressed.",
            *self._origin(),
            "",
            "## Errors on frames put aside (median, chunks from all of the noise)",
            "",
            *[f"- {name}: {value:.3g}" for name, value in self.figures.items()],
            "",
            "These are no success rates; `interlock policy eval` measures those.",
            "",
            "## Limits",
            "",
            "- Only the bodies, cameras, steps and phases of the data; another body is refused at loading.",
            "- Nothing that it proposes is trusted: it moves a robot through the gate alone.",
            "",
        ]
        return "\n".join(lines)

    def command(self) -> str:
        """The command that makes it again."""
        request = self.request
        words = ["interlock", "train"]
        if self.processes > 1:
            words = ["torchrun", "--nproc-per-node", str(self.processes), "-m", "interlock.policy.training"]
        words += ["--preset", request.preset, "--out", request.out.name]
        for folder in request.data:
            words += ["--data", folder.name]
        for stage in request.stages:
            words += ["--stage", str(stage)]
        for name in _NUMBERS:
            words += [f"--{name.replace('_', '-')}", str(getattr(request, name))]
        words += ["--precision", request.precision, "--store", request.store]
        words += ["--max-read-mib", str(request.max_read_mib)]
        words += ["--rich-prompt"] if request.rich_prompt else []
        words += [] if request.attention is None else ["--attention", request.attention.value]
        for name, value in request.constants:
            words += ["--constant", f"{name}={value}"]
        for option, begun in (("--from", request.begin_from), ("--decoder-from", request.decoder_from)):
            if begun is not None:
                words += [option, _named(begun)]
        return shlex.join(words)

    def _lent(self) -> str:
        """What it saw by way of other weights."""
        lender = self.request.decoder_from
        before = "what the weights that it began from had seen (their card is quoted)" if self.before else ""
        lent = "" if lender is None else f"those of {_named(lender)}, with whose decoder it began"
        return "".join(f", and {seen}" for seen in (before, lent) if seen)

    def _origin(self) -> list[str]:
        """The card of the weights that it began from, quoted."""
        if not self.before:
            return []
        return [
            "",
            "It began from the weights of this card:",
            "",
            *[f"> {x}" for x in self.before.split("\n")],
        ]

    def _data(self) -> list[str]:
        lines: list[str] = []
        for demos in self.material.sets:
            head = demos.head
            lines += [
                f"- `{demos.folder.name}`: {len(head.episodes)} episodes, {len(demos)} frames of "
                f"{head.cell} ({demos.embodiment.tag}); {head.failed} attempts that failed are left out. "
                f"SHA-256 over its data files: `{demos.sha256}`.",
                "",
                f"      {_demos(demos)}",
                "",
            ]
        return lines[:-1]


def _demos(demos: Demonstrations) -> str:
    """The command that makes a set again."""
    head, told = demos.head, demos.head.command
    words = ["interlock", "demos", "--cell", head.cell, "--episodes", str(len(head.episodes))]
    for name in ("seed", "noise", "action_space"):
        if name in told:
            words += [f"--{name.replace('_', '-')}", f"{told[name]}"]
    if "variation" in told:
        words += ["--variation", ",".join(told["variation"]) or "none"]
    for goal in told.get("goals", ()):
        words += ["--goal", goal]
    if "stills" in told:
        words += ["--stills", str(told["stills"])]
    return shlex.join([*words, *(["--keep-failed"] if told.get("keep_failed") else [])])


def _named(folder: Path) -> str:
    """Weights that ship by their name, others by the end of their folder's."""
    return name_of(folder) or "/".join(folder.parts[-2:])


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
