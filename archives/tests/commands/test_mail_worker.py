"""`mail_worker --once` says which exports and imports it has left."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models.functions import Now

from archives.exports.service import start_export
from archives.models import Export, Import

pytestmark = pytest.mark.postgresql


def once() -> tuple[int, str]:
    said = StringIO()
    try:
        call_command("mail_worker", "--once", stdout=said)
    except SystemExit as end:
        return int(end.code or 0), said.getvalue().strip()
    return 0, said.getvalue().strip()


def test_an_export_that_s3_refuses_is_pending_with_the_reason(domain, ses, settings):
    settings.MAIL_SOURCE = "sweep"
    export = start_export(domain=domain, account=domain.owner)
    ses.add_faults({"service": "s3", "action": "CreateMultipartUpload", "fault": "access_denied", "times": None})
    code, said = once()
    assert code == 2
    assert "Still pending: 1 export (AWS does not allow s3:PutObject" in said
    ses.clear_faults()
    Export.objects.filter(pk=export.pk).update(retry_at=Now())
    assert once() == (0, "Completed 1 export. Nothing is pending.")


def test_an_import_that_waits_is_pending_too(domain, settings):
    settings.MAIL_SOURCE = "sweep"
    Import.objects.create(
        domain=domain,
        domain_name="example.com",
        account=domain.owner,
        state="running",
        retry_at=None,
        problem="It waits.",
    )
    code, said = once()
    assert (code, said) == (2, "Nothing was due. Still pending: 1 import (It waits).")
