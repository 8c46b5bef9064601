"""ses_reconcile --apply repairs what is ours."""

from __future__ import annotations

import json
import time

import pytest
from django.core.management import CommandError

from ses_integration.aws.gateway import Gateway
from ses_integration.conf import ses_config
from ses_integration.coordination import lease
from ses_integration.drift import repair
from ses_integration.drift.compare import compare
from ses_integration.errors import Unsent
from ses_integration.models import DomainSync, LedgerEntry
from ses_integration.reconcile.loop import reconcile
from ses_integration.tests.commands.reconcile.receipt_rules import EQUAL, RULE, SET, STORE, change, held, looks, put
from ses_integration.tests.commands.run import apply
from ses_integration.tests.support.fake_domains import DOMAIN, change_behind_our_back, receive
from ses_integration.tests.support.ses_state import calls, identities, recipients_sent, rules

pytestmark = pytest.mark.usefixtures("rows")


def test_everything_of_ours_is_repaired_and_the_rest_left_alone(ses_with_a, ses_v1, rows):
    for domain in ("gone.org", "mixed.org", "quiet.org"):
        receive("a", domain=domain)
        reconcile(domain)
    change(ses_v1, Recipients=["intruder@example.com"], Enabled=False)
    Gateway(ses_config()).delete_rule("inbound-mixed.org-rule")
    Gateway(ses_config()).delete_identity("mixed.org")
    rows.pop("gone.org")
    change_behind_our_back("a", "b", domain="quiet.org")
    put(ses_v1, "theirs", "x@theirs.org", Actions=[STORE, {"StopAction": {"Scope": "RuleSet"}}])
    put(ses_v1, "inbound2-other.net-rule", "x@other.net")
    ses_v1.verify_domain_identity(Domain="theirs.org")
    before = held(ses_with_a)
    ses_with_a.clear_journal()
    code, text = apply("ses_reconcile")
    assert code == 0
    assert text.startswith("+ identity mixed.org: missing\n")
    assert text.partition("Plan: ")[2] == (
        "2 to create (+), 2 to change (~), 2 to remove (-), 2 to move (^).\n"
        "\n"
        "1/4 example.com: up to date\n"
        "2/4 gone.org: up to date\n"
        "3/4 mixed.org: up to date\n"
        "4/4 quiet.org: up to date\n"
        "inbound-quiet.org-rule: moved in front of all other rules\n"
        "inbound-example.com-rule: moved in front of all other rules\n"
        "\n"
        "SES matches the database.\n"
    )
    assert rules() == {
        RULE: {"a@example.com"},
        "inbound-mixed.org-rule": {"a@mixed.org"},
        "inbound-quiet.org-rule": {"a@quiet.org", "b@quiet.org"},
        "theirs": {"x@theirs.org"},
        "inbound2-other.net-rule": {"x@other.net"},
    }
    assert calls(ses_with_a)[-2:] == ["SetReceiptRulePosition", "SetReceiptRulePosition"]
    # Whose turn comes first is for how long each has waited.
    assert sorted(calls(ses_with_a)[:-2]) == [
        "CreateEmailIdentity",
        "CreateReceiptRule",
        "DeleteEmailIdentity",
        "DeleteReceiptRule",
        "SetIdentityMailFromDomain",
        "UpdateReceiptRule",
        "UpdateReceiptRule",
        "VerifyDomainIdentity",
    ]
    assert all(recipients_sent(ses_with_a))
    names = {"theirs", "inbound2-other.net-rule"}
    foreign = [
        [rule for rule in state["rule_sets"][SET] if rule["Name"] in names] for state in (before, held(ses_with_a))
    ]
    assert foreign[0] == foreign[1]
    assert [identity for identity in before["identities"] if identity["name"] == "theirs.org"] == [
        identity for identity in held(ses_with_a)["identities"] if identity["name"] == "theirs.org"
    ]
    ses_with_a.clear_journal()
    assert apply("ses_reconcile")[0] == 0
    assert calls(ses_with_a) == []


def test_without_drift_ses_is_observed_once(ses_with_a):
    assert apply("ses_reconcile") == (0, EQUAL)
    assert looks(ses_with_a) == ["DescribeActiveReceiptRuleSet", "ListEmailIdentities"]


def test_rules_move_to_the_front_in_their_order(ses_with_a, ses_v1):
    receive("a", domain="other.org")
    reconcile("other.org")
    order = list(rules())
    put(ses_v1, "theirs", "x@theirs.org", Actions=[STORE, {"StopAction": {"Scope": "RuleSet"}}])
    apply("ses_reconcile")
    assert list(rules()) == [*order, "theirs"]


def test_a_domain_without_a_sync_row_that_needs_no_call_is_up_to_date(ses_with_a, ses_v1):
    """As after a restored backup: the ledger has the domain, and its rule only has to be moved."""
    put(ses_v1, "theirs", "x@theirs.org", Actions=[STORE, {"StopAction": {"Scope": "RuleSet"}}])
    DomainSync.objects.all().delete()
    code, text = apply("ses_reconcile")
    assert code == 0
    assert f"1/1 {DOMAIN}: up to date\n{RULE}: moved in front of all other rules\n" in text


