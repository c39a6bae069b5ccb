"""What a learned policy is told to do, in both forms."""

from __future__ import annotations

from tests.policy.vla.models import body

from interlock.policy.vla.instruction import instruction_of, step_prompt
from interlock.policy.vla.prompt import write_prompt


def test_names_the_step_and_its_phase() -> None:
    assert instruction_of(" pick up the red block. ", "approach") == "pick up the red block, phase approach"


def test_step_without_a_phase_stands_alone() -> None:
    assert instruction_of(" pick up the red block. ", "") == "pick up the red block"
    told = step_prompt(body(), "pick up the red block.", "", rich=False)
    assert told.endswith("following task: pick up the red block.")


def test_sentence_is_of_the_form_that_is_asked_for() -> None:
    said = instruction_of("go", "approach")
    plain, rich = (step_prompt(body(), "go", "approach", rich=each) for each in (False, True))
    assert plain == write_prompt(body(), said)
    assert rich == write_prompt(body(), said, rich=True)
    assert "joint_6 in rad from -2.5 to 2.5" in rich
    assert "joint_6" not in plain
