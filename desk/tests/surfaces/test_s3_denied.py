"""S3 refuses what our credentials may not do."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from desk.state.values import Kind
from domains.deletion.service import resume_deletions
from inbound.tests.support.aws import recover_and_run_worker, store_mail
from inbound.tests.support.factories import DomainFactory, MessageFactory
from mail.erasure.task import run_erasures
from mail.models import Message

pytestmark = pytest.mark.sqlite

DENIED: dict[str, Any] = {"service": "s3", "action": "*", "fault": "access_denied", "times": None}


def test_a_deletion_says_which_call_until_it_is_allowed(ses, user, alive, surfaces):
    domain = DomainFactory(owner=user, name="shop.example")
    store_mail(f"{domain.key_prefix}mail")
    surfaces().assert_settled()

    ses.add_faults(DENIED)
    domain.delete()
    resume_deletions()
    said = surfaces()
    call = "s3:ListBucketVersions on inbound-mail"
    said.assert_shows(
        Kind.STORED_MAIL, "shop.example", call, "Allow what S3 refuses; ses_doctor checks the permissions."
    )

    recover_and_run_worker(ses)
    surfaces().assert_settled(call)


def test_so_does_the_erasure_of_a_single_mail(ses, user, alive, surfaces):
    domain = DomainFactory(owner=user, name="shop.example")
    store_mail(key := f"{domain.key_prefix}mail")
    MessageFactory(domain=domain, key=key, state=Message.State.ERASING, retry_at=timezone.now())
    ses.add_faults(DENIED)
    run_erasures()
    said = surfaces()
    said.assert_shows(
        Kind.MAIL_TO_ERASE, "1 mail to erase", "Allow what S3 refuses; ses_doctor checks the permissions."
    )
    assert said.headline.startswith("1 thing needs you. Nothing is pending.")

    ses.clear_faults()
    Message.objects.update(retry_at=timezone.now())
    run_erasures()
    surfaces().assert_settled("1 mail to erase")
