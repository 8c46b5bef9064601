"""Imports as a task of the mail worker."""

from __future__ import annotations

import math
from collections.abc import Callable

from archives.claims import left, take_turns
from archives.models import Import
from archives.uploads.job import INTERRUPTED, erase, fail, work_on


def run_imports(stop: Callable[[], bool] = lambda: False, *, seconds: float = math.inf) -> int:
    """Import mail and erase archives that are due, one after the other. Returns how many imports are complete now.

    Ends soon after `seconds`, when a batch is finished.
    """

    def turn(row: Import, until: float) -> int:
        match row.state:
            case Import.State.STORING:
                # Its claim has ended.
                fail(row, INTERRUPTED)
            case Import.State.PENDING | Import.State.RUNNING:
                return int(work_on(row, until=until, stop=stop))
            case Import.State.ERASING:
                erase(row)
            case _:
                Import.objects.filter(pk=row.pk).delete()
        return 0

    return take_turns(Import.objects.defer("ids"), turn, stop, seconds)


def imports_left() -> str:
    return left(Import.objects.all(), "import")
