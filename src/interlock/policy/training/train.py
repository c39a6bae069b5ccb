"""One training from the sets to a checkpoint."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from interlock.errors import BadInputError, CheckpointError, StorageError
from interlock.policy.training.card import Card
from interlock.policy.training.denormals import denormals_flushed
from interlock.policy.training.lessons import Lessons
from interlock.policy.training.material import Material
from interlock.policy.training.needed_columns import needed_columns
from interlock.policy.training.request import TrainRequest
from interlock.policy.training.stage import StageKind
from interlock.policy.training.team import Team
from interlock.policy.training.trainer import Report, Trainer
from interlock.policy.vla.adopted_decoder import with_decoder_of
from interlock.policy.vla.checkpoint import Checkpoint
from interlock.policy.vla.config import Grounding, InputKind, VlaConfig
from interlock.policy.vla.model import QwenVla
from interlock.policy.vla.statistics import Statistics

__all__ = ["TrainSummary", "train"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSummary:
    """How it ended.

    Attributes:
        done: whether every step was made.
        steps: steps done.
        frames: frames learned from.
        checkpoint: folder of the checkpoint; "" if it is not done.
        figures: the last evaluation.
    """

    done: bool
    steps: int
    frames: int
    checkpoint: str
    figures: dict[str, float]

    def to_json(self) -> str:
        """As one JSON object."""
        return json.dumps(asdict(self))


def train(
    request: TrainRequest,
    tell: Callable[[Report], None] = lambda report: None,
    say: Callable[[str], None] = lambda text: None,
    stop: Callable[[], bool] = lambda: False,
) -> TrainSummary:
    """Train, going on from the last state in `request.out`.

    Args:
        request: what is asked for.
        tell: is told how far it is.
        say: is told what a person should know.
        stop: whether somebody wants it to end; a state is then written first.

    Raises:
        BadInputError: if a set cannot be used, or the folder holds another training.
        CheckpointError: if the bodies of the sets do not fit the model.
        StorageError: if the folder cannot be written.
    """
    began_s = time.monotonic()
    torch.set_num_threads(request.threads)
    _make(request.out)
    team = Team.join(request.device)
    try:
        begun = None if request.begin_from is None else Checkpoint.load(request.begin_from)
        columns = needed_columns(request.new_config() if begun is None else begun.config)
        limit_mib = request.max_read_mib
        material = Material.load(request.data, request.held_out, request.seed, columns, limit_mib)
        start = _start(request, material, begun)
        _check_stages(request, start.config, material)
        model = start.model.to(team.device).requires_grad_(True)
        lessons = Lessons(material.sets, start.config, start.tokenizer, start.statistics)
        trainer = Trainer(request, model, material, lessons, team, tell, stop)
        if team.leads:
            say(_opening(material, model, team, trainer.resumed))
        with denormals_flushed():
            done = trainer.run(began_s)
        trainer.draw_curves()
        if done and team.leads:
            _write(request, material, start, trainer, team.world)
        return TrainSummary(
            done=done,
            steps=trainer.step,
            frames=len(material.taught),
            checkpoint=str(_checkpoint(request)) if done else "",
            figures=trainer.evaluation,
        )
    finally:
        team.leave()


def _opening(material: Material, model: QwenVla, team: Team, resumed: str) -> str:
    parameters = sum(parameter.numel() for parameter in model.parameters())
    frames = f"{len(material.taught)} frames to learn from, {len(material.looked_at)} put aside"
    read = f"{material.read_mib:.1f} MiB of compressed data read"
    said = f"{frames}; {read}; {parameters / 1e6:.2f} M parameters on {team.device}, {team.world} processes"
    return f"{said}; {resumed}" if resumed else said


def _checkpoint(request: TrainRequest) -> Path:
    return request.out / "checkpoint"


def _write(
    request: TrainRequest, material: Material, start: Checkpoint, trainer: Trainer, processes: int
) -> None:
    """The checkpoint, with the averaged weights."""
    with trainer.average.in_place():
        Checkpoint(
            model=start.model,
            statistics=start.statistics,
            tokenizer=start.tokenizer,
            card=Card(request, material, trainer.evaluation, start.card, processes).text(),
            sha256={},
            stored=request.store,
        ).save(_checkpoint(request))


def _start(request: TrainRequest, material: Material, begun: Checkpoint | None) -> Checkpoint:
    """Weights, tokenizer and statistics to begin with; those of `begun`, if there is one."""
    start = _own_start(request, material, begun)
    if request.decoder_from is None:
        return start
    return with_decoder_of(start, Checkpoint.load(request.decoder_from))


def _own_start(request: TrainRequest, material: Material, begun: Checkpoint | None) -> Checkpoint:
    if begun is not None:
        if request.constants:
            raise BadInputError(
                "weights that are gone on with keep the scales, and the constants, that they were made with",
                field="constant",
                value=request.constants[0][0],
                mend="Leave --constant out, or begin anew without --from.",
            )
        _check_begun(request, begun.config)
        _check_sets(material, begun.config)
        return replace(begun, statistics=_with_skills(begun.statistics, material))
    config = request.new_config()
    _check_sets(material, config)
    torch.manual_seed(request.seed)
    return Checkpoint(
        model=QwenVla(config),
        statistics=material.statistics(dict(request.constants)),
        tokenizer=material.tokenizer(config),
        card="",
        sha256={},
    )


def _check_begun(request: TrainRequest, config: VlaConfig) -> None:
    """What is asked of a new model, a checkpoint that is begun from has to say of itself already."""
    own = config.decoder.attention
    if request.attention is not None and request.attention is not own:
        raise BadInputError(
            f"weights that are gone on with keep the attention that they were made with, {own.value}",
            field="attention",
            value=request.attention.value,
            mend="Leave --attention out, or begin anew without --from.",
        )
    if request.rich_prompt and not config.rich_prompt:
        raise BadInputError(
            "weights that are gone on with keep the sentence that they were made with, the published one",
            field="rich_prompt",
            value=True,
            mend="Leave --rich-prompt out, or begin anew without --from.",
        )


def _check_stages(request: TrainRequest, config: VlaConfig, material: Material) -> None:
    for stage in request.stages:
        if stage.kind is not StageKind.GEOMETRY:
            continue
        if config.grounding is Grounding.OFF:
            raise BadInputError(
                "a model that does not look for things in pictures has no geometry to learn",
                field="stage",
                value=f"{stage}",
                mend="Leave that stage out.",
            )
        for demos in material.sets_of(stage):
            for role in config.cameras:
                if not demos.projection(role).any():
                    raise BadInputError(
                        "nobody knows what this camera's matrix was, and geometry is learned from matrices",
                        field=f"data {demos.folder.name}",
                        value=role,
                        mend="Leave the stage geometry out, or make the set again with cameras that say it.",
                    )


def _check_sets(material: Material, config: VlaConfig) -> None:
    for demos in material.sets:
        if demos.still and config.inputs is InputKind.SCENE:
            raise BadInputError(
                "a model that is told where things are learns nothing from stills",
                field=f"data {demos.folder.name}",
                value=config.name,
                mend="Leave that set out, or name a preset that looks through cameras.",
            )
        for role in config.cameras:
            if role not in demos.roles:
                raise BadInputError(
                    "the set lacks a camera that the model looks through",
                    field=f"data {demos.folder.name}",
                    value=role,
                    mend=f"Give a camera of the cell this role and make the set again; it has {demos.roles}.",
                )


def _with_skills(statistics: Statistics, material: Material) -> Statistics:
    """The same scales, and beside the skills that were taught before those that the sets show.

    Raises:
        CheckpointError: if a set is of a body that they are not for, or of which they were told other things.
    """
    for demos in material.sets:
        body = statistics.of(demos.embodiment)
        known, shown = tuple(each.name for each in body.state), demos.features.state_names
        if body.state and known != shown:
            raise CheckpointError(
                f"the weights to begin from were told other things of {body.tag}, or in another order",
                field="from.statistics.state",
                value=known,
                mend=f"Here they are {', '.join(shown)}. Name others with --from, or none.",
            )
    return Statistics(
        bodies=tuple(
            replace(body, skills=tuple(sorted({*body.skills, *material.skills_of(body.embodiment)})))
            for body in statistics.bodies
        )
    )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"the folder of the training cannot be made: {error.strerror}",
            field="out",
            value=str(folder),
            mend="Name a folder that can be written with --out.",
        ) from error
