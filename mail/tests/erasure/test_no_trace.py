"""After an erasure nothing that is stored contains a word of the mail."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import pytest
from rest_framework.test import APIClient

from domains.deletion.proof import prove_deletions
from domains.deletion.service import resume_deletions
from domains.models import DomainDeletion
from inbound.tests.support.factories import DeliveryFactory
from mail.models import DeliveryAttempt, ForwardRecipient, Message, ReceivedEmail
from mail.tests.erasure.mails import make_due
from mail.tests.erasure.traces import objects_with, tables_with
from mail.tests.postbox import Postbox, work
from ses_integration.aws import clients

pytestmark = pytest.mark.postgresql

MARKER = "zq7marker"


@pytest.fixture
def marked(postbox: Postbox) -> Postbox:
    """Two received mails with the marker everywhere, in a bucket that keeps versions. One has its notification twice more."""
    versioned: Any = {"Status": "Enabled"}
    clients.s3("eu-west-1").put_bucket_versioning(Bucket="inbound-mail", VersioningConfiguration=versioned)
    postbox.add_address("support")
    for _ in range(2):
        postbox.deliver("hello@example.com", "support@example.com", raw=_mail(), sender=f"{MARKER}@example.net")
    texts = postbox.notifications()
    for text in [*texts, texts[0], texts[0]]:
        postbox.tell(text)
    work()
    assert ReceivedEmail.objects.count() == 4
    assert set(Message.objects.values_list("state", "attachment_count")) == {("ingested", 1)}
    deliver()
    told = {"mail_message", "mail_delivery", "mail_deliveryattempt", "mail_forwardrecipient"}
    assert tables_with(MARKER) - {"pg_dump"} == told
    assert len(objects_with(MARKER)) == 2
    return postbox


def deliver() -> None:
    """A delivery of each email, whose endpoint has answered with words of the mail."""
    for email in ReceivedEmail.objects.all():
        delivery = DeliveryFactory(received=email, response={"responseBody": MARKER}, problem=MARKER)
        DeliveryAttempt.objects.create(delivery=delivery, number=1, excerpt=MARKER, error=MARKER)
        ForwardRecipient.objects.create(delivery=delivery, address=f"{MARKER}@example.org")


def _mail() -> bytes:
    mail = EmailMessage()
    mail["From"] = f"{MARKER} <{MARKER}@example.net>"
    mail["To"] = f"{MARKER} <hello@example.com>"
    mail["Cc"] = f"{MARKER}@example.org"
    mail["Reply-To"] = f"{MARKER}@example.net"
    mail["Subject"] = f"About {MARKER}"
    mail["Message-ID"] = f"<{MARKER}@example.net>"
    mail["References"] = f"<before-{MARKER}@example.net>"
    mail["X-Note"] = MARKER
    mail.set_content(f"Text with {MARKER}.")
    mail.add_alternative(f"<p>HTML with <b>{MARKER}</b></p>", subtype="html")
    mail.add_attachment(MARKER.encode(), maintype="text", subtype="plain", filename=f"{MARKER}.txt")
    return mail.as_bytes()


def test_nothing_is_left_of_the_mail_of_a_deleted_domain(marked: Postbox, api: APIClient) -> None:
    emails = [email["id"] for email in api.get("/api/v2/mail").json()["emails"]]
    assert len(emails) == 4
    # Told once more while the domain is being deleted.
    marked.deliver(raw=_mail())
    assert api.delete(f"/api/v2/domains/{marked.domain.pk}").status_code == 200
    assert api.get("/api/v2/mail").json()["emails"] == []
    assert {api.get(f"/api/v2/mail/{email}").status_code for email in emails} == {404}
    assert {api.get(f"/api/v2/mail/{email}/raw").status_code for email in emails} == {404}
    work(sweep=True)
    resume_deletions()
    prove_deletions()
    record = DomainDeletion.objects.get()
    assert (record.erased_emails, record.erased_attachments, record.erased_versions) == (4, 2, 3)
    assert record.proved_at
    assert (tables_with(MARKER), objects_with(MARKER), marked.depth()) == (set(), set(), (0, 0))


def test_nothing_is_left_of_a_deleted_mail(marked: Postbox, api: APIClient) -> None:
    for email in api.get("/api/v2/mail").json()["emails"]:
        answer = api.delete(f"/api/v2/mail/{email['id']}")
        assert (answer.status_code, answer.json()["storedMail"]) == (200, "erased")
    assert (tables_with(MARKER), objects_with(MARKER)) == (set(), set())
    for text in marked.notifications():
        marked.tell(text)
    work(sweep=True)
    make_due()
    work(sweep=True)
    assert api.get("/api/v2/mail").json()["emails"] == []
    assert (tables_with(MARKER), objects_with(MARKER)) == (set(), set())


def test_nothing_is_left_of_mail_that_is_too_old(marked: Postbox, api: APIClient, settings: Any) -> None:
    settings.MAIL_RETENTION_DAYS = 1
    Message.objects.update(arrived_at="2026-01-01T00:00:00Z")
    assert work(sweep=True)["erased"] == 2
    assert (tables_with(MARKER), objects_with(MARKER)) == (set(), set())
    assert api.get("/api/v2/mail", {"timeRange": "all"}).json()["emails"] == []
