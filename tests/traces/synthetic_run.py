"""A made-up run with every kind of record; `python synthetic_run.py FOLDER` records it without end."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from interlock.guards.certificate import Certificate, Margin
from interlock.guards.config import GateConfig
from interlock.guards.verdict import Decision, Rung, Verdict
from interlock.hal.chunk import ActionChunk, Provenance
from interlock.hal.command import GripperCommand
from interlock.hal.frame import Frame
from interlock.hal.mode import Mode
from interlock.hal.phase import AllowedContact, Phase
from interlock.hal.robot import JointLimits, RobotSpec, TrackingTube
from interlock.hal.scene import Box, ObjectKind, Part, Scene, SceneObject, Sphere
from interlock.hal.state import GripperState, RobotState
from interlock.orchestrator.messages import SentCommand, TickReport
from interlock.planners.plan import Plan, Task
from interlock.traces.recorder import Recorder
from interlock.traces.run_info import RunInfo

PERIOD_NS = 10_000_000
_V_MAX = np.array([2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61])
_Q_MIN = np.array([-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973])
_Q_MAX = np.array([2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973])
_HOME = np.array([0.0, -0.6, 0.0, -2.2, 0.0, 1.6, 0.8])
_REACH = np.array([0.9, 0.7, 0.3, 0.8, -0.4, 0.5, 0.6])
_PHASES = (
    (0.00, "t1", "pick", "approach"),
    (0.22, "t1", "pick", "grasp"),
    (0.32, "t1", "pick", "lift"),
    (0.42, "t2", "place", "carry"),
    (0.74, "t2", "place", "lower"),
    (0.84, "t2", "place", "release"),
    (0.90, "t2", "place", "retreat"),
)
_TOUCHING = {"grasp", "lift", "lower", "release", "retreat"}


def robot() -> RobotSpec:
    names = tuple(f"panda_joint{i}" for i in range(1, 8))
    return RobotSpec(
        name="panda_sim",
        urdf=Path("panda.urdf"),
        package_dirs=(),
        base_in_world=np.eye(4),
        limits=JointLimits(
            names=names,
            q_min=_Q_MIN,
            q_max=_Q_MAX,
            v_max=_V_MAX,
            a_max=np.full(7, 10.0),
            j_max=np.full(7, 500.0),
        ),
        tool_link="panda_hand",
        tool_in_link=np.eye(4),
        home=_HOME,
        tube=TrackingTube(position_rad=0.01, velocity_rad_s=0.1),
        max_tool_speed_m_s=0.5,
        gripper=None,
    )


def plan(goal: str) -> Plan:
    return Plan(
        goal=goal,
        goal_atoms=(("in", "red_block", "tray"),),
        tasks=(
            Task(id="t1", skill="pick", arguments={"object": "red_block"}, after=()),
            Task(
                id="t2",
                skill="place",
                arguments={"object": "red_block", "target": "tray"},
                after=("t1",),
                target_in_world=(0.45, 0.38, 0.05),
            ),
            Task(id="t3", skill="home", arguments={}, after=("t2",)),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class SyntheticRun:
    """What to make up: the same fields give the same records."""

    goal: str = "put the red block in the tray"
    seed: int = 7
    ticks: int = 1200
    reckless: bool = False
    frames: bool = True
    real_time: bool = False
    outcome: str | None = "achieved"

    def info(self) -> RunInfo:
        return RunInfo(
            goal=self.goal,
            cell="panda_tabletop",
            policy="reckless" if self.reckless else "scripted",
            seed=self.seed,
            robot=robot(),
            period_s=0.01,
            real_time=self.real_time,
            gate=GateConfig(period_s=0.01),
            versions={"interlock": "0.1.0", "numpy": np.__version__},
            started_at="2030-01-02T03:04:05+00:00",
        )

    def feed(self, recorder: Recorder) -> None:
        """Record everything but the close."""
        recorder.plan(plan(self.goal))
        recorder.event(0, "mode", f"armed for the goal: {self.goal}")
        for report in self.reports():
            self.around(recorder, report.tick)
            recorder.tick(report)
        if self.reckless:
            last = self.ticks * PERIOD_NS
            recorder.stop(last, 2, ["operator pressed Ctrl-C"])
            recorder.event(last, "stop", "category 2: operator pressed Ctrl-C", "error")
        if self.outcome is not None:
            recorder.outcome(self.summary())

    def around(self, recorder: Recorder, tick: int) -> None:
        """What happens beside the tick itself."""
        stamp = tick * PERIOD_NS
        for number, (start, task, skill, name) in enumerate(_PHASES):
            if tick == int(start * self.ticks):
                recorder.phase(_phase(task, skill, name, stamp), stamp)
                recorder.event(stamp, "phase", f"{task} {skill}: {name} granted (step {number + 1})")
        if tick % 16 == 0:
            recorder.chunk(self.chunk(tick))
        if tick % 4 == 0:
            recorder.scene(scene(stamp))
        if self.frames and tick % 100 == 50:
            recorder.frame(self.frame(tick))

    def chunk(self, tick: int) -> ActionChunk:
        stamp = tick * PERIOD_NS
        samples = np.stack([np.append(self._node(tick + 4 * k)[0], 0.04) for k in range(16)])[None]
        origin = Provenance(policy=self.info().policy, version="1", config_sha256="0" * 64, seed=self.seed)
        return ActionChunk(
            seq=tick // 16,
            embodiment="f" * 64,
            samples=samples,
            t_obs_ns=stamp,
            t_ready_ns=stamp,
            t0_ns=stamp,
            dt_s=0.04,
            provenance=origin,
        )

    def frame(self, tick: int) -> Frame:
        height, width = 120, 160
        y, x = np.mgrid[0:height, 0:width]
        along = tick / self.ticks
        rgb = np.empty((height, width, 3), dtype=np.uint8)
        rgb[..., 0], rgb[..., 1], rgb[..., 2] = 206 - y // 3, 214 - y // 4, 222 - y // 6
        rgb[(abs(x - 30) < 9) & (y > 35)] = (90, 96, 104)
        rgb[(abs(x - (40 + 90 * along)) < 7) & (abs(y - 80 + 40 * math.sin(3 * along)) < 9)] = (200, 40, 45)
        return Frame(camera="overview", stamp_ns=tick * PERIOD_NS, rgb=rgb)

    def reports(self) -> Iterator[TickReport]:
        noise = np.random.default_rng(self.seed)
        held: np.ndarray | None = None
        for tick in range(self.ticks):
            along = tick / self.ticks
            name = [p[3] for p in _PHASES if p[0] <= along][-1]
            rung, guard, reason, margin = self._gate(along, tick)
            braking = rung is Rung.BRAKING
            node = self._node(tick)
            if braking:
                held = node[0] if held is None else held
                node = np.stack([held, np.zeros(7), np.zeros(7)])
            else:
                held = None
            yield self._report(tick, name, rung, guard, reason, margin, node, noise.normal(0, 3e-4, 7))

    def _gate(self, along: float, tick: int) -> tuple[Rung, str, str, float]:
        swing = 0.5 + 0.5 * math.sin(tick / 35.0)
        near = 0.16 * abs(along - 0.58) / 0.58 + 0.012 + 0.05 * swing
        if self.reckless:
            near -= 0.055
        if near < 0.0:
            return (
                Rung.BRAKING,
                "environment",
                f"panda_hand would come within {near * 1e3:.1f} mm of pillar, limit 0.0 mm",
                abs(near) * 0.1,
            )
        if near < 0.020:
            return Rung.SLOWED, "environment", f"pillar: {near * 1e3:.1f} mm left at full speed", near
        if near < 0.032:
            return Rung.PROJECTED, "tool_speed", f"tool at {0.5 + near:.3f} m/s, limit 0.500 m/s", near
        return Rung.AS_PROPOSED, "", "", near

    def _node(self, tick: int) -> np.ndarray:
        s = 2 * math.pi * tick / self.ticks
        rate = 2 * math.pi / (self.ticks * 0.01)
        shape = np.arange(1, 8) % 3 + 1.0
        q = _HOME + _REACH * np.sin(s * shape) * 0.6
        v = _REACH * np.cos(s * shape) * shape * rate * 0.6
        a = -_REACH * np.sin(s * shape) * (shape * rate) ** 2 * 0.6
        return np.stack([q, v, a])

    def _report(
        self,
        tick: int,
        name: str,
        rung: Rung,
        guard: str,
        reason: str,
        margin: float,
        node: np.ndarray,
        noise: np.ndarray,
    ) -> TickReport:
        stamp = tick * PERIOD_NS
        braking = rung is Rung.BRAKING
        touching = name in _TOUCHING
        decision = Decision.ALLOW
        if rung is not Rung.AS_PROPOSED:
            decision = Decision.REFUSE if braking else Decision.MODIFY
        refusals = ((guard, reason),) if rung in (Rung.BRAKING, Rung.SLOWED) else ()
        margins = {"environment": margin, "self_collision": 0.06 + 0.02 * math.sin(tick / 90), "zones": 0.11}
        if name in ("carry", "lower"):
            margins["held_object"] = margin + 0.01
        speed = float(np.linalg.norm(node[1])) * 0.12 * (0.25 if touching else 1.0)
        state = RobotState(
            stamp_ns=stamp,
            q=node[0] + noise,
            v=node[1] + noise,
            q_commanded=node[0],
            v_commanded=node[1],
            a_commanded=node[2],
            gripper=GripperState(width_m=0.04, force_n=20.0 if touching else 0.0),
            standstill=braking,
        )
        certificate = None if braking else self._certificate(tick, rung, margin)
        return TickReport(
            tick=tick,
            stamp_ns=stamp,
            mode=Mode.BRAKING if braking else Mode.AUTO,
            state=state,
            verdict=Verdict(
                decision=decision,
                rung=rung,
                guard=guard,
                reason=reason,
                refusals=refusals,
                before=self._node(tick + 1),
                after=node,
            ),
            certificate=certificate,
            command=None if certificate is None else self._command(tick, node, certificate),
            margins_m=margins,
            tool_in_world=(0.45 + 0.1 * math.sin(tick / 99), 0.3 * math.cos(tick / 150), 0.3),
            tool_speed_m_s=speed,
            scene=scene(stamp),
            given=None,
            preview=None,
            phase=name,
            chunk_seq=tick // 16,
            latch=(),
            part_us={"observe": 40.0, "gate": 900.0 + tick % 50, "write": 12.0},
        )

    def _certificate(self, tick: int, rung: Rung, margin: float) -> Certificate:
        return Certificate(
            seq=tick,
            epoch=1,
            stamp_ns=tick * PERIOD_NS,
            model="a" * 64,
            constraints="b" * 64,
            scene="c" * 64,
            phase="d" * 64,
            chunk="e" * 64,
            motion="f" * 64,
            rung=rung,
            margins=(Margin(family="environment", value=margin, unit="m", where="panda_hand - pillar"),),
            stop_time_s=0.12 + 0.08 * abs(math.sin(tick / 60)),
            stop_distance_rad=0.3,
            solver_status="optimal" if rung is Rung.PROJECTED else "",
            slack_m_s=0.01,
            residual_m_s=1e-9,
            dual=0.5,
            interval_bound_m=0.002,
            intervals=7,
            state="st",
            proposal="pr",
            tail="ta",
            lateness_ns=0,
            numeric_path="compiled",
        )

    def _command(self, tick: int, node: np.ndarray, certificate: Certificate) -> SentCommand:
        tail = np.stack([node * (1 - k / 20) for k in range(1, 21)])
        return SentCommand(
            seq=tick,
            epoch=1,
            stamp_ns=tick * PERIOD_NS,
            period_s=0.01,
            start=node,
            end=self._node(tick + 1),
            tail=tail,
            gripper=GripperCommand(width_m=0.04, force_n=20.0),
            certificate=certificate.digest,
        )

    def summary(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome,
            "goal": self.goal,
            "plan": [str(t) for t in plan(self.goal).tasks],
            "reason": {"achieved": "every goal atom was measured true"}.get(
                self.outcome or "", "by a person"
            ),
            "ticks": self.ticks,
            "sim_time_s": self.ticks * 0.01,
            "released_fraction": 0.93,
            "path_length_rad": 11.27,
            "min_margin_m": 0.0121,
            "interventions": {"environment": 40},
            "refusals": {"environment": 12},
            "referee": {
                "contacts": 0,
                "contacts_into_standing_arm": 1,
                "min_distance_m": 0.0204,
                "limit_violations": 0,
                "max_tcp_speed_m_s": 0.412,
            },
            "seed": self.seed,
        }


def _phase(task: str, skill: str, name: str, stamp: int) -> Phase:
    touching = (AllowedContact(link="panda_leftfinger", other="red_block"),) if name in _TOUCHING else ()
    return Phase(
        task_id=task,
        skill=skill,
        name=name,
        allowed=touching,
        expires_ns=stamp + 20_000_000_000,
        held="red_block" if skill == "place" else None,
        maybe_held=None,
        max_force_n=20.0,
    )


_PILLAR = (Part(shape=Box(half_extents_m=np.array([0.03, 0.03, 0.15])), part_in_object=np.eye(4)),)
_BALL = (Part(shape=Sphere(radius_m=0.05), part_in_object=np.eye(4)),)


def scene(stamp_ns: int) -> Scene:
    ball = np.eye(4)
    ball[:3, 3] = (0.4, 0.2 * math.sin(stamp_ns * 1e-9), 0.5)
    post = np.eye(4)
    post[:3, 3] = (0.62, 0.12, 0.15)
    shared = {"position_std_m": 0.001, "stamp_ns": stamp_ns}
    return Scene(
        stamp_ns=stamp_ns,
        objects=(
            SceneObject(
                name="pillar",
                kind=ObjectKind.FIXED,
                parts=_PILLAR,
                object_in_world=post,
                max_speed_m_s=0.0,
                **shared,
            ),
            SceneObject(
                name="ball",
                kind=ObjectKind.MOVING,
                parts=_BALL,
                object_in_world=ball,
                max_speed_m_s=0.25,
                **shared,
            ),
        ),
    )


def _record_without_end(folder: Path) -> None:
    run = SyntheticRun(ticks=500, outcome=None)
    recorder = Recorder(folder, run.info())
    while True:
        run.feed(recorder)
        recorder.flush()
        sys.stdout.write(f"{run.ticks}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _record_without_end(Path(sys.argv[1]))
