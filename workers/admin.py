"""Worker processes in the admin, read-only."""

from __future__ import annotations

from django.contrib import admin

from backoffice.base import ReadOnlyAdmin
from workers.models import Worker


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin[Worker]):
    when_empty = "No worker has run yet. Start ses_worker and mail_worker: without them, nothing that waits is done."
    list_display = ["kind", "host", "pid", "last_round_at", "problem", "version", "place", "started_at", "stopped_at"]
    list_filter = ["kind"]
    search_fields = ["host", "problem"]
    ordering = ["-last_round_at", "kind", "pid"]
