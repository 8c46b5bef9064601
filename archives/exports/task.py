"""Exports as a task of the mail worker."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable

from archives.exports.claims import Lost, claim_next, let_go, postpone
from archives.exports.erase import erase, expire
from archives.exports.job import work_on
from archives.models import Export
from ses_integration.api import SesError

logger = logging.getLogger(__name__)


def run_exports(stop: Callable[[], bool] = lambda: False, *, seconds: float = math.inf) -> int:
    """Make and erase archives that are due, one after the other. Returns how many are complete now.

    Ends soon after `seconds`, when a part is finished.
    """
    until = time.monotonic() + seconds
    completed = 0
    while not stop() and (export := claim_next()) is not None:
        try:
            completed += _turn(export, until, stop)
        except Lost:
            let_go(export)
        except SesError as error:
            logger.warning("The export %s: %s", export.pk, error.sentence)
            postpone(export, error)
        except OSError:
            # A disk that is full, most likely.
            logger.exception("The export %s could not be made.", export.pk)
            postpone(export)
        if time.monotonic() > until:
            break
    return completed


def _turn(export: Export, until: float, stop: Callable[[], bool]) -> int:
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
