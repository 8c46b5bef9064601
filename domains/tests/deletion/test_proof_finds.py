"""A verification repairs what is ours, and only reports foreign resources."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from domains.deletion.proof import prove_deletions
from domains.deletion.service import resume_deletions
from domains.models import DomainDeletion
from domains.tests.deletion.absence import RULE, all_calls, put_rule
from inbound.tests.support.aws import (
    create_foreign_identity,
    identities,
    recover_and_run_worker,
    rules,
    store_mail,
    stored_keys,
)
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory
from ses_integration.aws import clients
from ses_integration.conf import ses_config


def test_a_rule_of_ours_that_still_exists_is_pending_again(gone, ses):
    put_rule(RULE, "a@example.com", prefix=gone.key_prefix)
    prove_deletions()
    gone.refresh_from_db()
    assert (gone.rules, gone.identity, gone.finished_at, gone.proved_at) == ("owed", "done", None, None)
    assert gone.proof["found"] == [RULE]
    recover_and_run_worker(ses)
    assert rules(ses) == {}
    prove_deletions()
    gone.refresh_from_db()
    assert gone.rules == "done"
    assert gone.proved_at
    assert gone.proof["found"] == []


def test_an_identity_of_ours_that_still_exists_is_pending_again(gone, ses):
    clients.sesv2("eu-west-1").create_email_identity(
        EmailIdentity="example.com", Tags=[{"Key": "inbound", "Value": ses_config().installation_id}]
    )
    prove_deletions()
    gone.refresh_from_db()
    assert (gone.rules, gone.identity, gone.finished_at) == ("done", "owed", None)
    recover_and_run_worker(ses)
    assert identities(ses) == set()
    prove_deletions()
    gone.refresh_from_db()
    assert gone.proved_at


def test_an_identity_that_others_have_created_since_is_left_alone(gone, ses):
    create_foreign_identity("example.com")
    prove_deletions()
    recover_and_run_worker(ses)
    prove_deletions()
    assert identities(ses) == {"example.com"}
    gone.refresh_from_db()
    assert gone.identity == "kept"
    assert gone.proved_at


def test_a_foreign_rule_is_reported_and_not_touched(gone, ses):
    put_rule("theirs", "example.com")
    put_rule("elsewhere", "example.org")
    put_rule("switched-off", "example.com", enabled=False)
    prove_deletions()
    gone.refresh_from_db()
    assert gone.proved_at
    assert gone.proof["foreignRules"] == ["theirs"]
    recover_and_run_worker(ses)
    assert set(rules(ses)) == {"theirs", "elsewhere", "switched-off"}


def test_a_domain_that_was_added_again_keeps_its_rules_and_identity(gone, ses):
    again = DomainFactory(owner=gone.owner, name="example.com")
    EmailAddressFactory(domain=again, address="a@example.com")
    store_mail(f"{again.key_prefix}mail")
    prove_deletions()
    recover_and_run_worker(ses)
    assert (set(rules(ses)), identities(ses)) == ({RULE}, {"example.com"})
    assert stored_keys() == [f"{again.key_prefix}mail"]
    gone.refresh_from_db()
    assert gone.proved_at
    assert (gone.proof["receiptRules"], gone.proof["identity"]) == (True, False)
    assert gone.proof["foreignRules"] == []
    assert gone.proof["problem"].startswith("The domain was added again")


@pytest.mark.parametrize("name", [RULE, "inbound-example.com-rule-2"])
def test_a_rule_of_the_deleted_domain_is_removed_after_the_name_was_added_again(gone, ses, name):
    """One has a name that the new incarnation uses, too; the other has a name that is in no ledger any more."""
    DomainDeletion.objects.update(rule_names=[RULE, "inbound-example.com-rule-2"])
    again = DomainFactory(owner=gone.owner, name="example.com")
    EmailAddressFactory(domain=again, address="b@example.com")
    recover_and_run_worker(ses)
    desired = rules(ses)
    assert set(desired) == {RULE}
    if name == RULE:
        clients.ses("eu-west-1").delete_receipt_rule(RuleSetName=ses_config().rule_set, RuleName=RULE)
    put_rule(name, "a@example.com", prefix=gone.key_prefix)
    prove_deletions()
    gone.refresh_from_db()
    assert (gone.rules, gone.proved_at, gone.proof["found"]) == ("owed", None, [name])
    recover_and_run_worker(ses)
    assert rules(ses) == desired
    prove_deletions()
    gone.refresh_from_db()
    assert (gone.rules, gone.proof["found"]) == ("superseded", [])
    assert gone.proved_at


def test_mail_that_ses_stored_late_is_erased_and_recorded(gone, ses):
    """SES may still store mail for four hours that it accepted before the rule was deleted."""
    prove_deletions()
    store_mail(f"{gone.key_prefix}late")
    DomainDeletion.objects.update(look_again_at=timezone.now() - timedelta(seconds=1))
    prove_deletions()
    gone.refresh_from_db()
    assert (gone.stored_mail, gone.finished_at, gone.proved_at) == ("owed", None, None)
    assert gone.proof["found"] == [f"s3://inbound-mail/{gone.key_prefix}"]
    resume_deletions()
    assert stored_keys() == []
    prove_deletions()
    gone.refresh_from_db()
    assert (gone.stored_mail, gone.erased_versions, gone.late_versions) == ("done", 2, 1)
    assert gone.proved_at
    assert gone.look_again_at is None
    ses.clear_journal()
    assert prove_deletions() == 0
    assert all_calls(ses) == []


def test_a_rule_of_the_same_name_by_another_installation_is_left_alone(gone, ses):
    """Rule names consist of prefix and domain, so both installations use the same one. Only the storage prefix differs."""
    put_rule(RULE, "a@example.com", prefix="emails/example.com/indm_of-another-incarnation/")
    prove_deletions()
    gone.refresh_from_db()
    assert (gone.proof["found"], gone.proof["foreignRules"]) == ([], [RULE])
    assert "DeleteReceiptRule" not in all_calls(ses)
    assert set(rules(ses)) == {RULE}


def test_a_copied_rule_that_stores_in_the_same_place_is_left_alone(gone, ses):
    """Somebody copied a rule in the console. The name of the copy was never in the ledger."""
    put_rule("copy-of-it", "a@example.com", prefix=gone.key_prefix)
    prove_deletions()
    gone.refresh_from_db()
    assert (gone.proof["found"], gone.proof["foreignRules"]) == ([], ["copy-of-it"])
    recover_and_run_worker(ses)
    assert set(rules(ses)) == {"copy-of-it"}


def test_a_rule_whose_creation_got_no_answer_is_found_by_its_name(domain, ses, settings):
    """The deletion report does not have the name of the rule, because its creation was never confirmed."""
    settings.SES_REQUEST_BUDGET = 0.5
    ses.add_faults({"service": "ses", "action": "CreateReceiptRule", "fault": "dropped", "times": None})
    address = EmailAddressFactory(domain=domain, address="a@example.com")
    address.delete()
    domain.delete()
    recover_and_run_worker(ses)
    record = DomainDeletion.objects.get()
    assert (record.rule_names, record.finished_at is not None) == ([], True)
    put_rule(RULE, "a@example.com", prefix=record.key_prefix)
    prove_deletions()
    record.refresh_from_db()
    assert (record.rules, record.proved_at, record.proof["found"]) == ("owed", None, [RULE])
    recover_and_run_worker(ses)
    assert rules(ses) == {}
