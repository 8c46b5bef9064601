"""Identities that exist already, and MAIL FROM domains that SES refuses."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ses_integration.aws import clients
from ses_integration.models import DomainSync
from ses_integration.reconcile.loop import reconcile, reconcile_due
from ses_integration.status import confirmation
from ses_integration.status.identities import RecordedIdentity
from ses_integration.status.sync_state import SyncState, pending_domains
from ses_integration.tests.support.fake_domains import DOMAIN, receive, remove
from ses_integration.tests.support.ses_state import identities, rules

pytestmark = pytest.mark.usefixtures("rows")


def test_foreign_identity_is_used_and_kept(ses):
    clients.sesv2("eu-west-1").create_email_identity(EmailIdentity=DOMAIN)
    receive("a")
    reconcile(DOMAIN)
    remove()
    reconcile(DOMAIN)
    assert (rules(), identities()) == ({}, {DOMAIN})
    assert confirmation.domain_state(DOMAIN).identity_kept


def test_identity_with_our_tag_is_ours(ses):
    clients.sesv2("eu-west-1").create_email_identity(
        EmailIdentity=DOMAIN, Tags=[{"Key": "inbound", "Value": "inbound"}]
    )
    receive("a")
    reconcile(DOMAIN)
    remove()
    reconcile(DOMAIN)
    assert identities() == set()


def test_identity_that_another_installation_has_created_since_is_foreign(ses_with_a):
    """It must not be deleted, although we had created an earlier identity of this name."""
    sesv2 = clients.sesv2("eu-west-1")
    sesv2.delete_email_identity(EmailIdentity=DOMAIN)
    sesv2.create_email_identity(EmailIdentity=DOMAIN, Tags=[{"Key": "inbound", "Value": "the-other-one"}])
    assert RecordedIdentity.check(DOMAIN).ours is False
    remove()
    reconcile(DOMAIN)
    assert (rules(), identities()) == ({}, {DOMAIN})
    assert confirmation.domain_state(DOMAIN).identity_kept


def test_refused_mail_from_domain_does_not_hold_up_anything(ses):
    ses.add_faults({"service": "ses", "action": "SetIdentityMailFromDomain", "fault": "access_denied"})
    receive("a")
    reconcile(DOMAIN)
    assert not pending_domains().exists()
    assert RecordedIdentity.by_domain([DOMAIN])[DOMAIN].mail_from_status == "Failed"


@pytest.mark.parametrize("code", ["InvalidClientTokenId", "ExpiredToken"])
def test_mail_from_domain_stays_pending_with_bad_credentials(ses, rows, code):
    """SES has refused the credentials, not the MAIL FROM domain."""
    ses.add_faults({"service": "ses", "action": "SetIdentityMailFromDomain", "fault": "error", "code": code})
    receive()
    reconcile(DOMAIN)
    assert RecordedIdentity.by_domain([DOMAIN])[DOMAIN].mail_from_domain == ""
    assert SyncState.by_domain([DOMAIN])[DOMAIN].error == "AWS does not accept the credentials."
    DomainSync.objects.update(retry_at=None)
    reconcile_due()
    assert RecordedIdentity.by_domain([DOMAIN])[DOMAIN].mail_from_domain == "mail.example.com"


def test_check_of_an_identity_does_not_write_the_token_that_a_pass_may_be_recording(ses_with_a):
    with CaptureQueriesContext(connection) as statements:
        assert RecordedIdentity.check(DOMAIN)
    [update] = [it["sql"] for it in statements if it["sql"].startswith("UPDATE") and "ledgeridentity" in it["sql"]]
    assert "verification_token" not in update
