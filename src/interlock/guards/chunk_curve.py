"""A whole chunk as one curve: accelerations at knots, linear in between, nearest to what was proposed.

With knots h apart, z scaled accelerations a = a_max z, and the start (q0, v0, a0) given,

    v_k = v0 + h/2 sum_{i<k} (a_i + a_{i+1}),      q_k = q_{k-1} + h v_{k-1} + h^2 (a_{k-1}/3 + a_k/6),

so that positions and velocities at the knots are linear in z: q = q_free + h^2 a_max Cq z and
v = v_free + h a_max Cv z, with Cq and Cv the same numbers for every chunk. The program

    min 1/2 |q - q_p|^2 + T^2/2 |v - v_p|^2 + eps/2 |z|^2 + w/2 s^2
    s.t. limits, and rows G q + s >= b of pairs and zones

(p: the proposal; T: how soon an error is to be made up for; s: comfort given up) is strictly convex and
solved cold by DAQP. What comes out is a candidate: the verifier judges it whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import daqp
import numpy as np

from interlock.guards.curve import next_node
from interlock.hal.arrays import FloatArray
from interlock.hal.robot import JointLimits, TrackingTube

__all__ = ["ChunkCurve", "Curve", "Rows"]

_DAMPING = 1e-4
_CATCH_UP_S = 0.15
_SLACK_WEIGHT = 10.0
_SLACK_UNIT = 0.02  # [m] or [rad] of a row that one unit of slack gives way
_SHARE = 0.95  # of the limits on acceleration and jerk
_SPEED_SHARE = 0.985  # of the speed limit: between the knots there is a little more
_ITERATIONS = 2000
_FAR = 1e30
_V, _Q = 2, 4  # blocks of `_Grid.rows`


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A candidate for a whole chunk.

    Attributes:
        nodes: (q, v, a) on the control grid, the start among them, shape (m, 3, n), [rad, rad/s, rad/s^2].
        knots: (q, v, a) at the knots, the start first, shape (K + 1, 3, n).
        change_rad: largest distance of a joint from the proposal at any knot, [rad].
        status: the solver's word.
    """

    nodes: FloatArray
    knots: FloatArray
    change_rad: float
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Linear rows on the positions and velocities at knots.

    Attributes:
        knot: which knot each row is about, 1 .. K, shape (m,).
        gradient: shape (m, n); a row keeps gradient . (q_k or v_k) >= bound.
        bound: shape (m,).
        on_velocity: True where the row is about v_k, shape (m,).
    """

    knot: np.ndarray
    gradient: FloatArray
    bound: FloatArray
    on_velocity: np.ndarray


@dataclass(frozen=True, slots=True)
class _Grid:
    """The fixed numbers for knots at one spacing, in variables y with |y|^2 as the cost of z.

    Attributes:
        h_s: time between knots, [s].
        knots: how many there are, K.
        to_z: z_j = to_z[j] y_j, shape (n, K, K).
        rows: what is bounded, from y_j: z, its steps, v at knots, v half-way, q at knots; (n, 5, K, K).
        all_rows: the same for all joints at once, and a column for the slack, shape (5 n K, n K + 1).
        from_z: what is bounded, from z_j, shape (n, 5, K, K).
        squares: what a metric of 1 between two joints costs at each knot, for accelerations of 1 at two
            knots, shape (K, K K).
    """

    h_s: float
    knots: int
    to_z: FloatArray
    rows: FloatArray
    all_rows: FloatArray
    from_z: FloatArray
    squares: FloatArray


class ChunkCurve:
    """The program; its fixed numbers are computed once for each number of knots and their spacing.

    Args:
        limits: of the joints.
        tube: kept off the position limits.
        period_s: time between nodes, [s].
    """

    def __init__(self, limits: JointLimits, tube: TrackingTube, period_s: float) -> None:
        self._limits = limits
        self._scale = _SHARE * limits.a_max
        self._period_s = period_s
        self._low = limits.q_min + tube.position_rad + 1e-3
        self._high = limits.q_max - tube.position_rad - 1e-3
        self._grids: dict[tuple[int, int], _Grid] = {}

    def fit(
        self,
        start: FloatArray,
        proposal: FloatArray,
        ticks: int,
        rows: Rows | None = None,
        metric: FloatArray | None = None,
    ) -> Curve:
        """The curve from `start` nearest to `proposal` inside the limits and `rows`; NaN if there is none.

        Args:
            start: node, shape (3, n).
            proposal: positions and velocities at knots 1 .. K, shape (2, K, n), [rad, rad/s].
            ticks: periods between knots.
            rows: further rows, or None.
            metric: what it costs to leave the proposal at each knot, shape (K, n, n), positive definite; None
                for |.|^2, the same for every joint.
        """
        if not np.isfinite(proposal).all():
            return self._curve(start, np.full_like(proposal[0], np.nan), proposal[0], ticks, "not finite")
        grid = self._grid_of(ticks, len(proposal[0]))
        free = self._free(start, grid)
        low, high = self._bounds(start, free, grid)
        if metric is not None:
            z, status = self._weighed(grid, metric, proposal, low, high, rows, free)
        else:
            pull = self._pull(grid, free, proposal)
            if rows is None or not len(rows.bound):
                y, status = self._each(grid, pull, low, high)
            else:
                y, status = self._together(grid, pull, low, high, rows, free)
            z = np.einsum("jki,ji->kj", grid.to_z, y)
        acceleration = z * self._scale
        return self._curve(start, acceleration, proposal[0], ticks, status)

    def excess(self, start: FloatArray, proposals: FloatArray, ticks: int) -> FloatArray:
        """By what share of a limit's range each proposal, shape (S, 2, K, n), leaves the limits, shape (S,).

        Cheap, and only to compare: it is the curve that would be nearest without limits that is looked at.
        """
        grid = self._grid_of(ticks, proposals.shape[2])
        free = self._free(start, grid)
        low, high = self._bounds(start, free, grid)
        at = -np.einsum("jbki,sji->sjbk", grid.rows, self._pull(grid, free, proposals))
        beyond = np.maximum(np.maximum(low - at, at - high), 0.0) / (high - low)
        worst: FloatArray = np.where(np.isfinite(beyond), beyond, np.inf).max(axis=(1, 2, 3))
        return worst

    @staticmethod
    def _pull(grid: _Grid, free: tuple[FloatArray, FloatArray], proposal: FloatArray) -> FloatArray:
        """The cost of z is |y|^2 / 2 + pull . y and a constant; `proposal` has shape (..., 2, K, n)."""
        off_q, off_v = free[0] - proposal[..., 0, :, :], free[1] - proposal[..., 1, :, :]
        pull: FloatArray = np.einsum("jki,...kj->...ji", grid.rows[:, _Q], off_q)
        pull += _CATCH_UP_S**2 * np.einsum("jki,...kj->...ji", grid.rows[:, _V], off_v)
        return pull

    def _grid_of(self, ticks: int, knots: int) -> _Grid:
        key = ticks, knots
        return self._grids.get(key) or self._grids.setdefault(key, self._grid(*key))

    def _grid(self, ticks: int, knots: int) -> _Grid:
        n, h_s = len(self._scale), ticks * self._period_s
        # how v and q at knots 1 .. K follow from a at knots 1 .. K, for h = 1
        one, back = np.eye(knots), np.eye(knots, k=-1)
        to_v = np.cumsum(0.5 * (one + back), axis=0)
        before = np.vstack([np.zeros((1, knots)), to_v[:-1]])
        to_q = np.cumsum(before + one / 6.0 + back / 3.0, axis=0)
        half_way = before + one / 8.0 + 3.0 * back / 8.0  # where a changes sign, v bulges between the knots
        to_z = np.empty((n, knots, knots))
        from_z = np.empty((n, 5, knots, knots))
        together = np.zeros((n, 5, knots, n * knots + 1))
        for j, scale in enumerate(self._scale):
            on_q, on_v = h_s * h_s * scale * to_q, h_s * scale * to_v
            cost = on_q.T @ on_q + _CATCH_UP_S**2 * on_v.T @ on_v + _DAMPING * one
            factor = np.linalg.cholesky(cost)
            to_z[j] = np.linalg.inv(factor.T)
            from_z[j] = one, one - back, on_v, h_s * scale * half_way, on_q
        rows = from_z @ to_z[:, None]
        for j in range(n):
            together[j, :, :, j * knots : (j + 1) * knots] = rows[j]
        at_q, at_v = h_s * h_s * to_q, _CATCH_UP_S * h_s * to_v
        squares = (at_q[:, :, None] * at_q[:, None] + at_v[:, :, None] * at_v[:, None]).reshape(knots, -1)
        return _Grid(h_s, knots, to_z, rows, together.reshape(5 * n * knots, -1), from_z, squares)

    def _each(
        self, grid: _Grid, pull: FloatArray, low: FloatArray, high: FloatArray
    ) -> tuple[FloatArray, str]:
        """Joint by joint: without further rows none knows of the others."""
        y, status = -pull, "free"  # what costs least, if it is inside the limits
        one = np.eye(grid.knots)
        at = np.einsum("jbki,ji->jbk", grid.rows, y)
        inside = ((low <= at) & (at <= high)).all(axis=(1, 2))
        for j in np.flatnonzero(~inside):
            y[j], status = _solve(
                pull[j], grid.rows[j].reshape(-1, grid.knots), low[j].ravel(), high[j].ravel(), one
            )
            if not np.isfinite(y[j]).all():
                break
        return y, status

    def _weighed(
        self,
        grid: _Grid,
        metric: FloatArray,
        proposal: FloatArray,
        low: FloatArray,
        high: FloatArray,
        rows: Rows | None,
        free: tuple[FloatArray, FloatArray],
    ) -> tuple[FloatArray, str]:
        """All joints at once, because the metric knows of all; z at the knots, shape (K, n).

        Nothing here goes to BLAS: with another number of threads it rounds another way.
        """
        knots, n = free[0].shape
        on_q, on_v = grid.from_z[:, _Q], _CATCH_UP_S * grid.from_z[:, _V]
        scaled = metric * (self._scale[:, None] * self._scale)
        cost = np.einsum("kp,kq->pq", scaled.reshape(knots, -1), grid.squares).reshape(n, n, knots, knots)
        cost = np.ascontiguousarray(cost.swapaxes(1, 2)).reshape(n * knots, n * knots)
        cost[np.diag_indices(n * knots)] += _DAMPING
        off_q = np.einsum("kjl,kl->kj", metric, free[0] - proposal[0])
        off_v = _CATCH_UP_S * np.einsum("kjl,kl->kj", metric, free[1] - proposal[1])
        pull = np.einsum("jki,kj->ji", on_q, off_q) + np.einsum("jki,kj->ji", on_v, off_v)
        own = np.zeros((n, 5, knots, n * knots + 1))
        for j in range(n):
            own[j, :, :, j * knots : (j + 1) * knots] = grid.from_z[j]
        own = own.reshape(5 * n * knots, -1)
        if rows is None or not len(rows.bound):
            z, status = _solve(pull.ravel(), own[:, :-1], low.ravel(), high.ravel(), cost)
        else:
            on = np.where(
                rows.on_velocity[:, None, None],
                grid.from_z[:, _V, rows.knot - 1].swapaxes(0, 1),
                grid.from_z[:, _Q, rows.knot - 1].swapaxes(0, 1),
            )
            further = (rows.gradient[:, :, None] * on).reshape(len(rows.bound), -1)
            z, status = self._with_rows(pull.ravel(), own, low, high, further, rows, free, cost)
        return z.reshape(n, knots).T, status

    def _together(
        self,
        grid: _Grid,
        pull: FloatArray,
        low: FloatArray,
        high: FloatArray,
        rows: Rows,
        free: tuple[FloatArray, FloatArray],
    ) -> tuple[FloatArray, str]:
        at = rows.knot - 1
        on = np.where(
            rows.on_velocity[:, None, None],
            grid.rows[:, _V, at].swapaxes(0, 1),
            grid.rows[:, _Q, at].swapaxes(0, 1),
        )
        further = (rows.gradient[:, :, None] * on).reshape(len(at), -1)
        y, status = self._with_rows(pull.ravel(), grid.all_rows, low, high, further, rows, free)
        return y.reshape(pull.shape), status

    @staticmethod
    def _with_rows(
        pull: FloatArray,
        own: FloatArray,
        low: FloatArray,
        high: FloatArray,
        further: FloatArray,
        rows: Rows,
        free: tuple[FloatArray, FloatArray],
        cost: FloatArray | None = None,
    ) -> tuple[FloatArray, str]:
        """Solve with `further`, the gradients of `rows`, which may give way by a slack of their own."""
        added = np.zeros((len(further) + 1, len(pull) + 1))
        added[:-1, :-1] = further
        added[:-1, -1] = _SLACK_UNIT
        added[-1, -1] = 1.0
        at = rows.knot - 1
        at_free = np.where(rows.on_velocity[:, None], free[1][at], free[0][at])
        left = rows.bound - np.einsum("mn,mn->m", rows.gradient, at_free)
        quadratic = np.eye(len(pull) + 1)
        if cost is not None:
            quadratic[:-1, :-1] = cost
        quadratic[-1, -1] = _SLACK_WEIGHT
        x, status = _solve(
            np.append(pull, 0.0),
            np.concatenate([own, added]),
            np.concatenate([low.ravel(), left, [0.0]]),
            np.concatenate([high.ravel(), np.full(len(left) + 1, _FAR)]),
            quadratic,
        )
        return x[:-1], status

    def _free(self, start: FloatArray, grid: _Grid) -> tuple[FloatArray, FloatArray]:
        """Positions and velocities at the knots if every acceleration from the first knot on were 0."""
        (q, v, a), h_s = start, grid.h_s
        times = h_s * np.arange(grid.knots)[:, None]
        v_one = v + 0.5 * h_s * a
        return q + h_s * v + h_s * h_s * a / 3.0 + times * v_one, np.tile(v_one, (grid.knots, 1))

    def _bounds(
        self, start: FloatArray, free: tuple[FloatArray, FloatArray], grid: _Grid
    ) -> tuple[FloatArray, FloatArray]:
        """Lower and upper bounds of `_Grid.rows`, shape (n, 5, K) each."""
        n, knots, h_s = len(self._scale), grid.knots, grid.h_s
        speed, step = _SPEED_SHARE * self._limits.v_max, _SHARE * self._limits.j_max * h_s / self._scale
        middle = free[1].copy()
        middle[0] = start[1] + 3.0 / 8.0 * h_s * start[2]
        first = np.zeros((knots, n))
        first[0] = start[2] / self._scale
        ones = np.ones((knots, n))
        low = (-ones, first - step, -speed - free[1], -speed - middle, self._low - free[0])
        high = (ones, first + step, speed - free[1], speed - middle, self._high - free[0])
        return np.stack(low).transpose(2, 0, 1), np.stack(high).transpose(2, 0, 1)

    def _curve(
        self, start: FloatArray, acceleration: FloatArray, proposal: FloatArray, ticks: int, status: str
    ) -> Curve:
        knots = len(acceleration)
        share = np.arange(1, ticks + 1)[:, None] / ticks
        at_knots = np.vstack([start[2], acceleration])
        between = at_knots[:-1, None] + share * np.diff(at_knots, axis=0)[:, None]
        nodes = np.empty((ticks * knots + 1, 3, start.shape[1]))
        nodes[0] = start
        for k, end in enumerate(between.reshape(-1, start.shape[1])):
            nodes[k + 1] = next_node(nodes[k], end, self._period_s)
        at = nodes[::ticks]
        return Curve(
            nodes=nodes,
            knots=at,
            change_rad=float(np.abs(at[1:, 0] - proposal).max()),
            status=status,
        )


def _solve(
    pull: FloatArray, rows: FloatArray, low: FloatArray, high: FloatArray, quadratic: FloatArray
) -> tuple[FloatArray, str]:
    """Min 1/2 x'Qx + pull . x, Q positive definite, with low <= rows x <= high, cold; NaN if none."""
    x, _, flag, _ = daqp.solve(
        quadratic,
        pull,
        np.ascontiguousarray(rows),
        np.ascontiguousarray(high),
        np.ascontiguousarray(low),
        np.zeros(len(low), dtype=np.int32),
        iter_limit=_ITERATIONS,
    )
    usable = flag in (1, 2) and bool(np.isfinite(x).all())
    return np.asarray(x) if usable else np.full(len(pull), np.nan), f"daqp {flag}"
