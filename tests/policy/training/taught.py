"""A small set of demonstrations made of numbers: a red square that the tool goes to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from tests.policy.dataset.two_cameras import two_cameras

from interlock.hal.embodiment import Channel, ChannelKind, Embodiment, Reference
from interlock.policy.dataset.episode import DemoFrame, Episode
from interlock.policy.dataset.features import Features
from interlock.policy.dataset.head import Head
from interlock.policy.dataset.pictures import encode
from interlock.policy.dataset.writer import DatasetWriter

__all__ = ["BODY", "PROJECTION", "frame", "write_set"]

SIDE, HORIZON = 128, 8
PROJECTION = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
"""A camera that looks down: column and row are x and y, [m]."""


def _channel(name: str, kind: ChannelKind, reference: Reference) -> Channel:
    return Channel(name=name, kind=kind, unit="m", frame="world", reference=reference, lower=-1.0, upper=1.0)


BODY = Embodiment(
    tag="pointer",
    channels=(
        *(_channel(f"tool_{axis}", ChannelKind.TOOL_POSITION, Reference.CHUNK_START) for axis in "xyz"),
        _channel("gripper_width", ChannelKind.GRIPPER_WIDTH, Reference.ABSOLUTE),
    ),
    rate_hz=25.0,
    horizon=HORIZON,
)


def frame(generator: np.random.Generator, *, wrist: bool = False) -> DemoFrame:
    """The tool somewhere, a red square somewhere, and the straight way there.

    Nobody knows the wrist camera's matrix, or with `wrist` it is `PROJECTION` from the tool.
    """
    tool, thing = generator.uniform(0.2, 0.8, 3), generator.uniform(0.2, 0.8, 3)
    picture = np.full((SIDE, SIDE, 3), 90, np.uint8)
    column, row = (int(SIDE * value) for value in thing[:2])
    picture[row - 6 : row + 6, column - 6 : column + 6] = (220, 30, 30)
    way = np.linspace(0.0, 1.0, HORIZON)[:, None] * (thing - tool)
    width = np.linspace(0.0, generator.uniform(0.02, 0.08), HORIZON)[:, None]
    anchor, pose = np.eye(4), np.eye(4)
    anchor[:3, 3], pose[:3, 3] = tool, thing
    turned = generator.uniform(-1.0, 1.0, 6)
    hand = np.eye(4)
    hand[:3] = np.column_stack([turned[:3], turned[3:], np.cross(turned[:3], turned[3:]), tool])
    carried = {"wrist": PROJECTION @ np.linalg.inv(hand)} if wrist else {}
    return DemoFrame(
        pictures={role: encode(picture) for role in ("base", "wrist")},
        projections={"base": PROJECTION, **carried},
        time_s=0.0,
        state=np.concatenate([tool, turned, [0.08 * generator.random()], tool[:1]]),
        chunk=np.concatenate([way, width], axis=1),
        anchor=anchor,
        task_object=pose,
        task_object_size=np.array([0.04, 0.04, 0.06]),
        task_target=None if generator.random() < 0.5 else (0.3, 0.4, 0.0),
        phase=str(generator.choice(["approach", "grasp"])),
        skill="pick",
        step="pick up the red block",
    )


def write_set(
    folder: Path,
    episodes: int = 6,
    frames: int = 4,
    seed: int = 0,
    body: Embodiment = BODY,
    *,
    still: bool = False,
    skill: str = "pick",
    wrist: bool = False,
) -> Path:
    """A sealed set; of stills, if asked for; with `wrist` as in `frame`."""
    base = np.eye(4)
    base[0, 3] = 0.1
    head = Head(
        features=Features(embodiment=body, joints=("j1",), cameras=two_cameras(SIDE), frame_rate_hz=6.25),
        cell="numbers",
        cell_sha256="0" * 64,
        base_in_world=tuple(base.ravel().tolist()),
        command={"seed": seed} | ({"stills": frames} if still else {}),
        versions={},
    )
    writer = DatasetWriter(folder, head)
    for attempt in range(episodes):
        generator = np.random.default_rng([seed, attempt])
        shown = tuple(replace(frame(generator, wrist=wrist), skill=skill) for _ in range(frames))
        if still:
            shown = tuple(replace(each, chunk=np.zeros_like(each.chunk)) for each in shown)
        writer.add(Episode(frames=shown, attempt=attempt, success=True))
    writer.seal(failed=0)
    return folder
