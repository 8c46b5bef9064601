"""Exports as a task of the mail worker."""

from __future__ import annotations

import math
from collections.abc import Callable

from archives.claims import left, take_turns
from archives.exports.erase import erase, expire
from archives.exports.job import work_on
from archives.models import Export


def run_exports(stop: Callable[[], bool] = lambda: False, *, seconds: float = math.inf) -> int:
    """Make and erase archives that are due, one after the other. Returns how many are complete now.

    Ends soon after `seconds`, when a part is finished.
    """

    def turn(export: Export, until: float) -> int:
        match export.state:
            case Export.State.PENDING | Export.State.RUNNING:
                return int(work_on(export, until=until, stop=stop))
            case Export.State.READY:
                expire(export)
            case Export.State.ERASING:
                erase(export)
            case _:
                Export.objects.filter(pk=export.pk).delete()
        return 0

    return take_turns(Export.objects.all(), turn, stop, seconds)


def exports_left() -> str:
    return left(Export.objects.all(), "export")
