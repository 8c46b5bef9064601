"""Checks of this installation: Django's system checks, the database and its clock."""

from __future__ import annotations

from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from ses_integration.coordination.clock import database_now
from ses_integration.doctor.checks.environment import compare_database_clock
from ses_integration.doctor.results import CheckResult, failed, ok, warning

# The doctor checks region and bucket itself, and more thoroughly.
CHECKED_BY_DOCTOR = {"ses_integration.W001", "ses_integration.W002", "ses_integration.W004"}


def check_configuration() -> list[CheckResult]:
    """The messages of `manage.py check`, one result each."""
    try:
        messages = [message for message in checks.run_checks() if message.id not in CHECKED_BY_DOCTOR]
    except ImproperlyConfigured as error:
        return [failed("configuration", str(error), "Set it; docs/configuration.md lists all settings.")]
    return [
        (failed if message.level >= checks.ERROR else warning)(
            "configuration",
            f"{message.msg} ({message.id})",
            message.hint or "Change the setting that the message names.",
        )
        for message in messages
        if message.level >= checks.WARNING and not message.is_silenced()
    ] or [ok("configuration", "`manage.py check` reports no problem.")]


def check_database() -> CheckResult:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        reason = str(error).strip().partition("\n")[0]
        return failed(
            "database",
            f"Cannot be used: {reason}",
            "Check DATABASE_URL and that the database is running; the log may have details.",
        )
    if missing:
        return failed("database", f"{len(missing)} migrations are not applied.", "Run `python manage.py migrate`.")
    return ok("database", f"{connection.display_name} answers, and all migrations are applied.")


def check_database_clock() -> CheckResult:
    before = timezone.now()
    database_time = database_now()
    return compare_database_clock(database_time, before + (timezone.now() - before) / 2)
