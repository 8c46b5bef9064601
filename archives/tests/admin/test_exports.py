"""The admin's list of exports."""

from __future__ import annotations

import pytest
from django.utils import timezone

from archives.exports.service import start_export
from archives.exports.task import run_exports
from archives.models import Export
from archives.tests.exports.test_job import mails
from archives.tests.reading import read
from audit.models import Change
from domains.models import Domain
from inbound.tests.support.admin_site import messages_on, staff, text, url


@pytest.fixture
def ready(domain):
    mails(domain, 2)
    start_export(domain=domain, account=domain.owner)
    run_exports()
    return Export.objects.get()


def test_the_list_says_how_far_an_export_is(admin_client, domain):
    assert "Nobody has exported a domain yet." in text(admin_client.get(url("archives.export", "changelist")))
    mails(domain, 2)
    export = start_export(domain=domain, account=domain.owner)
    page = text(admin_client.get(url("archives.export", "changelist")))
    assert "0 of 2 mails" in page
    run_exports()
    page = text(admin_client.get(url("archives.export", "changelist")))
    assert "2 mails" in page
    assert "Download" in page
    page = text(admin_client.get(url("archives.export", "change", export.pk)))
    assert f"exports/{export.pk}.zip" in page


def test_an_archive_is_downloaded_and_recorded(admin_client, admin_user, ready):
    answer = admin_client.get(url("archives.export", "download", ready.pk))
    assert len(read(b"".join(answer.streaming_content)).mails) == 2
    answer.close()
    change = Change.objects.get(action="downloaded")
    assert (change.door, change.who, change.owner_id) == ("admin", admin_user.username, ready.account_id)
    assert change.after == {"exportId": ready.pk, "secrets": False}


def test_to_view_exports_is_not_enough_for_a_download(client, ready):
    staff(client, "archives.view_export")
    assert client.get(url("archives.export", "change", ready.pk)).status_code == 200
    assert client.get(url("archives.export", "download", ready.pk)).status_code == 403
    assert not Change.objects.filter(action="downloaded").exists()


def test_what_is_not_there_cannot_be_downloaded(admin_client, domain, ready, ses):
    waiting = start_export(domain=domain, account=domain.owner)
    assert admin_client.get(url("archives.export", "download", waiting.pk)).status_code == 404
    assert admin_client.get(url("archives.export", "download", "nothing")).status_code == 404
    ready.archive.erase()
    answer = admin_client.get(url("archives.export", "download", ready.pk), follow=True)
    assert messages_on(answer) == [("error", "The bucket does not have this archive any more.")]


def test_an_export_is_started_for_the_owner_of_the_domain(admin_client, domain):
    path = f"{url('archives.export', 'add')}?domain={domain.pk}"
    page = text(admin_client.get(url("domains.domain", "change", domain.pk)))
    assert "Export…" in page
    assert "With secrets" in text(admin_client.get(path))
    answer = admin_client.post(path, {"domain": domain.pk, "includes_secrets": "on"}, follow=True)
    [(level, message)] = messages_on(answer)
    assert level == "success"
    assert message.startswith("Started: the export of example.com. It is recorded, and waits: no mail_worker")
    export = Export.objects.get()
    assert (export.account, export.includes_secrets) == (domain.owner, True)
    assert answer.redirect_chain[-1][0] == url("archives.export", "change", export.pk)


def test_an_export_that_runs_is_named(admin_client, domain):
    running = start_export(domain=domain, account=domain.owner)
    page = admin_client.post(url("archives.export", "add"), {"domain": domain.pk})
    assert "An export of this domain is not finished yet." in text(page)
    assert url("archives.export", "change", running.pk) in page.content.decode()
    assert Export.objects.count() == 1


def test_without_a_bucket_nothing_is_started(admin_client, domain, settings):
    settings.S3_BUCKET_NAME = ""
    assert "Set S3_BUCKET_NAME" in text(admin_client.post(url("archives.export", "add"), {"domain": domain.pk}))
    assert not Export.objects.exists()


def test_a_domain_that_is_being_deleted_is_not_exported(admin_client, domain):
    Domain.objects.update(deleting_since=timezone.now())
    assert "Export…" not in text(admin_client.get(url("domains.domain", "change", domain.pk)))
    answer = admin_client.post(url("archives.export", "add"), {"domain": domain.pk}, follow=True)
    assert messages_on(answer)[0][0] == "error"
    assert not Export.objects.exists()


def test_to_change_exports_is_not_enough_to_start_one(client, domain):
    staff(client, "archives.view_export", "archives.change_export", "domains.view_domain")
    assert "Export…" not in text(client.get(url("domains.domain", "change", domain.pk)))
    assert client.post(url("archives.export", "add"), {"domain": domain.pk}).status_code == 403
    assert not Export.objects.exists()
