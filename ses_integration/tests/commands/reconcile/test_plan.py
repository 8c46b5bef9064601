"""The plan that ses_reconcile prints."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError

from ses_integration.aws.gateway import Gateway
from ses_integration.conf import ses_config
from ses_integration.models import DomainSync, LedgerEntry
from ses_integration.reconcile.loop import reconcile
from ses_integration.tests.commands.reconcile.receipt_rules import EQUAL, RULE, SET, STORE, change, held, looks, put
from ses_integration.tests.commands.run import run
from ses_integration.tests.support.fake_domains import DOMAIN, receive, remove
from ses_integration.tests.support.protocol_steps import Writer
from ses_integration.tests.support.ses_state import calls

pytestmark = pytest.mark.usefixtures("rows")

CLEAN_UP = "ses_cleanup --apply --domain lost.org removes it, with --force if that is more than a third of what is ours"


def test_without_drift_it_says_so_and_exits_with_0(ses_with_a):
    assert run("ses_reconcile") == (0, EQUAL)


def test_it_makes_one_describe_and_one_list_call(ses_with_a):
    run("ses_reconcile")
    assert looks(ses_with_a) == ["DescribeActiveReceiptRuleSet", "ListEmailIdentities"]


def test_each_drift_is_one_line_and_nothing_is_changed(ses_with_a, ses_v1):
    for domain in ("gone.org", "lost.org", "mixed.org"):
        receive("a", domain=domain)
        reconcile(domain)
    change(ses_v1, Recipients=["a@example.com", "intruder@example.com"])
    Gateway(ses_config()).delete_rule("inbound-mixed.org-rule")
    Gateway(ses_config()).delete_identity("mixed.org")
    LedgerEntry.objects.filter(domain="lost.org").delete()
    for domain in ("gone.org", "lost.org"):
        remove(domain)
        # As if the marks had been lost.
        DomainSync.objects.filter(domain=domain).update(generation=1, observed_generation=1)
    put(ses_v1, "theirs", "x@theirs.org", Actions=[STORE, {"StopAction": {"Scope": "RuleSet"}}])
    put(ses_v1, "everything")
    ses_v1.verify_domain_identity(Domain="theirs.org")
    before = held(ses_with_a)
    assert run("ses_reconcile") == (
        2,
        "+ identity mixed.org: missing\n"
        "+ rule inbound-mixed.org-rule of mixed.org: missing\n"
        "    + a@mixed.org\n"
        "- identity gone.org: not wanted any more\n"
        "- rule inbound-gone.org-rule of gone.org: not wanted any more\n"
        "    - a@gone.org\n"
        "~ rule inbound-example.com-rule of example.com: different, other recipients\n"
        "    - intruder@example.com\n"
        "^ rule inbound-example.com-rule of example.com: out of order. It stands behind theirs, "
        "which ends a mail that goes to both, with a Stop action.\n"
        f"! identity lost.org: it has our tag, and is in no ledger: {CLEAN_UP}\n"
        f"! rule inbound-lost.org-rule of lost.org: it has our prefix, and is in no ledger: {CLEAN_UP}\n"
        "! rule everything: RECEIVES EVERY ADDRESS OF EVERY DOMAIN, ours included. It is not ours and takes mail of "
        "ours: its owner must disable it, or remove our domains from it.\n"
        "\n"
        "Not ours, and left alone:\n"
        "  rule theirs of theirs.org: x@theirs.org\n"
        "  identity: theirs.org\n"
        "\n"
        "Plan: 2 to create (+), 1 to change (~), 2 to remove (-), 1 to move (^), 3 for you to do (!).\n"
        "ses_reconcile --apply repairs what is ours.\n",
    )
    assert held(ses_with_a) == before
    assert calls(ses_with_a)[-4:] == [
        "DeleteEmailIdentity",
        "CreateReceiptRule",
        "CreateReceiptRule",
        "VerifyDomainIdentity",
    ]


def test_a_disabled_rule_and_other_actions_are_drift(ses_with_a, ses_v1):
    change(ses_v1, Enabled=False)
    assert f"~ rule {RULE} of example.com: disabled\n" in run("ses_reconcile")[1]
    change(ses_v1, Enabled=True, Actions=[])
    assert f"~ rule {RULE} of example.com: different, other actions\n" in run("ses_reconcile")[1]


def test_a_changed_bucket_setting_is_named_with_the_bucket_in_use(ses_with_a, settings):
    settings.S3_BUCKET_NAME = "other-mail"
    why = "other actions: it stores to the bucket inbound-mail, and S3_BUCKET_NAME is other-mail"
    code, text = run("ses_reconcile")
    assert (code, text.splitlines()[0]) == (2, f"~ rule {RULE} of example.com: different, {why}")
    assert json.loads(run("ses_reconcile", "--json")[1])["differences"][0]["why"] == why


def test_another_active_rule_set_is_reported_with_the_command_to_run(ses_with_a, ses_v1):
    ses_v1.create_receipt_rule_set(RuleSetName="theirs")
    ses_v1.set_active_receipt_rule_set(RuleSetName="theirs")
    code, text = run("ses_reconcile")
    assert code == 2
    assert "! rule set inbound-email-rules: theirs is active and receives the mail: run ses_setup" in text
    assert looks(ses_with_a)[-3:] == ["DescribeActiveReceiptRuleSet", "DescribeReceiptRuleSet", "ListEmailIdentities"]


def test_a_missing_rule_set_is_reported_with_the_command_to_run(aws, transactional_db):
    code, text = run("ses_reconcile")
    assert (code, text.splitlines()[0]) == (
        2,
        "! rule set inbound-email-rules: It does not exist: run ses_setup.",
    )


def test_a_pending_domain_is_listed_with_the_reason(ses):
    ses.add_faults({"service": "sesv2", "action": "CreateEmailIdentity", "fault": "access_denied"})
    receive()
    reconcile(DOMAIN)
    code, text = run("ses_reconcile")
    assert code == 2
    assert "* domain example.com: pending: 1 change behind, next try " in text
    assert "AWS does not allow ses:CreateEmailIdentity; the credentials lack a permission.\n" in text


def test_an_unanswered_call_is_listed_with_its_time(ses_with_a):
    receive("a", "b")
    Writer().call_without_answer()
    assert "An earlier call to AWS got no answer; it is sent again after " in run("ses_reconcile")[1]


def test_an_identity_tag_is_read_only_if_the_identity_may_be_ours(ses_with_a, ses_v1):
    ses_v1.verify_domain_identity(Domain="theirs.org")
    remove()
    reconcile(DOMAIN)
    ses_v1.verify_domain_identity(Domain=DOMAIN)
    ses_with_a.clear_journal()
    assert run("ses_reconcile")[0] == 0
    assert looks(ses_with_a)[2:] == ["GetEmailIdentity"]


def test_domain_limits_the_plan_to_one_domain(ses_with_a, ses_v1):
    receive("a", domain="other.org")
    reconcile("other.org")
    Gateway(ses_config()).delete_identity("other.org")
    change(ses_v1, Enabled=False)
    text = run("ses_reconcile", "--domain", "Other.org")[1]
    assert text.startswith("+ identity other.org: missing\n\nPlan: 1 to create (+).\n")


def test_an_unknown_domain_fails_before_aws_is_called(ses_with_a):
    with pytest.raises(CommandError, match=r"No such domain, now or in the past: typo\.org"):
        run("ses_reconcile", "--domain", "typo.org")
    assert looks(ses_with_a) == []


def test_json_has_every_published_field(ses_with_a, ses_v1):
    change(ses_v1, Recipients=["b@example.com"])
    code, text = run("ses_reconcile", "--json")
    assert code == 2
    assert json.loads(text) == {
        "region": "eu-west-1",
        "ruleSet": SET,
        "activeRuleSet": SET,
        "equal": False,
        "differences": [
            {
                "sort": "different",
                "kind": "rule",
                "name": RULE,
                "domain": DOMAIN,
                "why": "other recipients",
                "added": ["a@example.com"],
                "removed": ["b@example.com"],
                "recipients": [],
                "toAdd": [],
                "takesFrom": [],
                "takesEverything": False,
                "adoptable": False,
                "needed": False,
                "drift": True,
            }
        ],
    }


@pytest.mark.parametrize(
    ("recipients", "taken"),
    [
        ([], "RECEIVES EVERY ADDRESS OF EVERY DOMAIN, ours included"),
        (["x@theirs.org", "a@example.com"], "a@example.com, x@theirs.org"),
    ],
)
def test_a_foreign_rule_that_takes_our_mail_is_drift_and_never_touched(ses_with_a, ses_v1, recipients, taken):
    put(ses_v1, "theirs", *recipients)
    before = held(ses_with_a)
    for args in ([], ["--apply", "--yes", "--force"], ["--domain", DOMAIN]):
        code, text = run("ses_reconcile", *args)
        assert (code, text.splitlines()[0]) == (
            2,
            f"! rule theirs: {taken}. It is not ours and takes mail of ours: its owner must disable it, "
            "or remove our domains from it.",
        )
        assert text.endswith("\n\nPlan: 1 for you to do (!).\n")
    code, text = run("ses_reconcile", "--json")
    told = json.loads(text)
    assert (code, told["equal"]) == (2, False)
    [theirs] = told["differences"]
    assert (theirs["sort"], theirs["drift"]) == ("foreign", True)
    assert held(ses_with_a) == before


def test_a_foreign_rule_for_foreign_mail_is_no_drift(ses_with_a, ses_v1):
    put(ses_v1, "theirs", "x@theirs.org")
    put(ses_v1, "disabled", "a@example.com", Enabled=False)
    code, text = run("ses_reconcile", "--json")
    assert (code, json.loads(text)["equal"]) == (0, True)


def test_an_aws_error_is_one_sentence(ses_with_a):
    ses_with_a.add_faults({"service": "ses", "action": "*", "fault": "access_denied"})
    with pytest.raises(CommandError, match="lack a permission"):
        run("ses_reconcile")


def test_a_domain_that_changes_while_ses_is_asked_is_not_compared(ses_with_a, monkeypatch):
    seen = Gateway.active_rules

    def look_then_somebody_adds_an_address(self: Gateway) -> object:
        found = seen(self)
        receive("a", "b")
        reconcile(DOMAIN)
        return found

    monkeypatch.setattr(Gateway, "active_rules", look_then_somebody_adds_an_address)
    assert run("ses_reconcile") == (0, EQUAL)


def test_a_rule_that_is_removed_while_ses_is_asked_is_no_orphan(ses_with_a, monkeypatch):
    seen = Gateway.identities

    def look_then_the_domain_is_deleted(self: Gateway) -> object:
        found = seen(self)
        remove()
        reconcile(DOMAIN)
        return found

    monkeypatch.setattr(Gateway, "identities", look_then_the_domain_is_deleted)
    assert run("ses_reconcile") == (0, EQUAL)
