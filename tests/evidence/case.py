"""One run of the evidence, or one shard of a search."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Case"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One run, or one shard of a search.

    Attributes:
        table: the table it belongs to.
        kind: row of the printed table: short name of the goal, hostile policy, guard family or lie.
        cell: name of a cell that ships, or of another robot.
        policy: a registered policy or a tailored one; "" in a search.
        goal: goal in words; "" in a search.
        seed: seed of the run, or number of the shard.
        gate: "on", "off", or the name of the family that is off.
        sim_time_s: end the run after this long, [s]; None leaves it to the cell.
        space: the action space that the policy proposes in.
    """

    table: str
    kind: str
    cell: str
    policy: str
    goal: str
    seed: int
    gate: str
    sim_time_s: float | None
    space: str = "joint_position"

    @property
    def key(self) -> str:
        """Unique in its table; may be a file name."""
        half = f"-{'on' if self.gate == 'on' else 'off'}" if self.table == "families" else ""
        return f"{self.kind}-{self.cell}-{self.seed}{half}"