def test_a_rule_that_was_removed_meanwhile_is_not_moved(ses_with_a, ses_v1):
    put(ses_v1, "theirs", "x@theirs.org", Actions=[STORE, {"StopAction": {"Scope": "RuleSet"}}])
    seen = compare(ses_config())
    Gateway(ses_config()).delete_rule(RULE)
    repair.move_to_front(ses_config(), seen, [DOMAIN])
    assert list(rules()) == ["theirs"]


def test_no_rule_is_moved_after_the_deadline(ses_with_a):
    with pytest.raises(Unsent):
        repair.move(ses_config(), [RULE], deadline=time.monotonic() - 1)
    assert "SetReceiptRulePosition" not in calls(ses_with_a)


def test_a_dirty_domain_is_repaired_in_a_second_round(ses_with_a):
    Gateway(ses_config()).delete_identity(DOMAIN)
    receive("a", "b")
    code, text = apply("ses_reconcile")
    assert code == 0
    assert text.count("1/1 example.com: up to date\n") == 2
    assert (rules(), identities()) == ({RULE: {"a@example.com", "b@example.com"}}, {DOMAIN})


def test_a_domain_that_waits_for_its_next_try_is_tried_now(ses):
    ses.add_faults({"service": "sesv2", "action": "CreateEmailIdentity", "fault": "access_denied"})
    receive("a")
    reconcile(DOMAIN)
    code, text = apply("ses_reconcile")
    assert (code, text.splitlines()[-1]) == (0, EQUAL.strip())


def test_what_could_not_be_repaired_is_listed_with_the_reason(ses_with_a):
    Gateway(ses_config()).delete_rule(RULE)
    ses_with_a.add_faults({"service": "ses", "action": "CreateReceiptRule", "fault": "access_denied", "times": None})
    code, text = apply("ses_reconcile")
    assert code == 2
    assert (
        "1/1 example.com: still pending. AWS does not allow ses:CreateReceiptRule; the credentials lack a permission.\n"
        in text
    )
    assert text.endswith("Plan: 1 to create (+), 1 pending (*).\n")


def test_limit_bounds_the_number_of_changed_domains(ses_with_a):
    for domain in ("b.org", "c.org"):
        receive("a", domain=domain)
        reconcile(domain)
    for name in list(rules()):
        Gateway(ses_config()).delete_rule(name)
    code, text = apply("ses_reconcile", "--limit", "2")
    assert code == 2
    assert set(rules()) == {"inbound-b.org-rule", "inbound-c.org-rule"}
    assert text.endswith("Plan: 1 to create (+).\n")


def test_limit_must_be_a_number_from_1(ses_with_a):
    for text in ("0", "-1", "x", "²"):
        with pytest.raises(CommandError, match="is not a number from 1"):
            apply("ses_reconcile", f"--limit={text}")


def test_domain_limits_the_repair_to_one_domain(ses_with_a):
    receive("a", domain="other.org")
    reconcile("other.org")
    for name in list(rules()):
        Gateway(ses_config()).delete_rule(name)
    assert apply("ses_reconcile", "--domain", "other.org")[0] == 0
    assert set(rules()) == {"inbound-other.org-rule"}


def test_an_orphan_is_left_to_the_operator(ses_with_a, ses_v1):
    store = {"S3Action": {**STORE["S3Action"], "ObjectKeyPrefix": "emails/lost.org/1/"}}
    put(ses_v1, "inbound-lost.org-rule", "x@lost.org", Actions=[store])
    before = held(ses_with_a)
    code, text = apply("ses_reconcile")
    assert (code, held(ses_with_a)) == (2, before)
    assert text.endswith("Plan: 1 for you to do (!).\n")


def test_an_observation_older_than_another_repair_invalidates_nothing(ses_with_a, monkeypatch):
    Gateway(ses_config()).delete_rule(RULE)
    invalidate = repair.invalidate

    def somebody_repairs_it_first(*args):
        monkeypatch.undo()
        apply("ses_reconcile")
        ses_with_a.clear_journal()
        return invalidate(*args)

    monkeypatch.setattr(repair, "invalidate", somebody_repairs_it_first)
    assert apply("ses_reconcile")[0] == 0
    assert calls(ses_with_a) == []
    assert LedgerEntry.objects.get(name=RULE).presence == "present"


def test_a_rule_is_moved_only_with_the_lease(ses_with_a, ses_v1, monkeypatch):
    put(ses_v1, "theirs", "x@theirs.org", Actions=[STORE, {"StopAction": {"Scope": "RuleSet"}}])
    holder = lease.acquire(ses_config())
    monkeypatch.setattr(repair, "pause", lambda seconds: calls(ses_with_a)[1:] or lease.release(holder))
    assert apply("ses_reconcile")[0] == 0
    assert calls(ses_with_a) == ["CreateReceiptRule", "SetReceiptRulePosition"]


def test_only_json_goes_to_stdout(ses_with_a):
    Gateway(ses_config()).delete_rule(RULE)
    code, text = apply("ses_reconcile", "--json")
    body = json.loads(text)
    assert (code, body["equal"], body["differences"]) == (0, True, [])
    assert body["applied"] == {"adopted": [], "domains": {DOMAIN: "in line"}, "moved": []}
