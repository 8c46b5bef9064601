"""The part of the generated cases that one run takes.

Fault and kill tests generate a case for every call or step, which takes minutes. A run takes a third of the cases; the seed
of the random order decides which third. `--full` (`make nightly`) takes all.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

PARTS = 3


@dataclass(frozen=True)
class Rotation:
    """`part` is the remainder of the case numbers that are taken, or None for every case."""

    part: int | None

    def takes(self, number: int) -> bool:
        return self.part is None or number % PARTS == self.part


def rotation_of(config: pytest.Config) -> Rotation:
    if config.getoption("full"):
        return Rotation(None)
    # 0 with `-p no:randomly`.
    return Rotation(config.getoption("randomly_seed", 0) % PARTS)
