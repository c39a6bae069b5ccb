"""The training loop: one step after another, a state now and then, a checkpoint at the end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interlock.errors import BadInputError
from interlock.policy.training.averaged import Averaged
from interlock.policy.training.curve import Curve
from interlock.policy.training.evaluation import Evaluation
from interlock.policy.training.lessons import Lesson, Lessons
from interlock.policy.training.material import Material
from interlock.policy.training.order import Order
from interlock.policy.training.photometry import Photometry
from interlock.policy.training.pieces import latest, save_state
from interlock.policy.training.request import NOTED_LATER, TrainRequest
from interlock.policy.training.schedule import Schedule
from interlock.policy.training.stage import Stage, StageKind
from interlock.policy.training.team import Team
from interlock.policy.training.word_noise import WordNoise
from interlock.policy.vla.inputs import Batch
from interlock.policy.vla.model import LossParts, QwenVla

__all__ = ["Report", "Trainer"]

_CLIP = 1.0
_BETAS = (0.9, 0.95)
_WARMUP_SHARE = 0.03
_GEOMETRY_TIMES = 8  # a step: the pictures are looked at once, and that is what costs time
_ACTION_TIMES = 4
_REPORTED = 20  # steps between rows of the curve


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How far it is: step of all steps, stage, figures of the last row, frames learned from a second."""

    step: int
    steps: int
    stage: str
    figures: dict[str, float]
    frames_per_s: float


