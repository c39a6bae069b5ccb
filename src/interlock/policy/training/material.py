"""The sets of a training, split into what is learned from and what is only looked at."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from interlock.errors import BadInputError
from interlock.hal.embodiment import Embodiment
from interlock.policy.dataset.reader import Demonstrations
from interlock.policy.training.lessons import Lesson, prompts_of
from interlock.policy.training.stage import Stage
from interlock.policy.vla.config import VlaConfig
from interlock.policy.vla.statistics import BodyStatistics, StateName, Statistics
from interlock.policy.vla.tokenizer import VlaTokenizer

__all__ = ["Material"]

_FEW = 256
"""Frames that an evaluation looks at, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Sets and their split, by episode.

    Attributes:
        sets: the sets.
        taught: frames to learn from.
        looked_at: frames of episodes that nothing is learned from; none of stills.
    """

    sets: tuple[Demonstrations, ...]
    taught: tuple[Lesson, ...]
    looked_at: tuple[Lesson, ...]

    @classmethod
    def load(
        cls,
        folders: Sequence[Path],
        held_out: float,
        seed: int,
        columns: Collection[str] | None = None,
        max_read_mib: float = math.inf,
    ) -> Material:
        """Read the sets.

        Args:
            folders: theirs.
            held_out: share of the episodes that is only evaluated on.
            seed: decides which.
            columns: names of the columns to read; None for all.
            max_read_mib: what those may take in the files, compressed, over all sets, [MiB].

        Raises:
            BadInputError: if one cannot be used, two are of one name, there is none, or they hold more
                than may be read; of that nothing is read.
        """
        sets = tuple(Demonstrations(folder, columns) for folder in folders)
        names = [folder.name for folder in folders]
        if not sets or len(set(names)) < len(names):
            raise BadInputError(
                "at least one set is needed, and each of its own name",
                field="data",
                value=names,
                mend="Name the folders that `interlock demos` has written: --data DIR/CELL.",
            )
        _check_size(sets, max_read_mib)
        moving = {demos.embodiment.fingerprint for demos in sets if not demos.still}
        for demos in sets:
            if demos.embodiment.fingerprint not in moving:
                raise BadInputError(
                    "stills show no motion, and no other set is of their body",
                    field="data",
                    value=demos.folder.name,
                    mend="Add the set that `interlock demos` wrote for that cell without --stills.",
                )
        taught: list[Lesson] = []
        looked_at: list[Lesson] = []
        for number, demos in enumerate(sets):
            episodes = list(demos.episodes())
            if demos.still:  # as many as one likes are made in minutes: what a model does is judged on motion
                taught.extend(Lesson(number, frame) for episode in episodes for frame in episode)
                continue
            order = np.random.default_rng([seed, number]).permutation(len(episodes))
            aside = set(order[: round(held_out * len(episodes))].tolist())
            for index, episode in enumerate(episodes):
                (looked_at if index in aside else taught).extend(Lesson(number, frame) for frame in episode)
        return cls(sets=sets, taught=tuple(taught), looked_at=tuple(looked_at))

    @property
    def read_mib(self) -> float:
        """What the columns that are read take in the files, compressed, over all sets, [MiB]."""
        return _mib(self.sets)

    def sets_of(self, stage: Stage) -> tuple[Demonstrations, ...]:
        """The sets that a stage learns from.

        Raises:
            BadInputError: if it names a set that is not there.
        """
        names = [demos.folder.name for demos in self.sets]
        for name in stage.sets:
            if name not in names:
                raise BadInputError(
                    "there is no set of this name",
                    field=f"stage {stage.kind}",
                    value=name,
                    mend=f"Known are: {', '.join(names)}.",
                )
        wanted = stage.sets or names
        return tuple(
            demos
            for demos in self.sets
            if demos.folder.name in wanted and not (stage.moves_only and demos.still)
        )

    def of(self, stage: Stage) -> tuple[Lesson, ...]:
        """The frames that a stage learns from.

        Raises:
            BadInputError: if it names a set that is not there.
        """
        wanted = {self.sets.index(demos) for demos in self.sets_of(stage)}
        return tuple(lesson for lesson in self.taught if lesson.demos in wanted)

    def sample(self, seed: int) -> tuple[Lesson, ...]:
        """Frames to evaluate on, always the same; of those learned from if none was put aside."""
        pool = self.looked_at or [lesson for lesson in self.taught if not self.sets[lesson.demos].still]
        order = np.random.default_rng([seed, 1]).permutation(len(pool))[:_FEW]
        return tuple(pool[index] for index in sorted(order.tolist()))

    def statistics(self, constants: Mapping[str, float]) -> Statistics:
        """Percentiles of each body, over what is learned from.

        Raises:
            CheckpointError: if a channel or state does not move and is not declared constant.
        """
        shown: dict[str, list[int]] = {}
        for number, demos in enumerate(self.sets):
            if not demos.still:
                shown.setdefault(demos.embodiment.fingerprint, []).append(number)
        return Statistics(bodies=tuple(self._body(numbers, constants) for numbers in shown.values()))

    def _body(self, numbers: Sequence[int], constants: Mapping[str, float]) -> BodyStatistics:
        """The statistics of one body, over all sets of it."""
        frames = {n: [lesson.frame for lesson in self.taught if lesson.demos == n] for n in numbers}
        first = self.sets[numbers[0]]
        names = first.features.state_names
        known = {*names, *(channel.name for channel in first.embodiment.channels)}
        return BodyStatistics.measure(
            first.embodiment,
            np.concatenate([self.sets[n].chunk[frames[n]] for n in numbers]),
            np.concatenate([self.sets[n].state[frames[n]] for n in numbers]),
            tuple(StateName(name=name, unit=_unit(name)) for name in names),
            {name: value for name, value in constants.items() if name in known},
            skills=self.skills_of(first.embodiment),
        )

    def skills_of(self, body: Embodiment) -> set[str]:
        """What the frames that are learned from show this body do."""
        words = [demos.words("skill") for demos in self.sets]
        return {
            words[lesson.demos][lesson.frame]
            for lesson in self.taught
            if not self.sets[lesson.demos].still and self.sets[lesson.demos].embodiment == body
        }

    def tokenizer(self, config: VlaConfig) -> VlaTokenizer:
        """A tokenizer of every prompt there is, and of every letter for those that are not."""
        rich = config.rich_prompt
        said = {text for demos in self.sets for text in prompts_of(demos, rich=rich)}
        return VlaTokenizer.train(said, config)

    def digests(self) -> dict[str, str]:
        """SHA-256 over the data files of each set, by its name; reads them all."""
        return {demos.folder.name: demos.sha256 for demos in self.sets}


def _mib(sets: Sequence[Demonstrations]) -> float:
    return sum(demos.compressed_bytes for demos in sets) / 2**20


def _check_size(sets: Sequence[Demonstrations], most_mib: float) -> None:
    found_mib = _mib(sets)
    if found_mib > most_mib:
        raise BadInputError(
            f"the columns to read take {found_mib:.1f} MiB in the files, and {most_mib:g} MiB may be read",
            field="max_read_mib",
            value=most_mib,
            mend="Leave a set out, make smaller ones with `interlock demos`, or allow it: "
            f"--max-read-mib {math.ceil(found_mib)}.",
        )


def _unit(name: str) -> str:
    """Unit of a number of `observation.state`."""
    if name.startswith("tool_r"):
        return "1"
    return "m" if name in ("tool_x", "tool_y", "tool_z", "gripper_width") else "rad"
