"""v1's VerifyDomainIdentity creates what it cannot find, and without our tag: late, it leaves an identity that is ours."""

from __future__ import annotations

from ses_integration.models import LedgerIdentity
from ses_integration.plan.resources import Operation
from ses_integration.tests.fake_domains import receive, remove
from ses_integration.tests.protocol_steps import Writer, settle
from ses_integration.tests.ses_state import identities


def test_a_v1_verification_that_lands_after_the_identity_is_gone_is_taken_back(ses, rows):
    receive("a", domain="other.org")
    x = Writer("other.org")
    x.call()  # the identity
    late = x.call_without_answer()
    assert late.call.operation == Operation.VERIFY_DOMAIN
    remove("other.org")
    Writer("other.org").finish()
    x.lands(late)  # creates, and without our tag
    assert identities() == {"other.org"}
    settle()
    Writer("other.org").finish()
    assert identities() == set()


def test_an_identity_that_a_late_v1_verification_made_is_ours_when_the_domain_is_added_again(ses, rows):
    receive("a", domain="other.org")
    x = Writer("other.org")
    x.call()
    late = x.call_without_answer()
    remove("other.org")
    Writer("other.org").finish()
    x.lands(late)
    receive("a", domain="other.org", incarnation="2")
    Writer("other.org").finish()
    settle()
    Writer("other.org").finish()
    assert LedgerIdentity.objects.get().ours is True
    remove("other.org")
    Writer("other.org").finish()
    assert identities() == set()
