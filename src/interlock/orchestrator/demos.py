"""`interlock demos`: as many demonstrations as asked for, on disk, however often the command is cut off."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from interlock.errors import BadInputError, StoppedError
from interlock.orchestrator.axes import Axis
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.cell_schema import ActionSpace
from interlock.orchestrator.demo_pool import played_in_order
from interlock.orchestrator.demo_run import DemoOrder, cell_in_space
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.reachability import make_reachable
from interlock.planners.domain import Role
from interlock.planners.search import plan_goal
from interlock.policy.dataset.features import Features
from interlock.policy.dataset.head import Head
from interlock.policy.dataset.writer import DatasetWriter

__all__ = ["USUAL_NOISE", "DemosRequest", "DemosSummary", "Progress", "default_goals", "make_demos"]

USUAL_NOISE = 1.0
"""Level of the noise on the motion where none is asked for."""

_VERSIONS = ("interlock", "numpy", "pillow", "pin", "pyarrow", "pybullet")
_MOST_FAILURES = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class DemosRequest:
    """What is asked for.

    Attributes:
        cell: file or name of the cell.
        episodes: how many are wanted, failed ones not counted.
        out: folder of the set.
        seed: decides everything.
        noise: level of the noise on the motion.
        axes: what is varied.
        goals: goals in words, taken in turn; none: the cell's blocks into its trays.
        action_space: what actions are in.
        workers: processes that play.
        max_bytes: stop before the files are larger, [B]; None for no bound.
        keep_failed: whether demonstrations that missed their goal are kept too.
        stills: pictures an episode in which nothing moves, instead of demonstrations (`still_run`).
    """

    cell: str
    episodes: int
    out: Path
    seed: int = 0
    noise: float = USUAL_NOISE
    axes: tuple[Axis, ...] = tuple(Axis)
    goals: tuple[str, ...] = ()
    action_space: ActionSpace = "tool_delta"
    workers: int = 1
    max_bytes: int | None = None
    keep_failed: bool = False
    stills: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far it is: episodes kept, attempts that failed, frames, bytes, and why the last one failed."""

    episodes: int
    failed: int
    frames: int
    nbytes: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemosSummary:
    """What is there now; `full` says that `max_bytes` ended it."""

    cell: str
    folder: str
    episodes: int
    failed: int
    frames: int
    nbytes: int
    full: bool


def make_demos(
    request: DemosRequest, tell: Callable[[Progress], None], interrupts: Interrupts
) -> DemosSummary:
    """Make demonstrations until there are as many as asked for, going on where an earlier command ended.

    Args:
        request: what is asked for.
        tell: is told how far it is, after each attempt.
        interrupts: Ctrl-C: the set is then closed so that it can be read.

    Raises:
        BadInputError: if the request cannot be met, or the folder holds something else.
        StorageError: if the folder cannot be written.
        StoppedError: after Ctrl-C.
    """
    cell = cell_in_space(request.cell, request.action_space)
    asked = request.goals or default_goals(cell)
    goals = () if request.stills else asked
    for goal in goals:
        plan_goal(goal, cell.domain(0), make_reachable(cell.robot_spec(), cell.zones()))
    writer = DatasetWriter(request.out, _head(request, cell, goals))
    order = DemoOrder(
        cell=request.cell,
        action_space=request.action_space,
        goals=goals,
        axes=request.axes,
        noise=request.noise,
        seed=request.seed,
        attempt=writer.next_attempt,
        stills=request.stills,
    )
    full = stopped = False
    tried = writer.next_attempt
    try:
        full, tried = _fill(writer, order, request, tell, interrupts)
    except KeyboardInterrupt:
        stopped = True
    interrupts.defer()  # Ctrl-C is remembered while meta/ is written
    writer.seal(max(tried, writer.next_attempt) - writer.episodes)
    if stopped or interrupts.cause:
        raise StoppedError(
            f"{interrupts.cause or 'operator: Ctrl-C'}; {writer.episodes} of {request.episodes} episodes of "
            f"{cell.name} are kept and can be read",
            mend="Run the same command again: it goes on there.",
        )
    return DemosSummary(
        cell=cell.name,
        folder=str(request.out),
        episodes=writer.episodes,
        failed=max(tried, writer.next_attempt) - writer.episodes,
        frames=writer.frames,
        nbytes=writer.nbytes,
        full=full,
    )


