"""A late VerifyDomainIdentity creates the identity without our tag; it is ours all the same."""

from __future__ import annotations

from ses_integration.models import LedgerIdentity
from ses_integration.plan.resources import Operation
from ses_integration.tests.support.fake_domains import receive, remove
from ses_integration.tests.support.protocol_steps import Writer, settle_calls
from ses_integration.tests.support.ses_state import identities


def test_identity_created_by_a_late_verification_is_deleted(ses, rows):
    receive("a", domain="other.org")
    x = Writer("other.org")
    x.call()  # the identity
    late = x.call_without_answer()
    assert late.call.operation == Operation.VERIFY_DOMAIN
    remove("other.org")
    Writer("other.org").finish()
    x.apply_late(late)  # creates it without our tag
    assert identities() == {"other.org"}
    settle_calls()
    Writer("other.org").finish()
    assert identities() == set()


def test_identity_created_by_a_late_verification_is_ours_when_the_domain_is_added_again(ses, rows):
    receive("a", domain="other.org")
    x = Writer("other.org")
    x.call()
    late = x.call_without_answer()
    remove("other.org")
    Writer("other.org").finish()
    x.apply_late(late)
    receive("a", domain="other.org", incarnation="2")
    Writer("other.org").finish()
    settle_calls()
    Writer("other.org").finish()
    assert LedgerIdentity.objects.get().ours is True
    remove("other.org")
    Writer("other.org").finish()
    assert identities() == set()
