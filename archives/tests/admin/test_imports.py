"""The admin's form that imports an archive, and its list of imports."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from archives.imports.refusals import EXISTS
from archives.models import Import
from archives.tests.format.reading.making import Making
from archives.tests.imports.rows import everything
from archives.tests.uploads.uploading import start, with_mails
from archives.uploads.room import AT_ONCE, BUSY, place
from archives.uploads.task import run_imports
from audit.models import Change
from domains.models import Domain
from inbound.tests.support.admin_site import messages_on, staff, text, url
from inbound.tests.support.factories import DomainFactory, UserFactory
from mail.models import Message

pytestmark = pytest.mark.usefixtures("ses")

ADD = url("archives.import", "add")


def posted(client, raw: bytes, owner, *, button: str = "_save", mail: bool = False):
    """The answer to the form, with what follows it."""
    values = {"account": owner.pk, button: "yes"} | ({"with_mail": "on"} if mail else {})
    return client.post(ADD, values | {"file": SimpleUploadedFile("example.zip", raw)}, follow=True)


def test_the_form_says_what_its_buttons_do(admin_client):
    page = admin_client.get(ADD).content.decode()
    assert 'value="Import"' in page
    assert 'value="Show what would be imported"' in page
    assert 'enctype="multipart/form-data"' in page
    assert 'value="Save"' not in page
    assert 'value="Export"' in admin_client.get(url("archives.export", "add")).content.decode()


def test_an_archive_is_imported_for_an_account(admin_client, admin_user, user):
    answer = posted(admin_client, Making().bytes(), user)
    row = Import.objects.get()
    assert answer.redirect_chain[-1][0] == url("archives.import", "change", row.pk)
    assert messages_on(answer)[0] == ("success", "Imported: example.com.")
    assert (Domain.objects.get().owner, row.account, row.status) == (user, user, "done")
    page = text(answer)
    assert "The domain, 2 addresses, 1 blocked email, 1 endpoint" in page
    assert "Endpoint CRM is inactive." in page
    assert {(change.door, change.who) for change in Change.objects.filter(object_name="example.com")} == {
        ("admin", admin_user.username)
    }


def test_its_mail_is_left_to_the_mail_worker(admin_client, user):
    answer = posted(admin_client, with_mails(2), user, mail=True)
    assert messages_on(answer)[0][1].startswith("Imported: example.com. It is recorded, and waits: no mail_worker")
    assert "0 of 2 mails" in text(answer)
    assert "In the bucket" in text(answer)
    run_imports()
    assert "In the bucket" not in text(admin_client.get(answer.redirect_chain[-1][0]))
    page = text(admin_client.get(url("archives.import", "changelist")))
    assert "2 mails" in page
    assert Message.objects.count() == 2


def test_the_preview_shows_what_is_new_and_changes_nothing(admin_client, user, ses):
    UserFactory()
    before = everything()
    ses.clear_journal()
    answer = posted(admin_client, with_mails(2), user, button="_preview", mail=True)
    page = text(answer)
    assert f"<p>example.com would be imported for {user}:</p>" in answer.content.decode()
    assert "endpoint CRM (webhook): new" in page
    assert "Endpoint CRM will be inactive." in page
    assert "2 mails as history" in page
    assert "Choose the file again to import it." in page
    chosen = answer.content.decode()
    assert f'<option value="{user.pk}" selected' in chosen
    assert "checked" in chosen.partition('name="with_mail"')[2].partition(">")[0]
    assert (everything(), ses.journal()) == (before, [])


@pytest.mark.parametrize("button", ["_save", "_preview"])
def test_a_conflict_is_shown_and_changes_nothing(admin_client, ses, button):
    domain = DomainFactory(name="example.com")
    before = everything()
    answer = posted(admin_client, Making().bytes(), domain.owner, button=button)
    assert f"{domain.owner} has example.com already. {EXISTS}" in text(answer)
    other = posted(admin_client, Making().bytes(), UserFactory(), button=button)
    assert "example.com belongs to another account." in text(other)
    assert ("endpoint CRM (webhook): new" in text(other)) == (button == "_preview")
    assert "Choose the file again to import it." not in text(other)
    assert Import.objects.count() == 0
    assert before["domains_domain"] == Domain.objects.count()


@pytest.mark.parametrize("button", ["_save", "_preview"])
@pytest.mark.parametrize("raw", [b"", b"no zip", Making().bytes()[:-40]])
def test_a_file_that_is_no_archive_is_refused(admin_client, user, button, raw):
    answer = posted(admin_client, raw, user, button=button)
    assert answer.status_code == 200
    assert "no archive of a domain" in text(answer) or "The submitted file is empty." in text(answer)
    assert not Domain.objects.exists()


def test_a_file_that_is_too_large_is_refused(admin_client, user, settings):
    settings.IMPORT_MAX_MB = 1
    answer = posted(admin_client, b"x" * (2**20 + 1), user)
    assert "The file is too large: at most 1.0 MB are imported by upload" in text(answer)
    assert "This field is required." not in text(answer)


def test_files_are_not_received_from_others(client, user):
    staff(client, "archives.view_import")
    answer = posted(client, b"x" * 5_000_000, user)
    assert answer.status_code == 403
    assert answer.wsgi_request.FILES == {}


def test_only_a_few_archives_are_taken_at_a_time(admin_client, user):
    with ExitStack() as held:
        for _ in range(AT_ONCE):
            held.enter_context(place())
        assert BUSY in text(posted(admin_client, Making().bytes(), user))
    assert not Domain.objects.exists()


@pytest.mark.parametrize("button", ["_save", "_preview"])
def test_mail_that_is_being_imported_is_named(admin_client, user, button):
    row = start(user, with_mails(2))
    answer = posted(admin_client, with_mails(2), user, button=button, mail=True)
    assert "Mail of this domain is being imported already." in text(answer)
    assert url("archives.import", "change", row.pk) in answer.content.decode()


def test_without_a_bucket_mail_is_refused_before_anything_else(admin_client, user, settings):
    settings.S3_BUCKET_NAME = ""
    assert "Set S3_BUCKET_NAME" in text(posted(admin_client, with_mails(1), user, mail=True))
    assert not Domain.objects.exists()


def test_one_that_waits_after_an_error_is_tried_again(admin_client, admin_user, user):
    row = start(user, with_mails(2))
    later = timezone.now() + timedelta(hours=1)
    Import.objects.update(failures=3, stalled=True, problem="S3 refuses it.", retry_at=later)
    listed = url("archives.import", "changelist")
    assert "Needs you" in text(admin_client.get(listed))
    values = {"action": "try_now", "_selected_action": [row.pk]}
    assert messages_on(admin_client.post(listed, values, follow=True))[0][1].startswith("Asked for 1 import.")
    change = Change.objects.get(action="retried")
    assert (change.object_type, change.object_name, change.after) == (
        "domains.domain",
        "example.com",
        {"importId": row.pk},
    )
    run_imports()
    assert Import.objects.get().status == "done"
    assert "None of these waits" in messages_on(admin_client.post(listed, values, follow=True))[0][1]


def test_viewing_is_not_enough_to_import_or_to_try_again(client, user):
    row = start(user, with_mails(1))
    staff(client, "archives.view_import")
    assert client.get(url("archives.import", "change", row.pk)).status_code == 200
    assert client.get(ADD).status_code == 403
    assert "Try again now" not in client.get(url("archives.import", "changelist")).content.decode()


def test_who_may_import_need_not_see_the_list(client, user):
    staff(client, "archives.add_import", "auth.view_user")
    answer = posted(client, Making().bytes(), user)
    assert answer.redirect_chain[-1][0] == "/admin/"
    assert Import.objects.count() == 1
