"""How the time τ of the flow is drawn in training and walked through when sampling."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from interlock.errors import CheckpointError
from interlock.policy.vla.strict_json import came_later

__all__ = ["FlowSettings", "TauLaw"]

_MOST_STEPS = 100
"""A file that asks for more would keep a robot waiting, or take all memory there is."""


class TauLaw(StrEnum):
    """Distribution of τ in training; τ = 0 is the clean chunk, τ = 1 is noise."""

    SIGMOID_NORMAL = "sigmoid_normal"
    BETA = "beta"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSettings:
    """Laws of τ, their parameters, and the number of Euler steps.

    Qwen-VLA §5.2.1 (arXiv 2605.30280): sigmoid-normal in text-to-action pretraining and Beta afterwards
    was the best pair. It prints no parameters; Beta(1.5, 1) · 0.999 + 0.001 is that of π0's public code, and
    mean 0, deviation 1 are the usual ones.

    Attributes:
        text_tau: law while text alone conditions the actions.
        main_tau: law afterwards.
        normal_mean: mean of the normal inside the sigmoid.
        normal_std: its deviation.
        beta_a: first parameter of Beta.
        beta_b: second one.
        tau_min: smallest τ that Beta's law can give.
        euler_steps: steps from τ = 1 to τ = 0.
        temperature: factor on the noise that the first sample starts from, 0 to 2; the samples beside it,
            which say how sure it is, start from all of it. At 0 the same question gets the same chunk,
            whatever the seed, and an arm that is asked again and again does not tremble; where the arm was
            hindered for half a second, the next ones start from all of the noise (`vla.standing`).
    """

    text_tau: TauLaw
    main_tau: TauLaw
    normal_mean: float
    normal_std: float
    beta_a: float
    beta_b: float
    tau_min: float
    euler_steps: int
    temperature: float = came_later(1.0)

    def __post_init__(self) -> None:
        if self.euler_steps < 1 or min(self.normal_std, self.beta_a, self.beta_b) <= 0.0:
            raise CheckpointError(
                "steps, deviation and Beta's parameters must be positive",
                field="config.flow",
                mend="Give numbers above 0, and at least one step.",
            )
        if self.euler_steps > _MOST_STEPS:
            raise CheckpointError(
                f"at most {_MOST_STEPS} steps are integrated",
                field="config.flow.euler_steps",
                value=self.euler_steps,
                mend=f"Give 1 to {_MOST_STEPS}.",
            )
        if not 0.0 <= self.temperature <= 2.0:
            raise CheckpointError(
                "must lie in [0, 2]",
                field="config.flow.temperature",
                value=self.temperature,
                mend="1 is all of the noise that it learned from, 0 none.",
            )
        if not 0.0 <= self.tau_min < 1.0:
            raise CheckpointError(
                "must lie in [0, 1)",
                field="config.flow.tau_min",
                value=self.tau_min,
                mend="Give a number from 0 to below 1.",
            )
