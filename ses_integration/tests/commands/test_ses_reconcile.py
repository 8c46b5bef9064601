from __future__ import annotations

import copy
import json

import boto3
import pytest
from django.core.management import CommandError

from ses_integration.aws import rule_set
from ses_integration.aws.gateway import Gateway
from ses_integration.conf import ses_config
from ses_integration.coordination import lease
from ses_integration.drift import repair
from ses_integration.drift.compare import compare
from ses_integration.management.commands import ses_reconcile
from ses_integration.models import DomainSync, LedgerEntry, LedgerIdentity
from ses_integration.reconcile.loop import reconcile
from ses_integration.tests.commands.run import run
from ses_integration.tests.emulator.clients import control
from ses_integration.tests.fake_domains import DOMAIN, change_behind_our_back, receive, remove
from ses_integration.tests.protocol_steps import Writer
from ses_integration.tests.ses_state import calls, identities, recipients_sent, rules

SET, RULE = "inbound-email-rules", "inbound-example.com-rule"
STORE = {"S3Action": {"BucketName": "inbound-mail", "ObjectKeyPrefix": "emails/example.com/"}}
EQUAL = "SES equals the rows.\n"
pytestmark = pytest.mark.usefixtures("rows")


@pytest.fixture
def ses_v1():
    return boto3.client("ses", region_name="eu-west-1")


def held(ses) -> dict:
    return copy.deepcopy(control(ses.url, "GET", "/_ses")[1]["eu-west-1"])


def put(ses_v1, name: str, *recipients: str, after: str | None = None, **fields) -> None:
    rule = {"Name": name, "Enabled": True, "Recipients": list(recipients), "Actions": [STORE], **fields}
    ses_v1.create_receipt_rule(RuleSetName=SET, Rule=rule, **({"After": after} if after else {}))


def change(ses_v1, **fields) -> None:
    rule = ses_v1.describe_receipt_rule(RuleSetName=SET, RuleName=RULE)["Rule"]
    ses_v1.update_receipt_rule(RuleSetName=SET, Rule={**rule, **fields})


def looks(ses) -> list[str]:
    return [entry["action"] for entry in ses.journal()]