class Trainer:
    """Trains a model as a request says, from the last state there is.

    Every draw of a step depends on seed, step and rank alone, so that a run that was cut off and went on is
    the run that was not.

    Args:
        request: what is asked for.
        model: with its first weights.
        material: the sets.
        lessons: makes batches of them.
        team: who trains.
        tell: is told how far it is.
        stop: whether somebody wants it to end; asked after each step.

    Attributes:
        step: steps done.
        average: the averaged weights.
        evaluation: figures of the last evaluation.
        resumed: what was said when an earlier state was taken up, or "".
    """

    def __init__(
        self,
        request: TrainRequest,
        model: QwenVla,
        material: Material,
        lessons: Lessons,
        team: Team,
        tell: Callable[[Report], None],
        stop: Callable[[], bool],
    ) -> None:
        self._request = request
        self._model = model
        self._lessons = lessons
        self._team = team
        self._tell = tell
        self._stop = stop
        if request.precision == "bfloat16" and team.device.type == "cpu":
            model.backbone.attend_plainly()
        self._frames = [material.of(stage) for stage in request.stages]
        self._optimiser = torch.optim.AdamW(_groups(model, request), lr=request.rate, betas=_BETAS)
        self.average = Averaged(model, request.average)
        self._examiner = Evaluation(lessons, material, request.seed)
        self.evaluation: dict[str, float] = {}
        self._told: list[dict[str, float]] = []
        self._decisive = request.decisive() | {"data": material.digests(), "processes": team.world}
        self.step, self.resumed = self._take_up()
        self._curve = Curve(request.out, self.step) if team.leads else None

    def run(self, began_s: float) -> bool:
        """Train until all steps are done; whether they are.

        Args:
            began_s: monotonic time at which the command began, [s].
        """
        request = self._request
        mark, since = time.monotonic(), self.step
        while self.step < request.steps:
            self._learn()
            self.step += 1
            now = time.monotonic()
            if self.step % _REPORTED == 0 or self.step == request.steps:
                pace = (self.step - since) * request.batch / max(now - mark, 1e-9)
                mark, since = now, self.step
                self._report(pace)
            late = request.max_minutes is not None and now - began_s > 60.0 * request.max_minutes
            ending = self._team.agree(late or self._stop())
            if self.step % request.evaluate_every == 0 or self.step == request.steps:
                self._evaluate()
                mark = time.monotonic()
            if self.step % request.save_every == 0 or self.step == request.steps or ending:
                self._save()
            if ending:
                return self.step == request.steps
        return True

    def _learn(self) -> None:
        """One step."""
        request, team = self._request, self._team
        number, stage, inside = request.stage_at(self.step)
        schedule = Schedule(
            peak=stage.rate_share * request.rate,
            steps=stage.steps,
            warmup=min(stage.steps, max(10, round(_WARMUP_SHARE * stage.steps))),
        )
        for group in self._optimiser.param_groups:
            group["lr"] = schedule.at(inside)
        batch = self._batch(number, inside, text_only=stage.text_only).to(team.device)
        generator = torch.Generator().manual_seed(self._draw(2).integers(2**62).item())
        self._model.train()
        parameters: list[torch.nn.Parameter] = list(self._model.parameters())
        if stage.kind in (StageKind.GEOMETRY, StageKind.ACTION):
            parameters = self._part(stage)
            if inside == 0:
                self.average.settle()  # all else stays as it ships
        half = torch.autocast(team.device.type, dtype=torch.bfloat16, enabled=request.precision == "bfloat16")
        losses = self._losses(stage, batch, generator)
        told: list[dict[str, float]] = []
        while True:
            with half:
                parts = next(losses, None)
            if parts is None:
                break
            told.append(self._improve(parts, parameters))
        self.average.update(self.step)
        figures = {name: float(np.mean([each[name] for each in told])) for name in told[0]}
        self._told.append({**figures, "rate": schedule.at(inside)})

    def _part(self, stage: Stage) -> list[torch.nn.Parameter]:
        """What learns in a stage that leaves the rest alone."""
        geometry = stage.kind is StageKind.GEOMETRY
        return self._model.geometry_parameters() if geometry else self._model.action_parameters()

    def _losses(self, stage: Stage, batch: Batch, generator: torch.Generator) -> Iterator[LossParts]:
        """What a step learns from, one after the other."""
        if stage.kind is StageKind.GEOMETRY:
            yield from self._model.geometry_losses(batch, generator, _GEOMETRY_TIMES)
        elif stage.kind is StageKind.ACTION:
            yield from self._model.action_losses(batch, generator, _ACTION_TIMES, draws=self._request.draws)
        else:
            yield self._model.loss(batch, generator, draws=self._request.draws)

    def _improve(self, parts: LossParts, parameters: list[torch.nn.Parameter]) -> dict[str, float]:
        """Change these weights once; figures of it."""
        self._optimiser.zero_grad(set_to_none=True)
        parts.total.backward()
        self._team.share_gradients(parameters)
        norm = torch.nn.utils.clip_grad_norm_(parameters, _CLIP)
        total = float(parts.total.detach())
        if not (math.isfinite(total) and math.isfinite(float(norm))):
            raise BadInputError(
                "the loss is not finite any more",
                field="rate",
                value=self._request.rate,
                mend="Lessen --rate; the last state is kept.",
            )
        self._optimiser.step()
        return {
            "loss": total,
            "action_loss": float(parts.action),
            "grounding_loss": float(parts.grounding),
            "gradient_norm": float(norm),
        }

    def _batch(self, stage: int, inside: int, *, text_only: bool) -> Batch:
        frames, team = self._frames[stage], self._team
        order = Order(
            frames=len(frames),
            batch=self._request.batch,
            seed=self._request.seed + 1000 * stage,
            rank=team.rank,
            world=team.world,
        )
        picked: list[Lesson] = [frames[index] for index in order.of(inside)]
        return self._lessons.batch(
            picked, text_only=text_only, light=Photometry(self._draw(1)), words=WordNoise(self._draw(3))
        )

    def _draw(self, purpose: int) -> np.random.Generator:
        return np.random.default_rng([self._request.seed, purpose, self.step, self._team.rank])

    def _report(self, pace: float) -> None:
        figures = {name: float(np.mean([row[name] for row in self._told])) for name in self._told[0]}
        self._told.clear()
        _, stage, _ = self._request.stage_at(self.step - 1)
        self._row(stage.kind, figures | {"frames_per_s": pace})
        if self._team.leads:
            self._tell(
                Report(
                    step=self.step,
                    steps=self._request.steps,
                    stage=stage.kind,
                    figures=figures,
                    frames_per_s=pace,
                )
            )

    def _evaluate(self) -> None:
        _, stage, _ = self._request.stage_at(self.step - 1)
        if self._team.leads and not stage.text_only:
            with self.average.in_place():
                self.evaluation = self._examiner.of(self._model, self._team.device)
            self._row(stage.kind, self.evaluation)

    def _row(self, stage: str, figures: dict[str, float]) -> None:
        if self._curve is not None:
            self._curve.add({"step": self.step, "stage": stage} | figures)

    def draw_curves(self) -> None:
        """Write the page with the curves."""
        if self._curve is not None:
            self._curve.draw()

    def _save(self) -> None:
        if not self._team.leads:
            return
        tensors: dict[str, Tensor] = {f"model/{k}": v for k, v in self._model.named_parameters()}
        tensors |= {f"average/{k}": v for k, v in self.average.weights.items()}
        for name, parameter in self._model.named_parameters():
            for key, value in self._optimiser.state.get(parameter, {}).items():
                tensors[f"optimiser/{name}/{key}"] = value
        info = {"decisive": self._decisive, "evaluation": self.evaluation}
        save_state(self._request.out / "states", self.step, tensors, info)

    def _take_up(self) -> tuple[int, str]:
        """Go on from the newest whole state, if there is one."""
        found = latest(self._request.out / "states")
        if found is None:
            return 0, ""
        step, tensors, info, damaged = found
        noted = NOTED_LATER | info.get("decisive", {})
        if noted != self._decisive:
            raise _other_request(noted, self._decisive, self._request.out)
        with torch.no_grad():
            for name, parameter in self._model.named_parameters():
                parameter.copy_(tensors[f"model/{name}"])
                kept = {
                    key.rpartition("/")[2]: value
                    for key, value in tensors.items()
                    if key.rpartition("/")[0] == f"optimiser/{name}"
                }
                if kept:
                    self._optimiser.state[parameter] = {
                        key: value if key == "step" else value.to(parameter.device)
                        for key, value in kept.items()
                    }
        self.average.load(
            {k.removeprefix("average/"): v for k, v in tensors.items() if k.startswith("average/")}
        )
        self.evaluation = dict(info.get("evaluation", {}))
        broken = f" ({', '.join(damaged)} damaged)" if damaged else ""
        return step, f"goes on from step {step}{broken}"


def _groups(model: QwenVla, request: TrainRequest) -> list[dict[str, Any]]:
    """Matrices decay, vectors do not."""
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    return [
        {"params": matrices, "weight_decay": request.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]


def _other_request(kept: dict[str, Any], wanted: dict[str, Any], out: Path) -> BadInputError:
    differ = [
        name
        for name in {**wanted, **kept}
        if (name in kept, kept.get(name)) != (name in wanted, wanted.get(name))
    ]
    field = next((name for name in differ if name in kept), differ[0])
    with_version = "" if field in kept else " with the version that began it"
    return BadInputError(
        "the training in this folder was begun with something else here"
        if field in kept
        else "the training in this folder was begun by an earlier version, which did not note this",
        field=field,
        value=kept.get(field),
        mend=f"Run the command that began it{with_version}, or name a new folder than {out} with --out.",
    )
