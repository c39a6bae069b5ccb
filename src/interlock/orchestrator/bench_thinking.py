"""A checkpoint in a cell and what it is asked about, for measuring how long it thinks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from interlock.hal.chunk import ActionChunk
from interlock.hal.frame import Frame
from interlock.hal.scene import Scene
from interlock.hal.state import GripperState, RobotState
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.demo_run import cell_in_space
from interlock.orchestrator.trained_cell import trained_cell
from interlock.policy.dataset.features import Features
from interlock.policy.observation import Observation, TaskView
from interlock.policy.policy import PolicyContext
from interlock.policy.vla.checkpoint import Checkpoint
from interlock.policy.vla.config import VlaConfig
from interlock.policy.vla.instruction import step_prompt
from interlock.policy.vla.learned import LearnedPolicy
from interlock.policy.vla.learned_model import LearnedModel
from interlock.policy.vla.learned_options import LearnedOptions
from interlock.policy.vla.made_up import made_up_checkpoint
from interlock.policy.vla.preset import preset

__all__ = ["Shown", "Thinking"]

_STEP = "pick up the red block"


class Thinking:
    """A checkpoint, the cell that it drives, and one question.

    Args:
        cell: the cell.
        folder: the checkpoint's.

    Attributes:
        cell: the cell, with the policy `vla` in the action space that the checkpoint knows.
        checkpoint: what was loaded.
        words: tokens of the question's prompt.
        frames: random pictures, one for each camera with a role.

    Raises:
        CheckpointError: if the checkpoint cannot be used, or not for this body or these cameras.
    """

    def __init__(self, cell: Cell, folder: Path) -> None:
        self.cell = trained_cell(cell, folder)
        self.checkpoint = Checkpoint.load(folder)
        self._options = {"checkpoint": str(folder)}
        body = self.cell.embodiment()
        prompt = _prompt(self.cell, self.checkpoint.config)
        self.words = len(self.checkpoint.tokenizer.encode(prompt))
        generator = np.random.default_rng(0)
        self.frames = tuple(
            Frame(
                camera=camera.name,
                stamp_ns=0,
                rgb=generator.integers(0, 256, (camera.height_px, camera.width_px, 3), dtype=np.uint8),
                role=camera.role,
            )
            for camera in self.cell.cameras()
            if camera.role
        )
        context = self._context(False)
        self._model = LearnedModel(context, LearnedOptions.read(context.options))
        self._observation = _question(self.cell, self.frames, body.has_gripper)

    @classmethod
    def random(cls, cell: str, name: str, folder: Path) -> Thinking:
        """A preset with random weights, written to a folder first."""
        placed = cell_in_space(cell, "tool_delta")
        features = Features(
            embodiment=placed.embodiment(),
            joints=placed.robot_spec().limits.names,
            cameras=(),
            frame_rate_hz=1.0 / placed.rates.replan_s,
        )
        config = preset(name)
        prompts = [_prompt(placed, config)]
        made_up_checkpoint(config, features.embodiment, features.state_names, prompts).save(folder)
        return cls(Cell.load(cell), folder)

    def answer(self) -> None:
        """Ask once, from an observation to a chunk in physical units."""
        self._model.infer(self._observation, None, 1, 0)

    def policy(self, *, real_time: bool) -> Shown:
        """The policy as a run has it, but for its pictures, which are always the same."""
        return Shown(LearnedPolicy(self._context(real_time)), self.frames)

    def _context(self, real_time: bool) -> PolicyContext:
        return PolicyContext(
            robot=self.cell.robot_spec(),
            embodiment=self.cell.embodiment(),
            seed=0,
            options=self._options,
            cameras=self.cell.cameras(),
            real_time=real_time,
        )


class Shown:
    """A policy that is shown the same pictures at every question.

    Args:
        inner: the policy.
        frames: the pictures.

    Attributes:
        name: the policy's.
        hand_over: the policy's.
        answers: chunks that it has answered.
    """

    def __init__(self, inner: LearnedPolicy, frames: tuple[Frame, ...]) -> None:
        self.name = inner.name
        self.hand_over = inner.hand_over
        self.answers = 0
        self._inner = inner
        self._frames = frames

    def reset(self) -> None:
        """Forget the last run."""
        self._inner.reset()

    def propose(self, observation: Observation) -> ActionChunk | None:
        """What the policy says to this observation with these pictures."""
        chunk = self._inner.propose(replace(observation, frames=self._frames))
        self.answers += chunk is not None
        return chunk


def _prompt(cell: Cell, config: VlaConfig) -> str:
    return step_prompt(cell.embodiment(), _STEP, "approach", rich=config.rich_prompt)


def _question(cell: Cell, frames: tuple[Frame, ...], gripper: bool) -> Observation:
    """At home, standing still, asked for the first thing that can be picked up."""
    home, still = cell.robot_spec().home, np.zeros(cell.robot_spec().dof)
    state = RobotState(
        stamp_ns=0,
        q=home,
        v=still,
        q_commanded=home,
        v_commanded=still,
        a_commanded=still,
        gripper=GripperState(width_m=0.04, force_n=0.0) if gripper else None,
        standstill=True,
    )
    thing = next(each.name for each in cell.domain(0).objects if each.role == "movable")
    task = TaskView(
        task_id="t1",
        skill="pick",
        arguments={"object": thing},
        phase="approach",
        instruction=_STEP,
        target_in_world=None,
        step=_STEP,
    )
    scene = Scene(stamp_ns=0, objects=cell.scene_objects(0))
    return Observation(stamp_ns=0, state=state, scene=scene, frames=frames, task=task)
