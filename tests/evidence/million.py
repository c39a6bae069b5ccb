"""The runs of the million ticks: seven hostile policies, four robots, four action spaces."""

from __future__ import annotations

from case import Case

__all__ = ["LEAST_TICKS", "million"]

LEAST_TICKS = 1_000_000

_GOALS = {
    "panda_tabletop": "put the red block in the tray",
    "xarm6_tabletop": "put the red block in the tray",
    "iiwa": "move above the blue block and then go home",
    "two_pandas": "move above the yellow block and then go home",  # the blue one is beyond the left arm
}
_RUN_S = 10.0
_LIVELY = ("reckless", "random", "oscillating")
_MUTE = ("nan", "stale", "frozen", "wrong_unit")
_PARTS = (
    ("joint_position", _LIVELY, range(1000, 1055)),
    ("joint_position", _MUTE, range(1000, 1005)),
    (
        "tool_pose",
        _LIVELY,
        range(1100, 1108),
    ),  # seeds of their own: in each space other motions are asked for
    ("tool_delta", _LIVELY, range(1200, 1208)),
    ("tool_step", _LIVELY, range(1300, 1308)),
)


def million() -> list[Case]:
    """1,028 runs of ten simulated seconds, none of them with a seed of the table `hostile`."""
    return [
        Case(
            table="million",
            kind=policy,
            cell=robot,
            policy=policy,
            goal=goal,
            seed=seed,
            gate="on",
            sim_time_s=_RUN_S,
            space=space,
        )
        for space, policies, seeds in _PARTS
        for seed in seeds
        for policy in policies
        for robot, goal in _GOALS.items()
    ]
