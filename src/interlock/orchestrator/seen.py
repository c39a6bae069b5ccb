"""What has been seen of the world so far: the scene now, and the earlier ones that it has to follow from."""

from __future__ import annotations

from collections import deque

from interlock.hal.scene import Scene, SceneObject

__all__ = ["Seen"]


class Seen:
    """Remembers what the gate is told of earlier scenes.

    Args:
        window_s: how far back the oldest remembered scene lies, [s]; see `GateConfig.sight_window_s`.

    Attributes:
        scene: the last scene, or None before the first.
    """

    def __init__(self, window_s: float) -> None:
        self.scene: Scene | None = None
        self._window_ns = round(window_s * 1e9)
        self._before: deque[Scene] = deque()
        self._known: dict[str, SceneObject] = {}

    def take(self, scene: Scene) -> None:
        """Take in the scene of a tick."""
        if self.scene is not None:
            self._before.append(self.scene)
            self._known |= {thing.name: thing for thing in self.scene.objects}
        while len(self._before) > 1 and self._before[0].stamp_ns < scene.stamp_ns - self._window_ns:
            self._before.popleft()
        self.scene = scene

    def earlier(self) -> tuple[Scene, ...]:
        """The last sighting of everything that was seen before, and the oldest scene of the window."""
        if not self._before:
            return ()
        last = Scene(stamp_ns=self._before[-1].stamp_ns, objects=tuple(self._known.values()))
        return last, self._before[0]
