"""The admin's list of exports."""

from __future__ import annotations

import pytest

from archives.exports.service import start_export
from archives.exports.task import run_exports
from archives.models import Export
from archives.tests.exports.test_job import mails
from archives.tests.reading import read
from audit.models import Change
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
