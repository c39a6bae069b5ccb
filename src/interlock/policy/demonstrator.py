"""The scripted expert as a teacher: notes what it saw and wanted, and lets noise push what is played."""

from __future__ import annotations

from interlock.hal.bounds import object_size
from interlock.hal.chunk import ActionChunk
from interlock.policy.dataset.episode import DemoFrame
from interlock.policy.dataset.pictures import encode
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.motion_noise import MotionNoise
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext
from interlock.policy.proprioception import state_numbers
from interlock.policy.scripted import ScriptedPolicy

__all__ = ["Demonstrator"]


class Demonstrator:
    """Proposes the expert's chunk with noise on it, and keeps the clean one beside what was then seen.

    Args:
        context: as for any policy; it looks through every camera that has a role.
        noise: level of the noise, 0 for none.

    Attributes:
        roles: the cameras it looks through.
        frames: what it noted, one frame a proposal.
    """

    name = "demonstrator"

    def __init__(self, context: PolicyContext, noise: float) -> None:
        self._expert = ScriptedPolicy(context)
        self._kinematics = ToolKinematics(context.robot)
        self._noise = MotionNoise(context.embodiment, noise, context.seed)
        self._has_gripper = context.embodiment.has_gripper
        self.roles = frozenset(camera.role for camera in context.cameras if camera.role)
        self.frames: list[DemoFrame] = []

    def reset(self) -> None:
        """Forget the last run."""
        self._expert.reset()
        self.frames.clear()

    def propose(self, observation: Observation) -> ActionChunk | None:
        """The expert's chunk, pushed; or None to wait, which is no lesson."""
        clean = self._expert.propose(observation)
        if clean is None:
            return None
        self.frames.append(self._frame(observation, clean))
        return self._noise.disturb(clean, observation.task.phase)

    def _frame(self, observation: Observation, clean: ActionChunk) -> DemoFrame:
        state, task = observation.state, observation.task
        tool = self._kinematics.tool_in_world(state.q)
        grip = state.gripper if self._has_gripper else None
        anchor = clean.anchor
        if anchor is None:
            anchor = self._kinematics.tool_in_world(state.q_commanded)
        thing = observation.scene.find(task.arguments.get("object", ""))
        return DemoFrame(
            pictures={frame.role: encode(frame.rgb) for frame in observation.frames},
            projections={f.role: f.projection for f in observation.frames if f.projection is not None},
            time_s=observation.stamp_ns * 1e-9,
            state=state_numbers(tool, None if grip is None else grip.width_m, state.q),
            chunk=clean.samples[0],
            anchor=anchor,
            task_object=None if thing is None else thing.object_in_world,
            task_object_size=None if thing is None else object_size(thing),
            task_target=task.target_in_world,
            phase=task.phase,
            skill=task.skill,
            step=task.step,
        )
