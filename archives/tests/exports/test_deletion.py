"""The deletion of a domain ends and erases its exports."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from archives.claims import Lost, claim_next, let_go
from archives.exports.job import work_on
from archives.exports.service import start_export
from archives.exports.task import run_exports
from archives.models import Export, ExportPart
from archives.tests.exports.test_job import mails, uploads
from domains.deletion.report import steps_of
from domains.deletion.service import delete_domain, resume_deletions
from domains.deletion_plan.build import plan_of
from domains.models import DomainDeletion
from inbound.tests.support.aws import stored_keys


def finish() -> DomainDeletion:
    """What the workers do until nothing is left."""
    for _ in range(3):
        resume_deletions()
        run_exports()
    resume_deletions()
    return DomainDeletion.objects.get()


def stored_mail(deletion: DomainDeletion) -> Mapping[str, int]:
    """What the report counts of what was in the bucket."""
    return steps_of(deletion, None)[-1].counts


def test_a_finished_archive_goes_with_the_mail(domain):
    mails(domain, 1)
    start_export(domain=domain, account=domain.owner)
    run_exports()
    deletion = delete_domain(domain=domain, requested_by="jo")
    assert deletion.pending_steps == ["received_emails", "stored_mail"]
    assert "exports" not in stored_mail(deletion)
    deletion = finish()
    assert deletion.finished_at is not None
    assert stored_mail(deletion)["exports"] == 1
    assert not Export.objects.exists()
    assert stored_keys() == []


def test_it_goes_even_if_mail_is_kept(domain, settings):
    settings.KEEP_MAIL_ON_DOMAIN_DELETE = True
    mails(domain, 1)
    start_export(domain=domain, account=domain.owner)
    run_exports()
    delete_domain(domain=domain, requested_by="jo")
    assert finish().finished_at is not None
    assert [key.rpartition("/")[0] for key in stored_keys()] == [domain.key_prefix.rstrip("/")]


def test_an_export_that_runs_is_ended_with_its_upload(domain):
    mails(domain, 1)
    start_export(domain=domain, account=domain.owner)
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        if asked == 2:
            # The upload has begun, and no part is stored.
            assert len(uploads()) == 1
            delete_domain(domain=domain, requested_by="jo")
        return False

    assert run_exports(stop) == 0
    assert finish().finished_at is not None
    assert (uploads(), stored_keys()) == ([], [])
    assert not Export.objects.exists()
    assert not ExportPart.objects.exists()


def test_an_export_that_waits_is_simply_gone(domain):
    start_export(domain=domain, account=domain.owner)
    deletion = delete_domain(domain=domain, requested_by="jo")
    assert deletion.finished_at is not None
    assert "exports" not in stored_mail(deletion)
    assert not Export.objects.exists()


def test_a_process_that_was_paused_stores_nothing_after_the_deletion(domain):
    mails(domain, 1)
    start_export(domain=domain, account=domain.owner)
    export = claim_next(Export.objects.all())
    assert export is not None
    delete_domain(domain=domain, requested_by="jo")
    # Until its claim ends, a call of it may be under way.
    assert finish().finished_at is None
    with pytest.raises(Lost):
        work_on(export, until=0, stop=lambda: False)
    let_go(export)
    assert finish().finished_at is not None
    assert (uploads(), stored_keys()) == ([], [])


def test_the_deletion_waits_for_the_erasure_of_the_archive(domain, ses):
    mails(domain, 1)
    start_export(domain=domain, account=domain.owner)
    run_exports()
    delete_domain(domain=domain, requested_by="jo")
    ses.add_faults({"service": "s3", "action": "ListMultipartUploads", "fault": "access_denied", "times": None})
    assert finish().pending_steps == ["received_emails", "stored_mail"]
    assert "s3:ListBucketMultipartUploads" in Export.objects.get().problem
    ses.clear_faults()
    Export.objects.update(retry_at="2026-01-01T00:00Z")
    assert finish().finished_at is not None


def test_a_domain_that_was_deleted_by_hand_leaves_no_archive(domain):
    mails(domain, 1)
    start_export(domain=domain, account=domain.owner)
    domain.delete()
    assert run_exports() == 0
    run_exports()
    assert not Export.objects.exists()
    assert uploads() == []


@pytest.mark.parametrize("ready", [True, False])
def test_the_plan_names_exports(domain, ready):
    assert "exports" not in str(plan_of(domain).as_values())
    start_export(domain=domain, account=domain.owner)
    if ready:
        run_exports()
    plan = plan_of(domain)
    assert plan.as_values()["storedMail"]["exports"] == 1
    lines = [line for part in plan.parts() for line in part.lines]
    assert "1 export there: erased in any case. Download what you need first." in lines
