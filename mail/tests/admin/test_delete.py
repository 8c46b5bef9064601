"""Deleting received mail in the admin, through the service of the API."""

from __future__ import annotations

from django.contrib.admin.models import LogEntry
from django.test import Client

from inbound.tests.support.admin_site import delete_selected, post, staff, text, url
from inbound.tests.support.aws import stored_keys
from inbound.tests.support.factories import ReceivedEmailFactory
from mail.models import ReceivedEmail
from mail.tests.admin.mails import composed, received

SECRET = "MARKER-of-the-subject"


def test_deleting_a_mail_erases_its_object(admin_client: Client, domain) -> None:
    row = received(domain, composed(SECRET))
    path = url("mail.receivedemail", "delete", row.pk)
    asked = text(admin_client.get(path))
    assert "The mail disappears at once." in asked
    assert f"{SECRET}, from ann@example.net" in asked
    assert "SES is updated" not in asked
    _, messages = post(admin_client, path, post="yes")
    assert messages == [("success", "Deleted: hello@example.com. Nothing of it is left.")]
    assert stored_keys() == []
    assert not ReceivedEmail.objects.exists()


def test_the_page_says_who_keeps_the_mail_and_its_object(admin_client: Client, domain) -> None:
    row = received(domain, composed())
    ReceivedEmailFactory(message=row.message, recipient="info@example.com")
    path = url("mail.receivedemail", "delete", row.pk)
    assert "1 other recipient keeps it, and its object stays in the bucket" in text(admin_client.get(path))
    _, messages = post(admin_client, path, post="yes")
    assert messages == [("success", "Deleted: hello@example.com. Its other recipients keep it.")]
    assert stored_keys() == [row.message.key]


def test_what_s3_does_not_delete_is_left_to_the_worker(admin_client: Client, domain, ses) -> None:
    row = received(domain, composed())
    ses.add_faults({"service": "s3", "action": "*", "fault": "access_denied", "times": None})
    _, messages = post(admin_client, url("mail.receivedemail", "delete", row.pk), post="yes")
    assert messages == [("warning", "Deleted: hello@example.com. S3 still has its object; mail_worker erases it.")]
    assert admin_client.get(url("mail.receivedemail", "change", row.pk)).status_code == 302


def test_many_are_deleted_from_the_list(admin_client: Client, domain) -> None:
    rows = [received(domain, composed(), recipient=f"r{number}@example.com") for number in range(3)]
    _, messages = delete_selected(admin_client, "mail.receivedemail", rows)
    assert messages[0][0] == "success"
    assert stored_keys() == []


def test_the_history_keeps_nothing_that_the_mail_said(admin_client: Client, domain) -> None:
    row = received(domain, composed(SECRET, text=SECRET))
    post(admin_client, url("mail.receivedemail", "delete", row.pk), post="yes")
    [entry] = LogEntry.objects.all()
    assert SECRET not in f"{entry.object_repr}{entry.change_message}"


def test_deleting_needs_its_own_permission(client: Client, domain) -> None:
    row = received(domain, composed())
    staff(client, "mail.view_receivedemail")
    assert client.post(url("mail.receivedemail", "delete", row.pk), {"post": "yes"}).status_code == 403
    staff(client, "mail.view_receivedemail", "mail.delete_receivedemail")
    assert client.post(url("mail.receivedemail", "delete", row.pk), {"post": "yes"}).status_code == 302
    assert not ReceivedEmail.objects.exists()
