"""What is looked at on our own side: the system checks, and the database."""

from __future__ import annotations

from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from ses_integration.coordination.clock import database_now
from ses_integration.doctor.findings import Finding, failed, ok, warning
from ses_integration.doctor.surroundings import judge_database_clock

# Region and bucket have checks of their own here, which look further.
LOOKED_AT_ELSEWHERE = {"ses_integration.W001", "ses_integration.W002", "ses_integration.W004"}


def configuration() -> list[Finding]:
    """What `manage.py check` says, a finding for each message."""
    try:
        found = [message for message in checks.run_checks() if message.id not in LOOKED_AT_ELSEWHERE]
    except ImproperlyConfigured as error:
        return [failed("configuration", str(error), "Set it; docs/configuration.md lists all settings.")]
    return [
        (failed if message.level >= checks.ERROR else warning)(
            "configuration", f"{message.msg} ({message.id})", message.hint or "Read what the message names."
        )
        for message in found
        if message.level >= checks.WARNING and not message.is_silenced()
    ] or [ok("configuration", "`manage.py check` finds nothing.")]


def database() -> Finding:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        reason = str(error).strip().partition("\n")[0]
        return failed(
            "database",
            f"It cannot be used: {reason}",
            "Look at DATABASE_URL, and whether the database runs; the log may say more.",
        )
    if missing:
        return failed("database", f"Migrations are missing: {len(missing)}.", "Run `python manage.py migrate`.")
    return ok("database", f"{connection.display_name} answers, and every migration is applied.")


def database_clock() -> Finding:
    before = timezone.now()
    told = database_now()
    return judge_database_clock(told, before + (timezone.now() - before) / 2)
