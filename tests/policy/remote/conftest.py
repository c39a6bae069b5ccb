"""Observations, maps and servers that the tests of remote policies share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from tests.policy.remote.stand_in import WebsocketStandIn, ZmqStandIn

from interlock.hal.frame import Frame
from interlock.hal.robot import RobotSpec
from interlock.hal.scene import Scene
from interlock.hal.state import GripperState, RobotState
from interlock.policy.observation import Observation, TaskView
from interlock.policy.policy import Policy, PolicyContext
from interlock.policy.registry import create

STEPS, WIDTH, HEIGHT = 16, 32, 24
JOINTS = [f"panda_joint{i}" for i in range(1, 8)]
PROTOCOLS = ("openpi", "starvla", "groot")
PATIENT_S = 30.0  # a refusal within this is one that did not wait for it


def observation_of(
    robot: RobotSpec, *, stamp_ns: int = 1_000, instruction: str = "lift the cup"
) -> Observation:
    q = np.linspace(-0.3, 0.3, robot.dof) + robot.home
    state = RobotState(
        stamp_ns=stamp_ns,
        q=q,
        v=np.zeros(robot.dof),
        q_commanded=q + 1e-4,
        v_commanded=np.zeros(robot.dof),
        a_commanded=np.zeros(robot.dof),
        gripper=GripperState(width_m=0.04, force_n=0.0),
        standstill=True,
    )
    rgb = np.arange(HEIGHT * WIDTH * 3, dtype=np.uint32).astype(np.uint8).reshape(HEIGHT, WIDTH, 3)
    task = TaskView(
        task_id="t", skill="", arguments={}, phase="", instruction=instruction, target_in_world=None
    )
    return Observation(
        stamp_ns=stamp_ns,
        state=state,
        scene=Scene(stamp_ns=stamp_ns, objects=()),
        frames=(Frame(camera="wrist", stamp_ns=stamp_ns, rgb=rgb),),
        task=task,
    )


def maps(**changed: Any) -> dict[str, Any]:
    """A unit map for a server that speaks radians, and a gripper that is 0 when open and 1 when closed."""
    hand = {"unit": "normalised", "closed": 1.0, "closed_m": 0.0, "open": 0.0, "open_m": 0.08}
    joints = [
        {"channel": name, "key": "actions", "column": i, "unit": "rad", "relative_to": "nothing"}
        for i, name in enumerate(JOINTS)
    ]
    gripper = {"channel": "width", "key": "actions", "column": 7, "relative_to": "nothing", **hand}
    return {
        "observation": {
            "state": [
                {"key": "joints", "values": JOINTS, "unit": "rad"},
                {"key": "hand", "values": ["gripper_width"], **hand},
            ],
            "pictures": [{"key": "eye", "camera": "wrist", "width_px": WIDTH, "height_px": HEIGHT}],
            "prompt": {"key": "words"},
        },
        "actions": {"horizon": STEPS, "rate_hz": 25.0, "columns": [*joints, gripper], **changed},
    }


MODALITIES = {
    "video": {"delta_indices": [0], "modality_keys": ["eye"]},
    "state": {"delta_indices": [0], "modality_keys": ["joints", "hand"]},
    "language": {"delta_indices": [0], "modality_keys": ["words"]},
    "action": {"delta_indices": list(range(STEPS)), "modality_keys": ["actions"]},
}


def good_actions(robot: RobotSpec) -> np.ndarray:
    return np.concatenate([np.tile(robot.home, (STEPS, 1)), np.full((STEPS, 1), 0.5)], axis=1).astype("<f4")


def wrapped(protocol: str, array: object) -> object:
    """An answer of that protocol with `array` as its actions."""
    if protocol == "openpi":
        return {"actions": array, "server_timing": {"infer_ms": 1.0}}
    batch = array[None] if isinstance(array, np.ndarray) else array
    if protocol == "starvla":
        return {"status": "ok", "ok": True, "type": "inference_result", "data": {"actions": batch}}
    return [{"actions": batch}, {}]


StandIn = WebsocketStandIn | ZmqStandIn


@pytest.fixture
def stand_in() -> Iterator[Callable[..., StandIn]]:
    """Starts servers that do as they are told, and ends them."""
    running: list[StandIn] = []

    def start(
        protocol: str, reply: Callable[[Any, Any], object], metadata: object = None, *, port: int = 0
    ) -> StandIn:
        server: StandIn
        if protocol == "groot":
            server = ZmqStandIn(reply, MODALITIES if metadata is None else metadata)
        else:
            server = WebsocketStandIn(reply, metadata)
        running.append(server)
        return server

    yield start
    for server in running:
        server.close()


@pytest.fixture
def connect(
    context_of: Callable[..., PolicyContext], panda: RobotSpec, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Policy]]:
    """Builds remote policies for the Panda, and closes them."""
    monkeypatch.delenv("INTERLOCK_POLICY_TOKEN", raising=False)
    made: list[Any] = []

    def build(protocol: str, port: int, robot: RobotSpec = panda, **options: Any) -> Policy:
        given = {"port": port, "deadline_s": PATIENT_S, "connect_s": PATIENT_S, **options}
        policy = create(protocol, context_of(robot, **given))
        made.append(policy)
        return policy

    yield build
    for policy in made:
        policy.close()
