from __future__ import annotations

from datetime import timedelta

import pytest

from domains.deletion.service import resume_deletions
from domains.models import DomainDeletion
from inbound.tests.support.aws import (
    store_mail,
)
from inbound.tests.support.factories import EmailAddressFactory


@pytest.fixture
def gone(domain, ses):
    """The record of `example.com`, which is deleted with everything."""
    EmailAddressFactory(domain=domain, address="a@example.com")
    store_mail(f"{domain.key_prefix}mail")
    domain.delete()
    resume_deletions()
    ses.clear_journal()
    record = DomainDeletion.objects.get()
    assert record.finished_at
    assert record.look_again_at - record.rules_at == timedelta(hours=4)
    return record
