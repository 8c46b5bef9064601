from __future__ import annotations

import pytest

from ses_integration.conf import ses_config
from ses_integration.coordination import quotas
from ses_integration.drift.sweep import sweep_ses
from ses_integration.models import DomainSync, RuleSetState
from ses_integration.plan.resources import ResourceKind
from ses_integration.reconcile.loop import reconcile
from ses_integration.status.sync_state import pending_domains
from ses_integration.tests.support.fake_domains import DOMAIN, receive
from ses_integration.tests.support.ses_state import calls, recipients_sent, rules

pytestmark = pytest.mark.sqlite

RULE = "inbound-example.com-rule"


def rules_of(*sizes: int) -> dict[str, int]:
    return {RULE if not chunk else f"{RULE}-{chunk + 1}": size for chunk, size in enumerate(sizes)}


def sizes_in_ses() -> dict[str, int]:
    return {name: len(recipients) for name, recipients in rules().items()}


@pytest.fixture
def takes_100(ses, rows):
    ses.set_quotas(recipients=100)
    return ses


def test_smaller_limit_is_learned_from_a_refusal(takes_100):
    receive(*(f"a{n}" for n in range(250)))
    reconcile(DOMAIN)
    assert sizes_in_ses() == rules_of(100, 100, 50)
    assert calls(takes_100).count("CreateReceiptRule") == 4  # the first one is refused
    assert quotas.layout(ses_config()).max_recipients == 100


def test_learned_limit_applies_to_every_domain(takes_100):
    quotas.learn_recipient_limit(ses_config(), refused=101)
    receive(*(f"a{n}" for n in range(101)))
    reconcile(DOMAIN)
    assert sizes_in_ses() == rules_of(100, 1)
    assert max(map(len, recipients_sent(takes_100))) == 100


def test_limit_below_one_hundred_is_found_by_halving(ses, rows):
    ses.set_quotas(recipients=20)
    receive(*(f"a{n}" for n in range(30)))
    reconcile(DOMAIN)
    assert sizes_in_ses() == rules_of(15, 15)


def test_smaller_limit_leaves_no_address_without_a_rule(ses, rows, settings):
    """The new rules get the addresses before the first rule loses them."""
    receive(*(f"a{n}" for n in range(6)))
    reconcile(DOMAIN)
    ses.clear_journal()
    settings.SES_MAX_RECIPIENTS_PER_RULE = 2
    receive(*(f"a{n}" for n in range(6)))
    reconcile(DOMAIN)
    assert sizes_in_ses() == rules_of(2, 2, 2)
    assert calls(ses) == ["CreateReceiptRule", "CreateReceiptRule", "UpdateReceiptRule"]


def test_refusal_of_a_small_rule_does_not_lower_the_limit(ses, rows):
    """Otherwise every domain would get as many rules as it has addresses."""
    ses.set_quotas(recipients=0)
    receive("a", "b", "c")
    reconcile(DOMAIN)
    assert pending_domains().get().last_error == "The rule has more recipients than SES allows."
    assert calls(ses).count("CreateReceiptRule") == 1
    assert quotas.layout(ses_config()).max_recipients == 500


def test_deleted_address_is_removed_although_another_rule_cannot_be_created(ses, rows, settings):
    """A smaller limit moves addresses into rules that do not fit. They stay in the old rule; the deleted one goes."""
    receive(*(f"a{n}" for n in range(6)))
    reconcile(DOMAIN)
    settings.SES_MAX_RECIPIENTS_PER_RULE = 2
    ses.set_quotas(rules=1)
    receive(*(f"a{n}" for n in range(1, 6)))
    reconcile(DOMAIN)
    assert rules() == {RULE: {f"a{n}@example.com" for n in range(1, 6)}}
    assert pending_domains().get().last_error == "The receipt rule set has no room for another rule."


def test_setting_below_the_learned_limit_applies(settings, transactional_db):
    quotas.learn_recipient_limit(ses_config(), refused=500)
    settings.SES_MAX_RECIPIENTS_PER_RULE = 50
    assert quotas.layout(ses_config()).max_recipients == 50


def test_learned_limit_never_grows(transactional_db):
    for refused in (80, 500):
        quotas.learn_recipient_limit(ses_config(), refused=refused)
    assert RuleSetState.objects.get().recipients_per_rule == 40


def test_smaller_rule_quota_is_learned_and_forgotten_when_more_rules_are_seen(ses, rows):
    ses.set_quotas(rules=1)
    for name in ("example.com", "example.org"):
        receive("a", domain=name)
        reconcile(name)
    state = quotas.rule_set_state(ses_config())
    assert (state.rules_per_set, quotas.rule_limit(state)) == (1, 1)
    ses.set_quotas(rules=None)
    sweep_ses()
    assert quotas.rule_limit(quotas.rule_set_state(ses_config())) == 1
    reconcile("example.org")
    DomainSync.objects.update(retry_at=None)
    reconcile("example.org")
    sweep_ses()
    state = quotas.rule_set_state(ses_config())
    assert (state.rules_per_set, quotas.rule_limit(state)) == (None, 200)


def test_a_learned_rule_quota_is_forgotten_when_others_have_another_number_of_rules(transactional_db):
    """It may have been learned with a number of theirs that was out of date."""
    config = ses_config()
    quotas.record_foreign(config, rules=3, identities=0)
    RuleSetState.objects.update(rules_per_set=9)
    quotas.record_foreign(config, rules=3, identities=5)
    assert RuleSetState.objects.get().rules_per_set == 9
    quotas.record_foreign(config, rules=2, identities=5)
    assert RuleSetState.objects.get().rules_per_set is None


def test_no_rule_quota_is_learned_from_the_documented_one(ses, rows):
    quotas.record_foreign(ses_config(), rules=200, identities=0)
    ses.set_quotas(rules=0)
    receive("a")
    reconcile(DOMAIN)
    assert quotas.rule_set_state(ses_config()).rules_per_set is None


def test_foreign_usage_counts_towards_the_quota(transactional_db):
    quotas.record_foreign(ses_config(), rules=3, identities=9_990)
    state = quotas.rule_set_state(ses_config())
    assert quotas.usage(ses_config(), ResourceKind.RULE, state) == quotas.QuotaUsage(ours=0, foreign=3, quota=200)
    assert quotas.usage(ses_config(), ResourceKind.IDENTITY, state).free == 10
