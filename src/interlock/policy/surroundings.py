"""What a way has to keep clear of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.bounds import shape_bounds
from interlock.hal.scene import HalfSpace, ObjectKind, Part, Scene, SceneObject
from interlock.policy.clearance import ClearanceField
from interlock.policy.expert_options import ExpertOptions
from interlock.policy.route import Rectangle

__all__ = ["Surroundings", "bounds_of"]

_BASE_M = 0.20
_TALL_M = 0.12
_SPARE_M = 0.018  # the radius of the balls at tips and corners, and the noise of what is held
_STEP_UP_M = 0.08


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The standing part of a scene, and how much distance is wanted.

    Attributes:
        scene: the scene as remembered.
        ignored: names that are no obstacle (what is held).
        trail: centres where moving obstacles have been seen, shape (k, 3), [m].
        trail_radius_m: how far from them to stay, [m].
        held: corners of what is held, in the tool frame, shape (m, 3), [m], or None.
        beside: centres of balls of an arm that stands beside, shape (j, 3), [m].
        beside_radius_m: their radius, [m].
        options: clearances and the gripper's outline.
    """

    scene: Scene
    ignored: frozenset[str]
    trail: FloatArray
    trail_radius_m: float
    held: FloatArray | None
    beside: FloatArray
    beside_radius_m: float
    options: ExpertOptions

    def field(self, *, with_trail: bool) -> ClearanceField:
        """Distances to everything that stands, an arm beside too, and to where moving obstacles have been."""
        trail = self.trail if with_trail else self.trail[:0]
        radii = (self.trail_radius_m, self.beside_radius_m + self.options.low_clearance_m)
        return ClearanceField(
            [(item, self._keep_m(item)) for item in self._standing()],
            np.concatenate((trail, self.beside)),
            np.repeat(radii, (len(trail), len(self.beside))),
        )

    def heights(self, start_m: float, goal_m: float) -> list[float]:
        """Heights of the TCP worth travelling at, lowest first: just over each thing of the scene, [m]."""
        hang = self._hang_m()
        heights = {goal_m, max(goal_m, start_m)}
        for item in self._standing():
            over = max(float(bounds_of(item, part)[1][2]) for part in item.parts) + hang + self._keep_m(item)
            heights.update((over, over + _STEP_UP_M))
        kept: list[float] = []
        for height in sorted(h for h in heights if h >= goal_m):
            if kept and height - kept[-1] < 0.02:
                kept[-1] = height
            else:
                kept.append(height)
        return kept

    def blockers(self, height_m: float, bases: FloatArray) -> list[Rectangle]:
        """What stands too tall for a travelling height, grown by the clearance, and the base columns."""
        over = self._hang_m()
        blocked = [_square(base[:2], _BASE_M, _BASE_M) for base in bases]
        for item in self._standing():
            keep = self._keep_m(item)
            grown = self.options.gripper_half_span_m + keep
            for part in item.parts:
                lower, upper = bounds_of(item, part)
                if isinstance(part.shape, HalfSpace) and lower[2] > height_m:
                    continue  # a ceiling: the clearance of the whole arm says more than its outline
                if upper[2] + over + keep > height_m + 1e-6:
                    blocked.append(
                        Rectangle(
                            x_min=float(lower[0]) - grown,
                            x_max=float(upper[0]) + grown,
                            y_min=float(lower[1]) - grown,
                            y_max=float(upper[1]) + grown,
                            grown_m=grown,
                        )
                    )
        return blocked

    def _hang_m(self) -> float:
        """How far the gripper or what it holds reaches below the TCP, with a little to spare, [m]."""
        lowest = float(self.held[:, 2].max()) if self.held is not None else 0.0
        return max(self.options.tip_beyond_tcp_m, lowest) + _SPARE_M

    def _keep_m(self, item: SceneObject) -> float:
        """Clearance wanted of an object, [m]."""
        tall = item.kind is ObjectKind.FIXED and any(bounds_of(item, p)[1][2] > _TALL_M for p in item.parts)
        return self.options.tall_clearance_m if tall else self.options.low_clearance_m

    def _standing(self) -> list[SceneObject]:
        return [
            item
            for item in self.scene.objects
            if item.name not in self.ignored and item.kind is not ObjectKind.MOVING
        ]


def bounds_of(item: SceneObject, part: Part) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest corner of a part in the world, each shape (3,), [m]."""
    return shape_bounds(part.shape, item.object_in_world @ part.part_in_object)


def _square(centre: FloatArray, half_m: float, grown_m: float) -> Rectangle:
    x, y = float(centre[0]), float(centre[1])
    return Rectangle(x_min=x - half_m, x_max=x + half_m, y_min=y - half_m, y_max=y + half_m, grown_m=grown_m)
