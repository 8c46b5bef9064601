"""Rules and identities of ours that are in no ledger."""

from __future__ import annotations

from contextlib import suppress

import pytest
from django.core.management import CommandError

from domains.tests.cleanup.leftovers import (
    MAYBE,
    RULE,
    SET,
    calls,
    create_tagged_identity,
    held,
    put,
    signs,
)
from inbound.tests.support.aws import create_foreign_identity, identities, rules
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory
from ses_integration.aws import clients
from ses_integration.aws.gateway import Gateway
from ses_integration.cli import leftovers
from ses_integration.conf import ses_config
from ses_integration.models import DomainSync, LedgerEntry
from ses_integration.reconcile.loop import reconcile_due
from ses_integration.tests.commands.run import apply, run


def test_orphans_are_removed_and_foreign_resources_stay(ses, live, lost):
    put("inbound2-other.net-rule", "a@other.net")
    put("inbound-theirs-rule", "a@theirs.org")
    put("inbound-tagged.org-rule", "a@tagged.org")
    create_tagged_identity("tagged.org", "inbound2")
    create_foreign_identity("untagged.org")
    before = held(ses)
    ses.clear_journal()
    code, text = apply("ses_cleanup")
    assert code == 2  # the stored mail has to be named
    assert "1/1 lost.org: up to date\n" in text
    assert (
        "Not ours despite our prefix; left alone:\n"
        "  rule inbound-tagged.org-rule: a@tagged.org "
        "(it has our prefix, but the identity is of installation inbound2)\n"
        "  rule inbound-theirs-rule: a@theirs.org "
        "(it has our prefix, but is not the rule of any domain as we name them)\n"
    ) in text
    after = held(ses)
    gone = [rule for rule in before["rule_sets"][SET] if rule["Name"] == RULE]
    assert after["rule_sets"][SET] == [rule for rule in before["rule_sets"][SET] if rule not in gone]
    assert after["identities"] == [identity for identity in before["identities"] if identity["name"] != "lost.org"]
    changes = [action for action in calls(ses) if not action.startswith(("Describe", "List", "Get"))]
    assert changes == ["DeleteReceiptRule", "DeleteEmailIdentity"]
    assert not LedgerEntry.objects.exclude(domain="live.org").exists()
    ses.clear_journal()
    apply("ses_cleanup")
    assert held(ses) == after


def test_the_tag_is_read_again_before_an_identity_is_deleted(ses, lost, monkeypatch):
    adopt_orphans = leftovers.adopt_orphans

    def somebody_else_makes_it_anew(*args):
        Gateway(ses_config()).delete_identity("lost.org")
        create_tagged_identity("lost.org", "inbound2")
        return adopt_orphans(*args)

    monkeypatch.setattr(leftovers, "adopt_orphans", somebody_else_makes_it_anew)
    apply("ses_cleanup")
    assert identities(ses) == {"lost.org"}


def test_a_rule_that_changes_while_tags_are_read_is_left_alone(ses, lost, monkeypatch):
    adopt_orphans = leftovers.adopt_orphans

    def somebody_else_makes_it_theirs(*args):
        Gateway(ses_config()).delete_rule(RULE)
        put(RULE, "b@lost.org")
        return adopt_orphans(*args)

    monkeypatch.setattr(leftovers, "adopt_orphans", somebody_else_makes_it_theirs)
    apply("ses_cleanup")
    assert rules(ses) == {RULE: {"b@lost.org"}}


def test_a_domain_that_is_added_again_meanwhile_keeps_its_rule_and_identity(ses, lost, monkeypatch):
    adopt_orphans = leftovers.adopt_orphans

    def somebody_adds_it_again(*args):
        EmailAddressFactory(domain=DomainFactory(name="lost.org"), address="b@lost.org")
        return adopt_orphans(*args)

    monkeypatch.setattr(leftovers, "adopt_orphans", somebody_adds_it_again)
    apply("ses_cleanup")
    assert (rules(ses), identities(ses)) == ({RULE: {"b@lost.org"}}, {"lost.org"})


