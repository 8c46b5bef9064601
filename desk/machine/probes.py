"""/healthz and /readyz."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import cache

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse

from backoffice.text import plural
from desk.state import workers
from desk.state.read import one_moment
from ses_integration.api import database_now
from workers.wording import NO_DATABASE

# For each statement of a probe or of the metrics.
PATIENCE_SECONDS = 2

logger = logging.getLogger(__name__)


def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 while the process can answer at all. Does not use the database, so an outage restarts nothing."""
    return JsonResponse({"status": "ok", "version": settings.VERSION})


def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 if the database is there and migrated and workers are alive, otherwise 503 with a sentence for each problem."""
    try:
        with one_moment(patience=PATIENCE_SECONDS):
            problems = [*_problems()]
    except (DatabaseError, InterfaceError) as error:
        logger.warning("%s: %s", request.path, error)
        problems = [NO_DATABASE]
    found = {"status": "not ready" if problems else "ready", "version": settings.VERSION, "problems": problems}
    return JsonResponse(found, status=503 if problems else 200)


def _problems() -> Iterator[str]:
    if missing := len(_known_migrations() - {*MigrationRecorder(connection).applied_migrations()}):
        # The other tables may not be as this version reads them.
        yield f"The database lacks {plural(missing, 'migration')}. Run `python manage.py migrate`."
        return
    now = database_now()
    for finding in workers.findings(workers.read_workers(now), now):
        if finding.why:
            # A worker that is alive. What fails there is not a reason to restart anything.
            continue
        yield f"{finding.what[0].upper()}{finding.what[1:]}. {finding.act}"


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).disk_migrations)
