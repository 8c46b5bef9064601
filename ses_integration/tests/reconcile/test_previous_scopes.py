"""After SES_RULE_SET or AWS_REGION has changed: each scope has its own ledger, and what the previous one holds is not gone."""

from __future__ import annotations

import pytest

from ses_integration.aws import clients
from ses_integration.conf import ses_config
from ses_integration.drift.sweep import sweep_database
from ses_integration.emulator.server import Emulator
from ses_integration.models import LedgerEntry
from ses_integration.plan.resources import ResourceKind
from ses_integration.reconcile.loop import reconcile, reconcile_due
from ses_integration.reconcile.outbox import generation
from ses_integration.setup.prepare import prepare
from ses_integration.status import confirmation
from ses_integration.status.identities import RecordedIdentity
from ses_integration.status.sync_state import pending_domains
from ses_integration.tests.support.fake_domains import DOMAIN, receive, remove
from ses_integration.tests.support.ses_state import calls, identities, rules

pytestmark = pytest.mark.usefixtures("rows")
ADDRESSES = ["a@example.com", "b@example.com"]


@pytest.fixture(params=[{"SES_RULE_SET": "new-rules"}, {"AWS_REGION": "eu-central-1"}], ids=["rule set", "region"])
def changed(request, ses: Emulator, settings) -> Emulator:
    """SES holds the addresses `a` and `b` in the previous scope."""
    receive("a", "b")
    reconcile(DOMAIN)
    for name, value in request.param.items():
        setattr(settings, name, value)
    settings.SES_AUTO_SETUP = True
    prepare(ses_config(), take_over=True)
    ses.clear_journal()
    return ses


def left() -> set[str]:
    return confirmation.recipients_left(DOMAIN, ADDRESSES, generation(DOMAIN))


def test_address_in_a_previous_scope_is_not_gone(changed):
    receive("b")
    reconcile(DOMAIN)
    assert rules() == {"inbound-example.com-rule": {"b@example.com"}}
    assert left() == set(ADDRESSES)


def test_with_a_catch_all_in_a_previous_scope_no_address_is_gone(ses, settings):
    receive("a", "b", catch_all=True)
    reconcile(DOMAIN)
    settings.SES_RULE_SET = "new-rules"
    assert left() == set(ADDRESSES)


def test_domain_in_a_previous_scope_is_not_gone(changed):
    state = confirmation.domain_state(DOMAIN)
    assert (state.rules_gone, state.identity_gone) == (False, False)


class TestIdentityBelongsToTheRegion:
    @pytest.fixture
    def other_set(self, ses: Emulator, settings) -> Emulator:
        receive("a")
        reconcile(DOMAIN)
        settings.SES_RULE_SET = "new-rules"
        settings.SES_AUTO_SETUP = True
        prepare(ses_config(), take_over=True)
        ses.clear_journal()
        return ses

    def test_identity_is_read_and_deleted_with_the_domain(self, other_set):
        remove()
        reconcile(DOMAIN)
        assert calls(other_set)[-1] == "DeleteEmailIdentity"
        assert identities() == set()
        assert confirmation.domain_state(DOMAIN).identity_gone
        assert not LedgerEntry.objects.filter(kind=ResourceKind.IDENTITY).exclude(presence="absent").exists()

    def test_identity_is_read_and_not_created_again(self, other_set):
        receive("a")
        reconcile(DOMAIN)
        assert "CreateEmailIdentity" not in calls(other_set)
        assert RecordedIdentity.by_domain([DOMAIN])[DOMAIN].ours
        assert RecordedIdentity.by_domain([DOMAIN])[DOMAIN].dkim_tokens

    def test_identity_that_cannot_be_read_is_kept(self, other_set):
        other_set.add_faults({"service": "sesv2", "action": "GetEmailIdentity", "fault": "access_denied"})
        remove()
        reconcile(DOMAIN)
        assert not confirmation.domain_state(DOMAIN).identity_gone
        assert identities() == {DOMAIN}

    def test_sweep_finds_an_identity_that_is_no_longer_desired(self, other_set, rows):
        rows.clear()
        assert sweep_database() == [DOMAIN]
        reconcile_due()
        assert identities() == set()
        assert sweep_database() == []

    def test_missing_identity_is_forgotten(self, other_set, rows):
        clients.sesv2("eu-west-1").delete_email_identity(EmailIdentity=DOMAIN)
        rows.clear()
        sweep_database()
        reconcile_due()
        assert confirmation.domain_state(DOMAIN).identity_gone
        assert not pending_domains().exists()


def test_domain_that_was_deleted_under_another_rule_set_is_cleaned_up_after_switching_back(ses_with_a, settings):
    first, settings.SES_RULE_SET = settings.SES_RULE_SET, "new-rules"
    prepare(ses_config(), take_over=True)
    receive("a")
    reconcile(DOMAIN)
    remove()
    reconcile(DOMAIN)
    assert identities() == set()
    settings.SES_RULE_SET = first
    prepare(ses_config(), take_over=True)
    assert sweep_database() == [DOMAIN]
    reconcile_due()
    assert rules() == {}
    assert not LedgerEntry.objects.of(ses_config()).exists()