class TestLooking:
    def test_nothing_differs(self, a):
        assert run("ses_reconcile") == (0, EQUAL)

    def test_it_is_one_describe_and_one_list(self, a):
        run("ses_reconcile")
        assert looks(a) == ["DescribeActiveReceiptRuleSet", "ListEmailIdentities"]

    def test_every_kind_of_drift_is_a_line_and_nothing_is_changed(self, a, ses_v1):
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
        before = held(a)
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
            "! identity lost.org: it has our tag, and is in no ledger: ses_cleanup removes it\n"
            "! rule inbound-lost.org-rule of lost.org: it has our prefix, and is in no ledger: ses_cleanup removes it\n"
            "! rule everything: RECEIVES EVERY ADDRESS OF EVERY DOMAIN, ours included. It is not ours and takes mail of "
            "ours: whoever made it has to disable it, or to take our domains out.\n"
            "\n"
            "Not ours, and left alone:\n"
            "  rule theirs of theirs.org: x@theirs.org\n"
            "  identity: theirs.org\n"
            "\n"
            "Plan: 2 to create, 1 to change, 2 to remove, 1 to move, 3 for you to do.\n"
            "ses_reconcile --apply repairs what is ours.\n",
        )
        assert held(a) == before
        assert calls(a)[-4:] == [
            "DeleteEmailIdentity",
            "CreateReceiptRule",
            "CreateReceiptRule",
            "VerifyDomainIdentity",
        ]

    def test_disabled_and_other_actions(self, a, ses_v1):
        change(ses_v1, Enabled=False)
        assert f"~ rule {RULE} of example.com: disabled\n" in run("ses_reconcile")[1]
        change(ses_v1, Enabled=True, Actions=[])
        assert f"~ rule {RULE} of example.com: different, other actions\n" in run("ses_reconcile")[1]

    def test_a_changed_bucket_is_told_with_the_one_that_is_stored_to(self, a, settings):
        settings.S3_BUCKET_NAME = "other-mail"
        why = "other actions: it stores to the bucket inbound-mail, and S3_BUCKET_NAME is other-mail"
        code, text = run("ses_reconcile")
        assert (code, text.splitlines()[0]) == (2, f"~ rule {RULE} of example.com: different, {why}")
        assert json.loads(run("ses_reconcile", "--json")[1])["differences"][0]["why"] == why

    def test_another_active_set_says_what_to_run(self, a, ses_v1):
        ses_v1.create_receipt_rule_set(RuleSetName="theirs")
        ses_v1.set_active_receipt_rule_set(RuleSetName="theirs")
        code, text = run("ses_reconcile")
        assert code == 2
        assert "! rule set inbound-email-rules: theirs is active and receives the mail: run ses_setup" in text
        assert looks(a)[-3:] == ["DescribeActiveReceiptRuleSet", "DescribeReceiptRuleSet", "ListEmailIdentities"]

    def test_a_rule_set_that_does_not_exist_says_what_to_run(self, aws, transactional_db):
        code, text = run("ses_reconcile")
        assert (code, text.splitlines()[0]) == (
            2,
            "! rule set inbound-email-rules: It does not exist: run ses_setup.",
        )

    def test_what_is_owed_is_told_with_its_reason(self, ses):
        ses.add_faults({"service": "sesv2", "action": "CreateEmailIdentity", "fault": "access_denied"})
        receive()
        reconcile(DOMAIN)
        code, text = run("ses_reconcile")
        assert code == 2
        assert "* domain example.com: pending: 1 change behind, next try " in text
        assert "AWS does not allow this call; the credentials lack a permission.\n" in text

    def test_a_call_without_an_answer_is_told_with_its_time(self, a):
        receive("a", "b")
        Writer().call_without_answer()
        assert "a call got no answer and may be applied until " in run("ses_reconcile")[1]

    def test_the_tag_of_an_identity_is_read_only_where_something_is_claimed(self, a, ses_v1):
        ses_v1.verify_domain_identity(Domain="theirs.org")
        remove()
        reconcile(DOMAIN)
        ses_v1.verify_domain_identity(Domain=DOMAIN)
        a.clear_journal()
        assert run("ses_reconcile")[0] == 0
        assert looks(a)[2:] == ["GetEmailIdentity"]

    def test_only_one_domain(self, a, ses_v1):
        receive("a", domain="other.org")
        reconcile("other.org")
        Gateway(ses_config()).delete_identity("other.org")
        change(ses_v1, Enabled=False)
        text = run("ses_reconcile", "--domain", "Other.org")[1]
        assert text.startswith("+ identity other.org: missing\n\nPlan: 1 to create.\n")

    def test_a_name_that_nobody_knows_fails_before_anything_is_asked(self, a):
        with pytest.raises(CommandError, match=r"never asked for anything for typo\.org"):
            run("ses_reconcile", "--domain", "typo.org")
        assert looks(a) == []

    def test_json_has_every_field(self, a, ses_v1):
        change(ses_v1, Recipients=["b@example.com"])
        code, text = run("ses_reconcile", "--json")
        assert code == 2
        assert json.loads(text) == {
            "region": "eu-west-1",
            "rule_set": SET,
            "active_rule_set": SET,
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
                    "to_add": [],
                    "takes_from": [],
                    "takes_everything": False,
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
    def test_somebody_s_rule_that_takes_our_mail_is_drift_and_never_touched(self, a, ses_v1, recipients, taken):
        put(ses_v1, "theirs", *recipients)
        before = held(a)
        for args in ([], ["--apply"], ["--domain", DOMAIN]):
            code, text = run("ses_reconcile", *args)
            assert (code, text.splitlines()[0]) == (
                2,
                f"! rule theirs: {taken}. It is not ours and takes mail of ours: whoever made it has to disable it, "
                "or to take our domains out.",
            )
            assert text.endswith("\n\nPlan: 1 for you to do.\n")
        code, text = run("ses_reconcile", "--json")
        told = json.loads(text)
        assert (code, told["equal"]) == (2, False)
        [theirs] = told["differences"]
        assert (theirs["sort"], theirs["drift"]) == ("foreign", True)
        assert held(a) == before

    def test_somebody_s_rule_for_somebody_s_mail_is_none(self, a, ses_v1):
        put(ses_v1, "theirs", "x@theirs.org")
        put(ses_v1, "disabled", "a@example.com", Enabled=False)
        code, text = run("ses_reconcile", "--json")
        assert (code, json.loads(text)["equal"]) == (0, True)

    def test_a_failing_aws_is_a_sentence(self, a):
        a.add_faults({"service": "ses", "action": "*", "fault": "access_denied"})
        with pytest.raises(CommandError, match="lack a permission"):
            run("ses_reconcile")

    def test_what_changes_while_ses_is_asked_is_not_compared(self, a, monkeypatch):
        seen = Gateway.active_rules

        def look_then_somebody_adds_an_address(self: Gateway) -> object:
            found = seen(self)
            receive("a", "b")
            reconcile(DOMAIN)
            return found

        monkeypatch.setattr(Gateway, "active_rules", look_then_somebody_adds_an_address)
        assert run("ses_reconcile") == (0, EQUAL)

    def test_a_rule_that_we_remove_while_ses_is_asked_is_no_orphan(self, a, monkeypatch):
        seen = Gateway.identities

        def look_then_the_domain_is_deleted(self: Gateway) -> object:
            found = seen(self)
            remove()
            reconcile(DOMAIN)
            return found

        monkeypatch.setattr(Gateway, "identities", look_then_the_domain_is_deleted)
        assert run("ses_reconcile") == (0, EQUAL)


class TestApplying:
    def test_all_that_is_ours_is_put_right_and_the_rest_left_alone(self, a, ses_v1, rows):
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
        before = held(a)
        a.clear_journal()
        code, text = run("ses_reconcile", "--apply")
        assert code == 0
        assert text.startswith("+ identity mixed.org: missing\n")
        assert text.partition("Plan: ")[2] == (
            "2 to create, 2 to change, 2 to remove, 2 to move.\n"
            "\n"
            "1/4 example.com: up to date\n"
            "2/4 gone.org: up to date\n"
            "3/4 mixed.org: up to date\n"
            "4/4 quiet.org: up to date\n"
            "inbound-quiet.org-rule: put in front of all other rules\n"
            "inbound-example.com-rule: put in front of all other rules\n"
            "\n"
            "SES equals the rows.\n"
        )
        assert rules() == {
            RULE: {"a@example.com"},
            "inbound-mixed.org-rule": {"a@mixed.org"},
            "inbound-quiet.org-rule": {"a@quiet.org", "b@quiet.org"},
            "theirs": {"x@theirs.org"},
            "inbound2-other.net-rule": {"x@other.net"},
        }
        assert calls(a)[-2:] == ["SetReceiptRulePosition", "SetReceiptRulePosition"]
        # Whose turn comes first is for how long each has waited.
        assert sorted(calls(a)[:-2]) == [
            "CreateEmailIdentity",
            "CreateReceiptRule",
            "DeleteEmailIdentity",
            "DeleteReceiptRule",
            "SetIdentityMailFromDomain",
            "UpdateReceiptRule",
            "UpdateReceiptRule",
            "VerifyDomainIdentity",
        ]
        assert all(recipients_sent(a))
        names = {"theirs", "inbound2-other.net-rule"}
        foreign = [[rule for rule in it["rule_sets"][SET] if rule["Name"] in names] for it in (before, held(a))]
        assert foreign[0] == foreign[1]
        assert [it for it in before["identities"] if it["name"] == "theirs.org"] == [
            it for it in held(a)["identities"] if it["name"] == "theirs.org"
        ]
        a.clear_journal()
        assert run("ses_reconcile", "--apply")[0] == 0
        assert calls(a) == []

    def test_where_nothing_is_to_be_done_ses_is_looked_at_once(self, a):
        assert run("ses_reconcile", "--apply") == (0, EQUAL)
        assert looks(a) == ["DescribeActiveReceiptRuleSet", "ListEmailIdentities"]

    def test_a_rule_goes_to_the_front_and_ours_keep_their_order(self, a, ses_v1):
        receive("a", domain="other.org")
        reconcile("other.org")
        order = list(rules())
        put(ses_v1, "theirs", "x@theirs.org", Actions=[STORE, {"StopAction": {"Scope": "RuleSet"}}])
        run("ses_reconcile", "--apply")
        assert list(rules()) == [*order, "theirs"]

    def test_a_rule_that_is_gone_by_then_is_not_moved(self, a, ses_v1):
        put(ses_v1, "theirs", "x@theirs.org", Actions=[STORE, {"StopAction": {"Scope": "RuleSet"}}])
        seen = compare(ses_config())
        Gateway(ses_config()).delete_rule(RULE)
        repair.move_to_front(ses_config(), seen, [DOMAIN])
        assert list(rules()) == ["theirs"]

    def test_a_domain_with_a_mark_is_put_right_in_a_second_round(self, a):
        Gateway(ses_config()).delete_identity(DOMAIN)
        receive("a", "b")
        code, text = run("ses_reconcile", "--apply")
        assert code == 0
        assert text.count("1/1 example.com: up to date\n") == 2
        assert (rules(), identities()) == ({RULE: {"a@example.com", "b@example.com"}}, {DOMAIN})

    def test_what_is_waiting_for_its_next_try_is_tried_now(self, ses):
        ses.add_faults({"service": "sesv2", "action": "CreateEmailIdentity", "fault": "access_denied"})
        receive("a")
        reconcile(DOMAIN)
        code, text = run("ses_reconcile", "--apply")
        assert (code, text.splitlines()[-1]) == (0, EQUAL.strip())

    def test_what_is_left_is_shown_with_its_reason(self, a):
        Gateway(ses_config()).delete_rule(RULE)
        a.add_faults({"service": "ses", "action": "CreateReceiptRule", "fault": "access_denied", "times": None})
        code, text = run("ses_reconcile", "--apply")
        assert code == 2
        assert (
            "1/1 example.com: still pending. AWS does not allow this call; the credentials lack a permission.\n" in text
        )
        assert text.endswith("Plan: 1 to create, 1 pending.\n")

    def test_no_more_domains_are_changed_than_allowed(self, a):
        for domain in ("b.org", "c.org"):
            receive("a", domain=domain)
            reconcile(domain)
        for name in list(rules()):
            Gateway(ses_config()).delete_rule(name)
        code, text = run("ses_reconcile", "--apply", "--limit", "2")
        assert code == 2
        assert set(rules()) == {"inbound-b.org-rule", "inbound-c.org-rule"}
        assert text.endswith("Plan: 1 to create.\n")

    def test_a_limit_is_a_number_from_1(self, a):
        for text in ("0", "-1", "x", "²"):
            with pytest.raises(CommandError, match="is not a number from 1"):
                run("ses_reconcile", "--apply", f"--limit={text}")

    def test_only_the_named_domain_is_changed(self, a):
        receive("a", domain="other.org")
        reconcile("other.org")
        for name in list(rules()):
            Gateway(ses_config()).delete_rule(name)
        assert run("ses_reconcile", "--apply", "--domain", "other.org")[0] == 0
        assert set(rules()) == {"inbound-other.org-rule"}

    def test_an_orphan_and_a_foreign_rule_set_are_left_to_people(self, a, ses_v1):
        store = {"S3Action": {**STORE["S3Action"], "ObjectKeyPrefix": "emails/lost.org/1/"}}
        put(ses_v1, "inbound-lost.org-rule", "x@lost.org", Actions=[store])
        before = held(a)
        code, text = run("ses_reconcile", "--apply")
        assert (code, held(a)) == (2, before)
        assert text.endswith("Plan: 1 for you to do.\n")

    def test_a_look_that_is_older_than_another_s_change_un_confirms_nothing(self, a, monkeypatch):
        Gateway(ses_config()).delete_rule(RULE)
        invalidate = repair.invalidate

        def somebody_puts_it_right_first(*args):
            monkeypatch.undo()
            run("ses_reconcile", "--apply")
            a.clear_journal()
            return invalidate(*args)

        monkeypatch.setattr(repair, "invalidate", somebody_puts_it_right_first)
        assert run("ses_reconcile", "--apply")[0] == 0
        assert calls(a) == []
        assert LedgerEntry.objects.get(name=RULE).presence == "present"

    def test_one_writer_at_a_time_moves_a_rule(self, a, ses_v1, monkeypatch):
        put(ses_v1, "theirs", "x@theirs.org", Actions=[STORE, {"StopAction": {"Scope": "RuleSet"}}])
        holder = lease.acquire(ses_config())
        monkeypatch.setattr(repair, "pause", lambda seconds: calls(a)[1:] or lease.release(holder))
        assert run("ses_reconcile", "--apply")[0] == 0
        assert calls(a) == ["CreateReceiptRule", "SetReceiptRulePosition"]

    def test_json_goes_to_stdout_alone(self, a):
        Gateway(ses_config()).delete_rule(RULE)
        code, text = run("ses_reconcile", "--apply", "--json")
        body = json.loads(text)
        assert (code, body["equal"], body["differences"]) == (0, True, [])
        assert body["applied"] == {"adopted": [], "domains": {DOMAIN: "in line"}, "moved": []}


class TestInAShellWithAnotherRegion:
    @pytest.fixture(params=["region", "rule set"])
    def elsewhere(self, a, request, settings):
        """What it says of where all of it is, and of where it is not."""
        if request.param == "region":
            settings.AWS_REGION = "eu-central-1"
        else:
            settings.SES_RULE_SET = "new-rules"
        rule_set.prepare(ses_config(), take_over=True)
        a.clear_journal()
        return f"{settings.AWS_REGION}, rule set {settings.SES_RULE_SET}", f"eu-west-1, rule set {SET}"

    def test_it_asks_whether_the_region_is_right_before_anything_else(self, elsewhere):
        here, there = elsewhere
        code, text = run("ses_reconcile", "--domain", DOMAIN)
        assert code == 2
        assert text.startswith(
            f"! ledger of {there}: it has 2 more: is AWS_REGION right? If it was changed, see ses_cleanup.\n+"
        )
        assert text.endswith(
            f"Nothing was ever made in {here}, but in {there}: set AWS_REGION and SES_RULE_SET to that.\n"
        )

    @pytest.mark.parametrize("change", ["--apply", "--adopt"])
    def test_it_makes_nothing_a_second_time(self, a, elsewhere, change):
        here, there = elsewhere
        with pytest.raises(CommandError) as refusal:
            run("ses_reconcile", change)
        assert str(refusal.value) == (
            f"Nothing was ever made in {here}, but in {there}: set AWS_REGION and SES_RULE_SET to that. "
            "If they were changed on purpose, give --new-region."
        )
        assert a.journal() == []
        assert not LedgerEntry.objects.of(ses_config()).exists()

    def test_a_move_is_said_to_be_one(self, a, elsewhere):
        _, there = elsewhere
        code, text = run("ses_reconcile", "--apply", "--new-region")
        assert f"1/1 {DOMAIN}: up to date" in text
        # What was left behind is still to be removed.
        assert (code, text.count(f"! ledger of {there}: it has")) == (2, 2)
        assert LedgerEntry.objects.of(ses_config()).filter(kind="rule", presence="present").count() == 1
        assert run("ses_reconcile", "--apply")[0] == 2

    def test_what_somebody_else_has_there_is_none_of_it(self, a, settings):
        LedgerIdentity.objects.update(ours=False)
        LedgerEntry.objects.filter(kind="rule").delete()
        LedgerEntry.objects.update(region="eu-central-1")
        run("ses_reconcile", "--apply")
        assert run("ses_reconcile") == (0, EQUAL)


class TestAdopting:
    """The reference service has used the account: `<domain>-rule` and `<domain>-catchall-rule` are there."""

    @pytest.fixture
    def old(self, ses, ses_v1):
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

    def test_its_rules_are_recognised_and_left_alone(self, old):
        receive("a")
        reconcile(DOMAIN)
        before = held(old)
        assert run("ses_reconcile", "--apply")[0] == 0
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

    def test_a_rule_with_addresses_that_we_do_not_have_is_not_adopted(self, old):
        receive("a")
        reconcile(DOMAIN)
        before = held(old)
        assert run("ses_reconcile", "--adopt")[0] == 0
        assert held(old) == before
        assert not LedgerEntry.objects.filter(name="example.com-rule").exists()

    def test_ours_is_made_before_its_goes(self, old):
        receive("a", "b")
        code, text = run("ses_reconcile", "--apply", "--adopt")
        assert code == 0
        assert text.count("1/1 example.com: up to date\n") == 2
        assert calls(old)[-2:] == ["CreateReceiptRule", "DeleteReceiptRule"]
        assert set(rules()) == {RULE, "theirs.org-rule"}
        assert identities() == {DOMAIN}
        old.clear_journal()
        code, text = run("ses_reconcile", "--adopt")
        assert (code, calls(old)) == (0, [])

    def test_it_stays_until_ours_is_confirmed(self, old):
        receive("a", "b")
        old.add_faults({"service": "ses", "action": "CreateReceiptRule", "fault": "access_denied", "times": None})
        code, _ = run("ses_reconcile", "--apply", "--adopt")
        assert code == 2
        assert "example.com-rule" in rules()
        old.clear_faults()
        assert run("ses_sync")[0] == 0
        assert run("ses_reconcile", "--adopt")[0] == 0
        assert set(rules()) == {RULE, "theirs.org-rule"}

    @pytest.mark.parametrize("wrong", ["missing", "disabled", "different"])
    @pytest.mark.parametrize("adopt", [["--adopt"], ["--apply", "--adopt"]])
    def test_it_stays_while_ours_does_not_receive(self, old, ses_v1, wrong, adopt):
        receive("a", "b")
        reconcile(DOMAIN)
        if wrong == "missing":
            Gateway(ses_config()).delete_rule(RULE)
        else:
            change(ses_v1, **({"Enabled": False} if wrong == "disabled" else {"Recipients": ["x@example.com"]}))
        old.clear_journal()
        code, text = run("ses_reconcile", *adopt)
        if adopt == ["--adopt"]:
            assert (code, calls(old)) == (2, [])
            assert (
                "of the reference service; rules of ours do not receive as they should, so it may be needed: " in text
            )
        else:
            put_right = "CreateReceiptRule" if wrong == "missing" else "UpdateReceiptRule"
            assert (code, calls(old)) == (0, [put_right, "DeleteReceiptRule"])
            assert rules()[RULE] == {"a@example.com", "b@example.com"}

    def test_a_catch_all_is_replaced_by_ours(self, ses, ses_v1):
        store = {"S3Action": {**STORE["S3Action"], "ObjectKeyPrefix": "emails/example.com/catchall/"}}
        put(ses_v1, "example.com-catchall-rule", DOMAIN, Actions=[store])
        receive(catch_all=True)
        reconcile(DOMAIN)
        assert run("ses_reconcile", "--adopt")[0] == 0
        assert rules() == {"inbound-example.com-catchall-rule": {DOMAIN}}

    def test_once_adopted_it_goes_with_its_domain(self, old):
        receive("a", "b")
        reconcile(DOMAIN)
        old.add_faults({"service": "ses", "action": "DeleteReceiptRule", "fault": "access_denied"})
        run("ses_reconcile", "--adopt")
        assert "example.com-rule" in rules()
        remove()
        reconcile(DOMAIN)
        assert set(rules()) == {"theirs.org-rule"}

    def test_adopting_mends_nothing_else(self, old):
        receive("a", "b")
        receive("a", domain="other.org")
        reconcile("other.org")
        Gateway(ses_config()).delete_rule("inbound-other.org-rule")
        assert run("ses_reconcile", "--adopt")[0] == 2
        assert set(rules()) == {RULE, "theirs.org-rule"}

    def test_a_domain_that_is_deleted_at_that_moment_is_not_adopted_for(self, old, monkeypatch):
        receive("a", "b")
        reconcile(DOMAIN)
        adopt = ses_reconcile.adopt_reference_rules

        def somebody_is_first(*args):
            receive("a")
            return adopt(*args)

        monkeypatch.setattr(ses_reconcile, "adopt_reference_rules", somebody_is_first)
        run("ses_reconcile", "--adopt")
        assert "example.com-rule" in rules()
        assert not LedgerEntry.objects.filter(name="example.com-rule").exists()

    def test_json_names_what_was_adopted(self, old):
        receive("a", "b")
        reconcile(DOMAIN)
        body = json.loads(run("ses_reconcile", "--adopt", "--json")[1])
        assert body["applied"] == {"adopted": ["example.com-rule"], "domains": {DOMAIN: "in line"}, "moved": []}
