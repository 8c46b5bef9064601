"""`ses_cleanup`: what should be gone and is not."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from addresses.models import EmailAddress
from domains.deletion.record import update_ses_steps
from domains.deletion.service import delete_domain
from domains.models import Domain, DomainDeletion
from inbound.tests.aws import create_foreign_identity, identities, rules, store_mail, stored_keys
from inbound.tests.factories import DomainFactory, EmailAddressFactory
from rest.ids import domain_id
from ses_integration.aws import clients
from ses_integration.aws.gateway import Gateway
from ses_integration.cli import leftovers
from ses_integration.conf import ses_config
from ses_integration.models import DomainSync, LedgerEntry, LedgerIdentity, RuleSetState
from ses_integration.reconcile.loop import reconcile_due
from ses_integration.tests.commands.run import run
from ses_integration.tests.emulator.clients import control

SET, RULE = "inbound-email-rules", "inbound-lost.org-rule"
NOTHING = "Nothing is left over, and nothing is pending.\n"
APPLY = "\nses_cleanup --apply removes what is marked with !.\n"


def held(ses) -> dict:
    return copy.deepcopy(control(ses.url, "GET", "/_ses")[1]["eu-west-1"])


def put(name: str, *recipients: str, prefix: str = "", bucket: str = "inbound-mail", **fields) -> None:
    prefix = prefix or f"emails/{recipients[0].partition('@')[2]}/1/"
    action = {"S3Action": {"BucketName": bucket, "ObjectKeyPrefix": prefix}}
    rule: Any = {"Name": name, "Enabled": True, "Recipients": list(recipients), "Actions": [action], **fields}
    clients.ses("eu-west-1").create_receipt_rule(RuleSetName=SET, Rule=rule)


def tagged(name: str, owner: str) -> None:
    clients.sesv2("eu-west-1").create_email_identity(EmailIdentity=name, Tags=[{"Key": "inbound", "Value": owner}])


def forget(name: str) -> None:
    """The ledger and the rows are lost; a mark tells of the name."""
    LedgerEntry.objects.filter(domain=name).delete()
    EmailAddress.objects.filter(domain__name=name)._raw_delete("default")
    Domain.objects.filter(name=name)._raw_delete("default")


@pytest.fixture
def lost(ses):
    """`lost.org` with a rule, an identity and a stored mail, and nobody who knows of them; its folder."""
    domain = DomainFactory(name="lost.org")
    EmailAddressFactory(domain=domain, address="a@lost.org")
    store_mail(f"{domain.key_prefix}mail")
    forget("lost.org")
    ses.clear_journal()
    return domain.key_prefix


@pytest.fixture
def unknown(lost):
    """The same as after a restore from a backup that is older than the domain: nothing here tells of it."""
    DomainSync.objects.filter(domain="lost.org").delete()
    return lost


@pytest.fixture
def live(ses, user) -> Domain:
    """A domain of ours with an address and a mail."""
    domain = DomainFactory(name="live.org", owner=user)
    EmailAddressFactory(domain=domain, address="a@live.org")
    store_mail(f"{domain.key_prefix}mail")
    ses.clear_journal()
    return domain


def calls(ses) -> list[str]:
    return [entry["action"] for entry in ses.journal() if entry["service"] in ("ses", "sesv2")]


LOOK = ["DescribeActiveReceiptRuleSet", "ListEmailIdentities"]


def test_nothing_is_left_over(ses, live):
    assert run("ses_cleanup", "--apply") == (0, NOTHING)
    assert calls(ses) == LOOK


def test_all_that_is_left_over_is_shown_and_nothing_is_changed(ses, live, lost):
    before, mail = held(ses), stored_keys()
    assert run("ses_cleanup") == (
        2,
        "Orphans in SES, ours and in no ledger:\n"
        "! identity lost.org\n"
        f"! rule {RULE}: a@lost.org\n"
        "\n"
        "Stored mail of no domain:\n"
        f"? {lost}: 1 object, 1 version, 4 bytes. No deletion of it is recorded here, so it may be another "
        "installation's. If it is not: --apply --domain lost.org\n" + APPLY,
    )
    assert (held(ses), stored_keys()) == (before, mail)
    assert calls(ses) == [*LOOK, "GetEmailIdentity"]


def test_orphans_are_removed_and_what_is_not_ours_stays(ses, live, lost):
    put("inbound2-other.net-rule", "a@other.net")
    put("inbound-theirs-rule", "a@theirs.org")
    put("inbound-tagged.org-rule", "a@tagged.org")
    tagged("tagged.org", "inbound2")
    create_foreign_identity("untagged.org")
    before = held(ses)
    ses.clear_journal()
    code, text = run("ses_cleanup", "--apply")
    assert code == 2  # the stored mail has to be named
    assert "1/1 lost.org: up to date\n" in text
    assert (
        "They have our prefix and are not ours, so they are left alone:\n"
        "  rule inbound-tagged.org-rule: a@tagged.org "
        "(it has our prefix, but the identity is of installation inbound2)\n"
        "  rule inbound-theirs-rule: a@theirs.org "
        "(it has our prefix, but is not the rule of any domain as we name them)\n"
    ) in text
    after = held(ses)
    gone = [rule for rule in before["rule_sets"][SET] if rule["Name"] == RULE]
    assert after["rule_sets"][SET] == [rule for rule in before["rule_sets"][SET] if rule not in gone]
    assert after["identities"] == [it for it in before["identities"] if it["name"] != "lost.org"]
    changes = [action for action in calls(ses) if not action.startswith(("Describe", "List", "Get"))]
    assert changes == ["DeleteReceiptRule", "DeleteEmailIdentity"]
    assert not LedgerEntry.objects.exclude(domain="live.org").exists()
    ses.clear_journal()
    run("ses_cleanup", "--apply")
    assert held(ses) == after


def test_the_tag_is_read_once_more_before_an_identity_is_deleted(ses, lost, monkeypatch):
    adopt_orphans = leftovers.adopt_orphans

    def somebody_else_makes_it_anew(*args):
        Gateway(ses_config()).delete_identity("lost.org")
        tagged("lost.org", "inbound2")
        return adopt_orphans(*args)

    monkeypatch.setattr(leftovers, "adopt_orphans", somebody_else_makes_it_anew)
    run("ses_cleanup", "--apply")
    assert identities(ses) == {"lost.org"}


def test_a_rule_that_was_changed_while_tags_were_read_is_left_for_the_next_look(ses, lost, monkeypatch):
    adopt_orphans = leftovers.adopt_orphans

    def somebody_else_makes_it_theirs(*args):
        Gateway(ses_config()).delete_rule(RULE)
        put(RULE, "b@lost.org")
        return adopt_orphans(*args)

    monkeypatch.setattr(leftovers, "adopt_orphans", somebody_else_makes_it_theirs)
    run("ses_cleanup", "--apply")
    assert rules(ses) == {RULE: {"b@lost.org"}}


def test_a_domain_that_is_added_again_meanwhile_keeps_what_it_wants(ses, lost, monkeypatch):
    adopt_orphans = leftovers.adopt_orphans

    def somebody_adds_it_again(*args):
        EmailAddressFactory(domain=DomainFactory(name="lost.org"), address="b@lost.org")
        return adopt_orphans(*args)

    monkeypatch.setattr(leftovers, "adopt_orphans", somebody_adds_it_again)
    run("ses_cleanup", "--apply")
    assert (rules(ses), identities(ses)) == ({RULE: {"b@lost.org"}}, {"lost.org"})


def test_a_killed_run_forgets_nothing(ses, lost, monkeypatch):
    monkeypatch.setattr(
        "ses_integration.drift.repair.reconcile", lambda domain: (_ for _ in ()).throw(KeyboardInterrupt)
    )
    with suppress(KeyboardInterrupt):
        run("ses_cleanup", "--apply")
    assert RULE in rules(ses)
    assert DomainSync.objects.get(domain="lost.org").pending
    reconcile_due()
    assert (rules(ses), identities(ses)) == ({}, set())


def test_an_orphan_of_a_live_domain_goes_and_its_own_rule_stays(ses, live):
    put("inbound-live.org-rule-7", "a@live.org", "b@live.org")
    assert run("ses_cleanup", "--apply")[0] == 0
    assert rules(ses) == {"inbound-live.org-rule": {"a@live.org"}}


@pytest.mark.parametrize("wrong", ["missing", "disabled"])
def test_an_orphan_that_receives_what_ours_should_is_kept_until_ours_is_put_right(ses, live, wrong):
    ours, orphan = "inbound-live.org-rule", "inbound-live.org-rule-7"
    put(orphan, "a@live.org")
    if wrong == "missing":
        Gateway(ses_config()).delete_rule(ours)
    else:
        seen = clients.ses("eu-west-1").describe_receipt_rule(RuleSetName=SET, RuleName=ours)["Rule"]
        clients.ses("eu-west-1").update_receipt_rule(RuleSetName=SET, Rule={**seen, "Enabled": False})
    before = held(ses)
    for options in (["--apply"], ["--apply", "--domain", "live.org"]):
        assert run("ses_cleanup", *options) == (
            2,
            "Orphans in SES, ours and in no ledger:\n"
            f"? rule {orphan}: a@live.org. Rules of ours do not receive as they should, so it may be needed: "
            "run ses_reconcile --apply first\n",
        )
    assert held(ses) == before
    run("ses_reconcile", "--apply")
    assert run("ses_cleanup", "--apply")[0] == 0
    assert rules(ses) == {ours: {"a@live.org"}}


def test_what_nothing_here_knows_of_has_to_be_named(ses, unknown):
    before = held(ses)
    code, text = run("ses_cleanup", "--apply")
    assert (code, held(ses)) == (2, before)
    for thing in ("identity lost.org", f"rule {RULE}: a@lost.org"):
        assert (
            f"? {thing}. Nothing here knows of its domain, so it may be another installation's. "
            "If it is not: --apply --domain lost.org\n"
        ) in text
    assert run("ses_cleanup", "--apply", "--domain", "lost.org")[0] == 0
    assert (rules(ses), identities(ses)) == ({}, set())


def test_a_rule_that_stores_into_another_bucket_is_somebody_s(ses, live):
    clients.s3("eu-west-1").create_bucket(
        Bucket="their-mail", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    put("inbound-other.org-rule", "x@other.org", bucket="their-mail")
    create_foreign_identity("other.org")
    before = held(ses)
    for options in (["--apply"], ["--apply", "--domain", "other.org"]):
        code, text = run("ses_cleanup", *options)
        assert code == 0
        assert (
            "rule inbound-other.org-rule: x@other.org (it has our prefix, but does not store mail where ours do)"
            in text
        )
    assert held(ses) == before


def test_only_the_named_domain_is_looked_at(ses, lost):
    tagged("other.org", "inbound")
    code, text = run("ses_cleanup", "--apply", "--domain", "Lost.org")
    assert (code, text.endswith(f"\n{NOTHING}")) == (0, True)
    assert f"{lost}: 1 of 1 versions erased\n" in text
    assert (rules(ses), identities(ses), stored_keys()) == ({}, {"other.org"}, [])


@pytest.mark.parametrize("apply", [[], ["--apply"]])
def test_a_name_that_nobody_knows_is_refused(ses, lost, apply):
    with pytest.raises(CommandError, match=r"Neither this installation nor SES nor the bucket knows of lots\.org"):
        run("ses_cleanup", *apply, "--domain", "lots.org")


def test_a_name_that_only_a_foreign_rule_or_identity_or_mail_has_is_known(ses, live):
    put("theirs", "x@rule.org", "y@other.net")
    create_foreign_identity("identity.org")
    store_mail("emails/stored.org/mail")
    for name in ("rule.org", "identity.org", "stored.org"):
        assert run("ses_cleanup", "--domain", name)[0] == 0


@pytest.mark.parametrize("name", ["emails/", "org", "", "a b.org"])
def test_what_is_no_domain_s_name_is_refused_before_anything_is_asked(ses, name):
    with pytest.raises(CommandError, match="not a domain name"):
        run("ses_cleanup", "--domain", name)
    assert ses.journal() == []


class TestStoredMail:
    @pytest.fixture
    def late(self, ses, live):
        """The folder of a life that was deleted, to which SES has delivered once more."""
        domain = DomainFactory(name="gone.org")
        delete_domain(domain=domain, requested_by="us")
        assert DomainDeletion.objects.get().finished_at
        for number in range(2):
            store_mail(f"{domain.key_prefix}mail-{number}")
        return domain.key_prefix

    def test_mail_that_came_after_a_deletion_is_erased_with_all_its_versions(self, ses, late):
        s3 = clients.s3("eu-west-1")
        s3.put_bucket_versioning(Bucket="inbound-mail", VersioningConfiguration={"Status": "Enabled"})
        store_mail(f"{late}mail-0")
        s3.delete_object(Bucket="inbound-mail", Key=f"{late}mail-1")
        code, text = run("ses_cleanup")
        assert (code, text) == (
            2,
            f"Stored mail of no domain:\n! {late}: 1 object, 4 versions, 12 bytes\n{APPLY}",
        )
        code, text = run("ses_cleanup", "--apply")
        assert code == 0
        assert f"{late}: 4 of 4 versions erased\n" in text
        assert all(key.startswith("emails/live.org/") for key in stored_keys())

    def test_what_a_deletion_has_still_to_erase_is_owed_and_tried_before_its_turn(self, ses, live):
        domain = DomainFactory(name="gone.org")
        store_mail(f"{domain.key_prefix}mail")
        ses.add_faults({"service": "s3", "action": "DeleteObjects", "fault": "access_denied", "times": 2})
        record = delete_domain(domain=domain, requested_by="us")
        assert record.pending_steps == ["stored_mail"]
        code, text = run("ses_cleanup")
        assert code == 2
        assert "Stored mail of no domain" not in text
        assert f"* deletion of gone.org ({record.pk}): stored mail. {record.problem} Next try " in text
        code, text = run("ses_cleanup", "--apply")
        assert code == 2
        assert f"deletion of gone.org ({record.pk}): Still pending: stored mail. " in text
        assert f"{record.problem} Next try " in text
        assert f"{domain.key_prefix}mail" in stored_keys()
        code, text = run("ses_cleanup", "--apply")
        assert code == 0
        assert f"deletion of gone.org ({record.pk}): finished.\n" in text
        record.refresh_from_db()
        assert record.erased_versions == 1
        assert f"{domain.key_prefix}mail" not in stored_keys()

    def test_who_may_be_erasing_at_this_moment_is_left_alone(self, ses, live):
        domain = DomainFactory(name="gone.org")
        store_mail(f"{domain.key_prefix}mail")
        domain.delete()
        record = DomainDeletion.objects.get()
        update_ses_steps(record)
        claim = timezone.now() + timedelta(seconds=50)
        DomainDeletion.objects.update(retry_at=claim)
        ses.clear_journal()
        code, text = run("ses_cleanup", "--apply")
        assert code == 2
        assert (
            f"Another process may be erasing it now; otherwise the next try is {claim:%Y-%m-%d %H:%M:%S} UTC.\n" in text
        )
        assert f"{record.key_prefix}mail" in stored_keys()
        assert DomainDeletion.objects.get().retry_at == claim

    def test_what_a_foreign_rule_stores_is_never_erased(self, ses, live):
        folder = f"emails/theirs.org/{domain_id()}/"
        store_mail(f"{folder}mail")
        put("theirs", "a@theirs.org", prefix=folder)
        for options in ([], ["--apply"], ["--apply", "--domain", "theirs.org"]):
            code, text = run("ses_cleanup", *options)
            assert code == 0
            assert (
                f"  {folder}: 1 object, 1 version, 4 bytes. Rule theirs stores mail there, so it is left alone.\n"
                in text
            )
        assert f"{folder}mail" in stored_keys()

    def test_what_a_rule_of_another_active_set_stores_is_never_erased(self, ses, live):
        folder = f"emails/theirs.org/{domain_id()}/"
        store_mail(f"{folder}mail")
        v1 = clients.ses("eu-west-1")
        put("theirs", "a@theirs.org", prefix=folder)
        v1.clone_receipt_rule_set(RuleSetName="theirs", OriginalRuleSetName=SET)
        v1.delete_receipt_rule(RuleSetName=SET, RuleName="theirs")
        v1.set_active_receipt_rule_set(RuleSetName="theirs")
        run("ses_cleanup", "--apply", "--domain", "theirs.org")
        assert f"{folder}mail" in stored_keys()

    def test_mail_of_a_domain_whose_identity_another_installation_has_is_never_erased(self, ses, live):
        folder = f"emails/theirs.org/{domain_id()}/"
        store_mail(f"{folder}mail")
        tagged("theirs.org", "inbound2")
        code, text = run("ses_cleanup", "--apply", "--domain", "theirs.org")
        assert (code, "Its identity is of installation inbound2, so it is left alone.\n" in text) == (0, True)
        assert f"{folder}mail" in stored_keys()

    def test_mail_of_a_life_that_nobody_recorded_has_to_be_named(self, ses, live):
        folder = f"emails/theirs.org/{domain_id()}/"
        store_mail(f"{folder}mail")
        assert run("ses_cleanup", "--apply")[0] == 2
        assert f"{folder}mail" in stored_keys()
        assert run("ses_cleanup", "--apply", "--domain", "theirs.org")[0] == 0
        assert f"{folder}mail" not in stored_keys()

    def test_mail_of_a_domain_that_is_being_deleted_is_its_deletion_s(self, ses, live):
        Domain.objects.update(deleting_since=timezone.now())
        run("ses_cleanup", "--apply", "--domain", "live.org")
        assert stored_keys() == [f"{live.key_prefix}mail"]

    def test_what_the_reference_service_stored_is_shown_and_never_erased(self, ses, live):
        kept = ["emails/live.org/mail-1", "emails/live.org/catchall/mail-2", "emails/old.org/mail-3"]
        for key in kept:
            store_mail(key)
        for options in (["--apply"], ["--apply", "--domain", "old.org"]):
            assert run("ses_cleanup", *options)[0] == 0
        text = run("ses_cleanup")[1]
        assert text == (
            "Stored by the reference service, and left alone:\n"
            "  emails/live.org/: 2 objects, 2 versions, 8 bytes\n"
            "  emails/old.org/: 1 object, 1 version, 4 bytes\n"
            f"\n{NOTHING}"
        )
        assert set(kept) < set(stored_keys())

    def test_what_s3_keeps_is_said_and_left(self, ses, late):
        ses.add_faults({"service": "s3", "action": "DeleteObjects", "fault": "access_denied", "times": None})
        code, text = run("ses_cleanup", "--apply")
        assert code == 2
        assert f"{late}: AWS does not allow this call; the credentials lack a permission.\n" in text

    def test_a_bucket_that_cannot_be_listed_is_an_error(self, ses, live):
        ses.add_faults({"service": "s3", "action": "*", "fault": "access_denied"})
        with pytest.raises(CommandError, match="lack a permission"):
            run("ses_cleanup")


class TestFormerLedgers:
    """AWS_REGION or SES_RULE_SET has changed since."""

    @pytest.fixture
    def moved(self, ses, live, settings) -> None:
        settings.SES_RULE_SET = "new-rules"
        clients.ses("eu-west-1").create_receipt_rule_set(RuleSetName="new-rules")
        clients.ses("eu-west-1").set_active_receipt_rule_set(RuleSetName="new-rules")
        live.save()

    def test_what_they_hold_is_shown_with_what_to_do(self, moved):
        assert run("ses_cleanup") == (
            2,
            "Left behind when AWS_REGION or SES_RULE_SET changed:\n"
            "> eu-west-1, rule set inbound-email-rules: 1 rule and 0 identities.\n"
            "    If the change was a mistake, undo it. Otherwise remove these, and ses_cleanup --apply forgets them:\n"
            "    aws ses delete-receipt-rule --region eu-west-1 --rule-set-name inbound-email-rules "
            "--rule-name inbound-live.org-rule\n",
        )

    def test_what_is_still_there_is_not_forgotten_and_not_touched(self, ses, moved):
        before = held(ses)
        assert run("ses_cleanup", "--apply")[0] == 2
        assert LedgerEntry.objects.filter(rule_set=SET, kind="rule").exists()
        assert held(ses) == before

    def test_what_is_gone_is_forgotten(self, ses, moved):
        clients.ses("eu-west-1").delete_receipt_rule_set(RuleSetName=SET)
        code, text = run("ses_cleanup", "--apply")
        assert code == 0
        assert "eu-west-1, rule set inbound-email-rules: 2 forgotten, which SES does not hold any more\n" in text
        assert not LedgerEntry.objects.filter(rule_set=SET).exists()
        assert LedgerEntry.objects.filter(rule_set="new-rules").count() == 2

    def test_one_of_another_account_is_left_alone_until_a_person_says_so(self, ses, moved):
        RuleSetState.objects.filter(rule_set=SET).update(account="999999999999")
        code, text = run("ses_cleanup", "--apply")
        assert code == 2
        assert "eu-west-1, rule set inbound-email-rules: it is in another AWS account" in text
        assert LedgerEntry.objects.filter(rule_set=SET).count() == 2
        ses.clear_journal()
        code, text = run("ses_cleanup", "--apply", "--forget-former")
        assert code == 0
        assert "eu-west-1, rule set inbound-email-rules: 2 forgotten\n" in text
        assert not LedgerEntry.objects.filter(rule_set=SET).exists()

    def test_an_identity_of_another_region_is_shown_only_if_it_is_ours(self, ses, live):
        for name, ours in (("ours.org", True), ("theirs.org", False)):
            entry = LedgerEntry.objects.create(
                region="eu-central-1", rule_set=SET, domain=name, kind="identity", name=name, presence="present",
                changed_at=timezone.now(),
            )  # fmt: skip
            LedgerIdentity.objects.create(entry=entry, ours=ours)
        text = run("ses_cleanup")[1]
        assert "> eu-central-1, rule set inbound-email-rules: 0 rules and 1 identity.\n" in text
        assert "theirs.org" not in text

    def test_nobody_is_told_to_delete_an_identity_of_another_region_that_may_not_be_ours(self, ses, live):
        for name, ours in (("never-asked.org", None), ("no-answer.org", None), ("ours.org", True)):
            entry = LedgerEntry.objects.create(
                region="eu-central-1", rule_set=SET, domain=name, kind="identity", name=name, changed_at=timezone.now()
            )
            if name != "never-asked.org":
                LedgerIdentity.objects.create(entry=entry, ours=ours)
        assert run("ses_cleanup") == (
            2,
            "Left behind when AWS_REGION or SES_RULE_SET changed:\n"
            "> eu-central-1, rule set inbound-email-rules: 0 rules and 3 identities.\n"
            "    If the change was a mistake, undo it. Otherwise remove these, and ses_cleanup --apply forgets them:\n"
            "    aws sesv2 delete-email-identity --region eu-central-1 --email-identity ours.org\n"
            "    It was never known whether these identities are ours. Look at the tag `inbound` first, and delete only those "
            "where it is INSTALLATION_ID:\n"
            "    aws sesv2 get-email-identity --region eu-central-1 --query Tags --email-identity never-asked.org\n"
            "    aws sesv2 get-email-identity --region eu-central-1 --query Tags --email-identity no-answer.org\n",
        )
        assert json.loads(run("ses_cleanup", "--json")[1])["former"] == [
            {
                "region": "eu-central-1",
                "rule_set": SET,
                "rules": [],
                "identities": ["ours.org"],
                "unclear": ["never-asked.org", "no-answer.org"],
            }
        ]

    def test_what_was_noted_without_a_region_was_never_sent(self, ses, live):
        LedgerEntry.objects.filter(kind="rule").update(region="")
        run("ses_reconcile", "--apply")
        assert LedgerEntry.objects.filter(region="").exists()
        assert run("ses_cleanup") == (0, NOTHING)

    def test_a_region_that_cannot_be_asked_is_a_sentence(self, ses, moved):
        ses.add_faults({"service": "ses", "action": "DescribeReceiptRuleSet", "fault": "access_denied"})
        code, text = run("ses_cleanup", "--apply")
        assert code == 2
        assert "eu-west-1, rule set inbound-email-rules: AWS does not allow this call;" in text


def test_everything_that_is_owed_is_shown(ses, settings):
    settings.SES_REQUEST_BUDGET = 0.0
    delete_domain(domain=DomainFactory(name="gone.org"), requested_by="us")
    record = DomainDeletion.objects.get()
    code, text = run("ses_cleanup")
    assert (code, text) == (
        2,
        "Pending in SES; the worker retries by itself, ses_sync retries now:\n"
        "* gone.org: 3 changes behind\n"
        "\n"
        "Unfinished deletions; the worker retries by itself, ses_cleanup --apply retries now:\n"
        f"* deletion of gone.org ({record.pk}): stored mail\n",
    )


def test_json_is_parsed(ses, lost):
    code, text = run("ses_cleanup", "--json")
    marked = {"recorded": True, "needed": False, "removable": True}
    assert (code, json.loads(text)) == (
        2,
        {
            "orphans": [
                {"kind": "identity", "name": "lost.org", "domain": "lost.org", "recipients": [], **marked},
                {"kind": "rule", "name": RULE, "domain": "lost.org", "recipients": ["a@lost.org"], **marked},
            ],
            "suspects": [],
            "stored_mail": [
                {
                    "prefix": lost,
                    "domain": "lost.org",
                    "stored": {"objects": 1, "versions": 1, "bytes": 4},
                    "recorded": False,
                    "rule": "",
                    "owner": "",
                    "removable": False,
                }
            ],
            "reference_mail": [],
            "former": [],
            "owed": {},
            "deletions": [],
            "nothing_left": False,
        },
    )


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_a_counter_and_a_log_has_none(ses, lost):
    for stderr, shown in (
        (Terminal(), "\rLooking at identities: 1/1\n\rLooking at stored mail: 1/1\n"),
        (StringIO(), ""),
    ):
        with pytest.raises(SystemExit):
            call_command("ses_cleanup", stdout=StringIO(), stderr=stderr)
        assert stderr.getvalue() == shown


def test_a_failing_aws_is_a_sentence(ses):
    ses.add_faults({"service": "ses", "action": "*", "fault": "access_denied"})
    with pytest.raises(CommandError, match="lack a permission"):
        run("ses_cleanup")
