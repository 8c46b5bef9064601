"""ses_reconcile --adopt replaces rules of the reference service.

That service has used the account: `<domain>-rule` and `<domain>-catchall-rule` are there.
"""

from __future__ import annotations

import json

import pytest

from ses_integration.aws.gateway import Gateway
from ses_integration.conf import ses_config
from ses_integration.management.commands import ses_reconcile
from ses_integration.models import LedgerEntry
from ses_integration.reconcile.loop import reconcile
from ses_integration.tests.commands.reconcile.receipt_rules import EQUAL, RULE, STORE, change, held, put
from ses_integration.tests.commands.run import apply, run
from ses_integration.tests.support.fake_domains import DOMAIN, receive, remove
from ses_integration.tests.support.ses_state import calls, identities, rules

pytestmark = pytest.mark.usefixtures("rows")


@pytest.fixture
def old(ses, ses_v1):
    """Its rule and its identity, which has no tag."""
    ses_v1.verify_domain_identity(Domain=DOMAIN)
    put(ses_v1, "example.com-rule", "a@example.com", "b@example.com")
    put(
        ses_v1,
        "theirs.org-rule",
        "x@theirs.org",
        Actions=[{"S3Action": {**STORE["S3Action"], "ObjectKeyPrefix": "emails/theirs.org/"}}],
    )
    return ses


def test_rules_of_the_reference_service_are_recognised_and_left_alone(old):
    receive("a")
    reconcile(DOMAIN)
    before = held(old)
    assert apply("ses_reconcile")[0] == 0
    assert run("ses_reconcile") == (
        0,
        "Not ours, and left alone:\n"
        "< rule example.com-rule of example.com: a@example.com, b@example.com (of the reference service; "
        "its mail would be lost: add these addresses first)\n"
        "    needed: b@example.com\n"
        "< rule theirs.org-rule of theirs.org: x@theirs.org (of the reference service; "
        "theirs.org is no domain of ours: add it first)\n"
        "\n"
        f"{EQUAL}",
    )
    assert held(old) == before


def test_a_rule_with_addresses_missing_from_our_rows_is_not_adopted(old):
    receive("a")
    reconcile(DOMAIN)
    before = held(old)
    assert run("ses_reconcile", "--adopt", "--yes")[0] == 0
    assert held(old) == before
    assert not LedgerEntry.objects.filter(name="example.com-rule").exists()


def test_our_rule_is_created_before_the_adopted_one_is_deleted(old):
    receive("a", "b")
    code, text = apply("ses_reconcile", "--adopt")
    assert code == 0
    assert text.count("1/1 example.com: up to date\n") == 2
    assert calls(old)[-2:] == ["CreateReceiptRule", "DeleteReceiptRule"]
    assert set(rules()) == {RULE, "theirs.org-rule"}
    assert identities() == {DOMAIN}
    old.clear_journal()
    code, text = run("ses_reconcile", "--adopt", "--yes")
    assert (code, calls(old)) == (0, [])


def test_the_adopted_rule_stays_until_ours_is_confirmed(old):
    receive("a", "b")
    old.add_faults({"service": "ses", "action": "CreateReceiptRule", "fault": "access_denied", "times": None})
    code, _ = apply("ses_reconcile", "--adopt")
    assert code == 2
    assert "example.com-rule" in rules()
    old.clear_faults()
    assert run("ses_sync")[0] == 0
    assert run("ses_reconcile", "--adopt", "--yes")[0] == 0
    assert set(rules()) == {RULE, "theirs.org-rule"}


@pytest.mark.parametrize("wrong", ["missing", "disabled", "different"])
@pytest.mark.parametrize("adopt", [["--adopt", "--yes"], ["--apply", "--adopt", "--yes"]])
def test_a_rule_is_not_adopted_while_ours_does_not_receive(old, ses_v1, wrong, adopt):
    receive("a", "b")
    reconcile(DOMAIN)
    if wrong == "missing":
        Gateway(ses_config()).delete_rule(RULE)
    else:
        change(ses_v1, **({"Enabled": False} if wrong == "disabled" else {"Recipients": ["x@example.com"]}))
    old.clear_journal()
    code, text = run("ses_reconcile", *adopt)
    if "--apply" not in adopt:
        assert (code, calls(old)) == (2, [])
        assert "of the reference service; rules of ours do not receive as they should, so it may be needed: " in text
    else:
        repair = "CreateReceiptRule" if wrong == "missing" else "UpdateReceiptRule"
        assert (code, calls(old)) == (0, [repair, "DeleteReceiptRule"])
        assert rules()[RULE] == {"a@example.com", "b@example.com"}


def test_a_catch_all_rule_is_replaced_by_ours(ses, ses_v1):
    store = {"S3Action": {**STORE["S3Action"], "ObjectKeyPrefix": "emails/example.com/catchall/"}}
    put(ses_v1, "example.com-catchall-rule", DOMAIN, Actions=[store])
    receive(catch_all=True)
    reconcile(DOMAIN)
    assert run("ses_reconcile", "--adopt", "--yes")[0] == 0
    assert rules() == {"inbound-example.com-catchall-rule": {DOMAIN}}


def test_an_adopted_rule_is_deleted_with_its_domain(old):
    receive("a", "b")
    reconcile(DOMAIN)
    old.add_faults({"service": "ses", "action": "DeleteReceiptRule", "fault": "access_denied"})
    run("ses_reconcile", "--adopt", "--yes")
    assert "example.com-rule" in rules()
    remove()
    reconcile(DOMAIN)
    assert set(rules()) == {"theirs.org-rule"}


def test_adopting_repairs_nothing_else(old):
    receive("a", "b")
    receive("a", domain="other.org")
    reconcile("other.org")
    Gateway(ses_config()).delete_rule("inbound-other.org-rule")
    assert run("ses_reconcile", "--adopt", "--yes")[0] == 2
    assert set(rules()) == {RULE, "theirs.org-rule"}


def test_a_rule_is_not_adopted_if_an_address_is_deleted_meanwhile(old, monkeypatch):
    receive("a", "b")
    reconcile(DOMAIN)
    adopt = ses_reconcile.adopt_reference_rules

    def somebody_is_first(*args):
        receive("a")
        return adopt(*args)

    monkeypatch.setattr(ses_reconcile, "adopt_reference_rules", somebody_is_first)
    run("ses_reconcile", "--adopt", "--yes")
    assert "example.com-rule" in rules()
    assert not LedgerEntry.objects.filter(name="example.com-rule").exists()


def test_json_names_the_adopted_rules(old):
    receive("a", "b")
    reconcile(DOMAIN)
    body = json.loads(run("ses_reconcile", "--adopt", "--yes", "--json")[1])
    assert body["applied"] == {"adopted": ["example.com-rule"], "domains": {DOMAIN: "in line"}, "moved": []}