def test_the_worker_finishes_what_a_killed_run_began(ses, lost, monkeypatch):
    monkeypatch.setattr("ses_integration.cli.base.reconcile", lambda domain: (_ for _ in ()).throw(KeyboardInterrupt))
    with suppress(KeyboardInterrupt):
        apply("ses_cleanup")
    assert RULE in rules(ses)
    assert DomainSync.objects.get(domain="lost.org").pending
    reconcile_due()
    assert (rules(ses), identities(ses)) == ({}, set())


def test_an_orphan_of_a_live_domain_is_removed_and_its_own_rule_stays(ses, live):
    put("inbound-live.org-rule-7", "a@live.org", "b@live.org")
    assert apply("ses_cleanup")[0] == 0
    assert rules(ses) == {"inbound-live.org-rule": {"a@live.org"}}


@pytest.mark.parametrize("wrong", ["missing", "disabled"])
def test_an_orphan_that_receives_our_mail_stays_until_our_rule_is_repaired(ses, live, wrong):
    ours, orphan = "inbound-live.org-rule", "inbound-live.org-rule-7"
    put(orphan, "a@live.org")
    if wrong == "missing":
        Gateway(ses_config()).delete_rule(ours)
    else:
        seen = clients.ses("eu-west-1").describe_receipt_rule(RuleSetName=SET, RuleName=ours)["Rule"]
        clients.ses("eu-west-1").update_receipt_rule(RuleSetName=SET, Rule={**seen, "Enabled": False})
    before = held(ses)
    for options in (["--apply", "--yes", "--force"], ["--apply", "--yes", "--force", "--domain", "live.org"]):
        assert run("ses_cleanup", *options) == (
            2,
            "Orphans in SES, ours and in no ledger:\n"
            f"? rule {orphan}: a@live.org. Rules of ours do not receive as they should, so it may be needed: "
            "run ses_reconcile --apply first\n" + signs(MAYBE),
        )
    assert held(ses) == before
    apply("ses_reconcile")
    assert apply("ses_cleanup")[0] == 0
    assert rules(ses) == {ours: {"a@live.org"}}


def test_an_orphan_of_an_unrecorded_domain_is_removed_only_if_the_domain_is_named(ses, unknown):
    before = held(ses)
    code, text = apply("ses_cleanup")
    assert (code, held(ses)) == (2, before)
    for thing in ("identity lost.org", f"rule {RULE}: a@lost.org"):
        assert (
            f"? {thing}. Its domain is unknown here, so it may belong to another installation. "
            "If it is yours, run ses_cleanup --apply --domain lost.org\n"
        ) in text
    assert apply("ses_cleanup", "--domain", "lost.org")[0] == 0
    assert (rules(ses), identities(ses)) == ({}, set())


def test_a_rule_that_stores_in_another_bucket_is_foreign(ses, live):
    clients.s3("eu-west-1").create_bucket(
        Bucket="their-mail", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    put("inbound-other.org-rule", "x@other.org", bucket="their-mail")
    create_foreign_identity("other.org")
    before = held(ses)
    for options in (["--apply", "--yes", "--force"], ["--apply", "--yes", "--force", "--domain", "other.org"]):
        code, text = run("ses_cleanup", *options)
        assert code == 0
        assert (
            "rule inbound-other.org-rule: x@other.org (it has our prefix, but does not store mail where ours do)"
            in text
        )
    assert held(ses) == before


def test_a_plan_that_removes_more_than_a_third_needs_force(ses, live, lost):
    with pytest.raises(CommandError, match="removes 1 of 2 rules, which is more than a third"):
        run("ses_cleanup", "--apply", "--yes")
    assert len(rules(ses)) == 2


def test_it_asks_first(ses, live, lost, answer):
    answer("n")
    code, text = run("ses_cleanup", "--apply", "--force")
    assert (code, text.endswith("Nothing was done.\n"), len(rules(ses))) == (2, True, 2)
    answer("y")
    run("ses_cleanup", "--apply", "--force")
    assert len(rules(ses)) == 1
