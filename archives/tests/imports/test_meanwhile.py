"""What happens to a domain and its mail while an import is storing that mail"""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from archives.format.reading.archive import verify
from archives.format.reading.entries import Directory
from archives.format.reading.refusal import Limits
from archives.imports.mails import DomainGone, ImportedMails, import_mails
from archives.tests.format.reading.making import Making
from archives.tests.imports.test_mail import numbered
from domains.deletion.proof import prove_deletions
from domains.deletion.service import delete_domain, resume_deletions
from domains.grace.end import end_now
from domains.grace.restore import restore
from domains.models import Domain, DomainDeletion
from inbound.tests.support.aws import stored_keys
from mail.erasure.one import erase_email
from mail.erasure.task import run_erasures
from mail.models import Delivery, Message, ReceivedEmail
from mail.tests.postbox import work
from ses_integration.api import SesError, shared_deadline

pytestmark = pytest.mark.usefixtures("ses")

MAILS: list[bytes | None] = [b"Subject: 1\r\n\r\nHello", b"Subject: 2\r\n\r\nHello", b"Subject: 3\r\n\r\nHello"]
IDS = ["ses1", "ses2", "ses3"]


class Watched(io.BytesIO):
    """A file that does something when the third mail is read: the rows of all are there by then, and the bytes of some."""

    def __init__(self, act: Callable[[], Any]) -> None:
        super().__init__(Making(folders=[MAILS], mail=numbered()).bytes())
        entries = Directory.of(io.BytesIO(self.getvalue()), Limits()).each(io.BytesIO(self.getvalue()))
        self._at = next(entry.start for entry in entries if entry.name.endswith("3.eml"))
        self._acts: list[Callable[[], Any]] = []
        self.archive = verify(self)
        self._acts.append(act)

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() == self._at and self._acts:
            self._acts.pop()()
        return super().read(size)


def importing(domain: Domain, act: Callable[[], Any]) -> ImportedMails:
    return import_mails(Watched(act).archive, domain)


def delete(domain: Domain) -> None:
    with shared_deadline():
        delete_domain(domain=domain, requested_by="test")


def delete_and_prove(domain: Domain) -> None:
    delete(domain)
    resume_deletions()
    prove_deletions()
    assert DomainDeletion.objects.get().proved_at is not None


def assert_nothing_is_left() -> None:
    assert stored_keys() == []
    assert not Message.objects.exists()
    assert not ReceivedEmail.objects.exists()


def test_a_domain_whose_deletion_is_proved_meanwhile_gets_nothing(domain):
    with pytest.raises(DomainGone, match=r"example\.com was deleted meanwhile"):
        importing(domain, lambda: delete_and_prove(domain))
    assert_nothing_is_left()


def test_it_gets_nothing_either_if_s3_refuses_one_of_the_mails(domain, ses):
    ses.add_faults({"service": "s3", "action": "PutObject", "fault": "access_denied", "skip": 1, "times": 1})
    with pytest.raises((SesError, DomainGone)):
        importing(domain, lambda: delete_and_prove(domain))
    assert_nothing_is_left()


@pytest.fixture
def grace(settings):
    settings.DOMAIN_DELETE_GRACE_DAYS = 7
    settings.MAIL_SOURCE, settings.MAIL_SWEEP_GRACE_SECONDS = "sweep", 0


@pytest.mark.usefixtures("grace")
def test_a_domain_that_is_restored_keeps_what_another_import_has_stored(domain):
    """Both find the same mail without its bytes, and the other one is faster."""

    def other_import_and_deletion() -> None:
        import_mails(Watched(lambda: None).archive, domain)
        delete(domain)

    with pytest.raises(DomainGone):
        importing(domain, other_import_and_deletion)
    restore(DomainDeletion.objects.get(), restored_by="test")
    work(sweep=True)
    assert list(Message.objects.order_by("ses_id").values_list("ses_id", "state")) == [(pk, "ingested") for pk in IDS]
    assert sorted(stored_keys()) == [domain.key_prefix + ses_id for ses_id in IDS]
    assert not Delivery.objects.exists()


@pytest.mark.usefixtures("grace")
def test_a_domain_that_is_deleted_with_a_grace_period_can_be_restored_and_completed(domain):
    with pytest.raises(DomainGone):
        importing(domain, lambda: delete(domain))
    restore(DomainDeletion.objects.get(), restored_by="test")
    domain.refresh_from_db()
    import_mails(Watched(lambda: None).archive, domain)
    work(sweep=True)
    assert list(Message.objects.order_by("ses_id").values_list("ses_id", "state")) == [(pk, "ingested") for pk in IDS]
    assert not Delivery.objects.exists()


@pytest.mark.usefixtures("grace")
def test_nothing_is_left_when_the_grace_period_ends(domain):
    with pytest.raises(DomainGone):
        importing(domain, lambda: delete(domain))
    end_now(DomainDeletion.objects.get())
    resume_deletions()
    assert_nothing_is_left()


def assert_only_erased(domain: Domain, ses_ids: list[str]) -> None:
    """These stay out of the bucket, also when nothing remembers them any more, and no sweep finds them as new mail."""
    run_erasures()
    assert sorted(stored_keys()) == [domain.key_prefix + ses_id for ses_id in IDS if ses_id not in ses_ids]
    # Their rows stay for days.
    long_ago = "2026-01-01T00:00:00Z"
    Message.objects.filter(state="erasing").update(retry_at=long_ago, arrived_at=long_ago)
    run_erasures()
    work(sweep=True)
    assert list(Message.objects.order_by("ses_id").values_list("ses_id", flat=True)) == [
        ses_id for ses_id in IDS if ses_id not in ses_ids
    ]
    assert not Delivery.objects.exists()


def test_an_email_that_is_deleted_before_its_bytes_are_stored_stays_deleted(domain, settings):
    settings.MAIL_SOURCE, settings.MAIL_SWEEP_GRACE_SECONDS = "sweep", 0
    importing(domain, lambda: erase_email(ReceivedEmail.objects.get(message__ses_id="ses3")))
    assert_only_erased(domain, ["ses3"])


def test_mail_that_is_too_old_is_not_stored_after_it_was_erased(domain, settings):
    settings.MAIL_SOURCE, settings.MAIL_SWEEP_GRACE_SECONDS = "sweep", 0

    def retention() -> None:
        settings.MAIL_RETENTION_DAYS = 1
        Message.objects.update(arrived_at=Message.objects.values_list("noted_at")[:1][0][0] - timedelta(days=30))
        run_erasures()

    importing(domain, retention)
    assert_only_erased(domain, IDS)