def _fill(
    writer: DatasetWriter,
    order: DemoOrder,
    request: DemosRequest,
    tell: Callable[[Progress], None],
    interrupts: Interrupts,
) -> tuple[bool, int]:
    """Add episodes; whether the bound on bytes ended it, and how many attempts were made from the first."""
    tried, in_a_row = order.attempt, 0
    _report(writer, tried, "", tell)
    if writer.episodes >= request.episodes:
        return False, tried
    with closing(played_in_order(order, request.workers, interrupts)) as attempts:
        for played in attempts:
            if played.stopped or interrupts.cause:
                return False, tried
            tried = played.attempt + 1
            episode = played.episode
            if episode is not None and episode.frames and (episode.success or request.keep_failed):
                if played.attempt < writer.next_attempt:
                    continue  # a file behind the gap that was just filled holds it already
                if request.max_bytes is not None and _would_burst(writer, request.max_bytes):
                    return True, played.attempt
                writer.add(episode)
                in_a_row = 0
            else:
                in_a_row += 1
            _report(writer, tried, played.reason, tell)
            if writer.episodes >= request.episodes:
                break
            if in_a_row >= _MOST_FAILURES:
                raise BadInputError(
                    f"{in_a_row} demonstrations in a row missed their goal, the last one: {played.reason}",
                    field="noise",
                    value=request.noise,
                    mend="Lessen --noise or vary less with --variation.",
                )
    return False, tried


def _would_burst(writer: DatasetWriter, max_bytes: int) -> bool:
    """Whether another episode of the usual size is too much."""
    size = writer.nbytes
    return size + size // max(1, writer.episodes) > max_bytes


def _report(writer: DatasetWriter, tried: int, reason: str, tell: Callable[[Progress], None]) -> None:
    tell(
        Progress(
            episodes=writer.episodes,
            failed=max(tried, writer.next_attempt) - writer.episodes,
            frames=writer.frames,
            nbytes=writer.nbytes,
            reason=reason,
        )
    )


def default_goals(cell: Cell) -> tuple[str, ...]:
    """Each block into each tray; where there is no tray, each block picked up.

    Raises:
        BadInputError: if the cell has nothing to pick up.
    """
    things = cell.file.scene.objects
    blocks = [f"{thing.color} {thing.noun}".strip() for thing in things if thing.role is Role.MOVABLE]
    trays = [thing.noun for thing in things if thing.role is Role.SUPPORT and thing.stands_on is not None]
    if not blocks:
        raise BadInputError(
            "the cell has nothing to pick up", field="cell", value=cell.name, mend="Name a --goal."
        )
    if not trays:
        return tuple(f"pick up the {block}" for block in blocks)
    return tuple(f"put the {block} in the {tray}" for tray in trays for block in blocks)


def _head(request: DemosRequest, cell: Cell, goals: tuple[str, ...]) -> Head:
    cameras = tuple(camera for camera in cell.cameras() if camera.role)
    return Head(
        features=Features(
            embodiment=cell.embodiment(),
            joints=cell.robot_spec().limits.names,
            cameras=cameras,
            frame_rate_hz=1.0 / cell.rates.replan_s,
        ),
        cell=cell.name,
        cell_sha256=Cell.load(request.cell).sha256,
        base_in_world=tuple(float(number) for number in cell.robot_spec().base_in_world.ravel()),
        command=_decisive(request, goals),
        versions={name: importlib.metadata.version(name) for name in _VERSIONS},
    )


def _decisive(request: DemosRequest, goals: tuple[str, ...]) -> dict[str, object]:
    """What an episode depends on; --episodes, --workers and --max-bytes do not change what it is."""
    both: dict[str, object] = {
        "seed": request.seed,
        "variation": [axis.value for axis in request.axes],
        "action_space": request.action_space,
    }
    if request.stills:
        return both | {"stills": request.stills}
    return both | {"noise": request.noise, "goals": list(goals), "keep_failed": request.keep_failed}
