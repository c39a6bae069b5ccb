"""What a policy remembers of a noisy scene: averaged poses, the grip, where an obstacle goes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.scene import ObjectKind, Scene, SceneObject

__all__ = ["Obstacle", "SceneMemory"]

_JUMP_M = 0.012
_WINDOW = 12
_TRAIL_SPACING_M = 0.04
_TRAIL_LENGTH = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """A thing that moves by itself.

    Attributes:
        seen: the thing as last seen.
        velocity: estimated velocity, shape (3,), [m/s].
        trail: where it has been, shape (k, 3), [m].
    """

    seen: SceneObject
    velocity: FloatArray
    trail: FloatArray


@dataclass(slots=True)
class _Average:
    """Running mean of a position with a window, started anew when the thing has moved."""

    mean: FloatArray
    count: int = 1

    def add(self, position: FloatArray, jump_m: float) -> None:
        if float(np.linalg.norm(position - self.mean)) > jump_m:
            self.mean, self.count = position.copy(), 1
            return
        self.count = min(self.count + 1, _WINDOW)
        self.mean = self.mean + (position - self.mean) / self.count


@dataclass(slots=True)
class _Track:
    position: FloatArray
    stamp_ns: int
    velocity: FloatArray
    trail: list[FloatArray] = field(default_factory=list)


class SceneMemory:
    """Averages what stands still and follows what moves; it sees nothing but the snapshots it is shown."""

    def __init__(self) -> None:
        self._means: dict[str, _Average] = {}
        self._tracks: dict[str, _Track] = {}
        self._grip: tuple[str, FloatArray, _Average] | None = None
        self._stamp_ns = -1
        self._scene: Scene | None = None

    def see(self, scene: Scene) -> Scene:
        """Take in a snapshot; returns it with the positions of movable things averaged."""
        if scene.stamp_ns == self._stamp_ns and self._scene is not None:
            return self._scene
        self._stamp_ns = scene.stamp_ns
        objects = []
        for item in scene.objects:
            if item.kind is ObjectKind.MOVABLE:
                objects.append(self._averaged(item))
            else:
                objects.append(item)
                if item.kind is ObjectKind.MOVING:
                    self._follow(item)
        self._scene = Scene(stamp_ns=scene.stamp_ns, objects=tuple(objects))
        return self._scene

    def see_grip(self, item: SceneObject, tool_in_world: FloatArray) -> FloatArray:
        """Pose of the held object in the tool, averaged, shape (4, 4), [m].

        Args:
            item: the object as just seen, not averaged.
            tool_in_world: pose of the tool at that moment, shape (4, 4).
        """
        measured: FloatArray = np.linalg.inv(tool_in_world) @ item.object_in_world
        if self._grip is None or self._grip[0] != item.name:
            average = _Average(measured[:3, 3].copy())
        else:
            average = self._grip[2]
            average.add(measured[:3, 3], 3.0 * _JUMP_M)
        measured[:3, 3] = average.mean
        self._grip = (item.name, measured, average)
        return measured.copy()

    def has_grip(self, name: str) -> bool:
        """Whether a grip on that object is remembered."""
        return self._grip is not None and self._grip[0] == name

    def grip(self) -> FloatArray | None:
        """Pose of the held object in the tool as remembered, shape (4, 4), [m], or None."""
        return self._grip[1].copy() if self._grip is not None else None

    def scene(self) -> Scene:
        """The last snapshot, averaged; empty before the first."""
        return self._scene if self._scene is not None else Scene(stamp_ns=0, objects=())

    def forget_grip(self) -> None:
        """Nothing is held any more."""
        self._grip = None

    def obstacles(self) -> tuple[Obstacle, ...]:
        """Everything that moves by itself in the last snapshot."""
        if self._scene is None:
            return ()
        return tuple(
            Obstacle(
                seen=item,
                velocity=self._tracks[item.name].velocity,
                trail=np.array(self._tracks[item.name].trail),
            )
            for item in self._scene.objects
            if item.kind is ObjectKind.MOVING
        )

    def _averaged(self, item: SceneObject) -> SceneObject:
        position = np.asarray(item.object_in_world[:3, 3])
        average = self._means.get(item.name)
        if average is None:
            average = self._means[item.name] = _Average(position.copy())
        else:
            average.add(position, max(_JUMP_M, 5.0 * item.position_std_m))
        pose = item.object_in_world.copy()
        pose[:3, 3] = average.mean
        return replace(item, object_in_world=pose)

    def _follow(self, item: SceneObject) -> None:
        position = np.array(item.object_in_world[:3, 3])
        track = self._tracks.get(item.name)
        if track is None:
            self._tracks[item.name] = _Track(position, item.stamp_ns, np.zeros(3), [position])
            return
        elapsed_s = (item.stamp_ns - track.stamp_ns) * 1e-9
        if elapsed_s > 0.0:
            velocity = (position - track.position) / elapsed_s
            speed = float(np.linalg.norm(velocity))
            if speed > item.max_speed_m_s > 0.0:
                velocity *= item.max_speed_m_s / speed
            track.velocity = 0.5 * track.velocity + 0.5 * velocity
            track.position, track.stamp_ns = position, item.stamp_ns
        trail = track.trail
        if min(float(np.linalg.norm(position - seen)) for seen in trail) > _TRAIL_SPACING_M:
            trail.append(position)
            del trail[:-_TRAIL_LENGTH]
