"""S3 refuses what our credentials may not do."""

from __future__ import annotations

from typing import Any

import pytest

from desk.state.values import Kind
from domains.deletion.service import resume_deletions
from inbound.tests.support.aws import recover_and_run_worker, store_mail
from inbound.tests.support.factories import DomainFactory

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
