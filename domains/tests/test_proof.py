"""The fresh look at SES and S3 after a deletion's last step."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from domains.deletion.proof import in_words, prove_deletions
from domains.deletion.service import resume_deletions
from domains.models import DomainDeletion
from inbound.tests.aws import (
    calls,
    create_foreign_identity,
    fail_calls,
    identities,
    recover_and_run_worker,
    rules,
    store_mail,
    stored_keys,
)
from inbound.tests.factories import DomainFactory, EmailAddressFactory
from ses_integration.aws import clients
from ses_integration.conf import ses_config
from ses_integration.drift import absence
from ses_integration.drift.sweep import sweep_database
from ses_integration.errors import SesError

RULE = "inbound-example.com-rule"
ELSEWHERE = (
    "It was received through rule set inbound-email-rules in eu-west-1, which is not the configured one, so nobody looks "
    "there: see ses_cleanup with those as SES_RULE_SET and AWS_REGION, or set them so again."
)
LOOK = ["DescribeActiveReceiptRuleSet", "ListEmailIdentities"]


@pytest.fixture
def gone(domain, ses):
    """The record of `example.com`, which is deleted with everything."""
    EmailAddressFactory(domain=domain, address="a@example.com")
    store_mail(f"{domain.key_prefix}mail")
    domain.delete()
    resume_deletions()
    ses.clear_journal()
    record = DomainDeletion.objects.get()
    assert record.finished_at
    assert record.look_again_at - record.rules_at == timedelta(hours=4)
    return record


def all_calls(ses):
    return [entry["action"] for entry in ses.journal()]


def put_rule(name, *recipients, prefix="elsewhere/", enabled=True):
    store_mail = {"S3Action": {"BucketName": "inbound-mail", "ObjectKeyPrefix": prefix}}
    clients.ses("eu-west-1").create_receipt_rule(
        RuleSetName=ses_config().rule_set,
        Rule={"Name": name, "Enabled": enabled, "Recipients": list(recipients), "Actions": [store_mail]},
    )


def test_a_look_that_finds_nothing_proves_it(gone, ses):
    assert prove_deletions() == 1
    assert all_calls(ses) == [*LOOK, "ListObjectVersions"]
    gone.refresh_from_db()
    assert gone.finished_at < gone.proved_at
    assert (gone.proof["found"], gone.proof["foreignRules"], gone.proof["problem"]) == ([], [], "")
    assert (gone.proof["receiptRules"], gone.proof["identity"], gone.proof["storedMail"]) == (True, True, True)
    ses.clear_journal()
    assert prove_deletions() == 0
    assert all_calls(ses) == []


def test_nothing_is_proved_before_the_last_step(domain, ses, impatient):
    fail_calls(ses)
    domain.delete()
    ses.clear_journal()
    assert prove_deletions() == 0
    assert calls(ses) == []


def test_all_that_wait_share_one_look(ses):
    for _ in range(3):
        DomainFactory().delete()
    resume_deletions()
    ses.clear_journal()
    assert prove_deletions() == 3
    assert all_calls(ses) == [*LOOK, *["ListObjectVersions"] * 3]


def test_a_rule_of_ours_that_is_still_there_is_owed_again(gone, ses):
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


def test_an_identity_of_ours_that_is_still_there_is_owed_again(gone, ses):
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


def test_an_identity_that_somebody_else_has_made_since_is_left_alone(gone, ses):
    create_foreign_identity("example.com")
    prove_deletions()
    recover_and_run_worker(ses)
    prove_deletions()
    assert identities(ses) == {"example.com"}
    gone.refresh_from_db()
    assert gone.identity == "kept"
    assert gone.proved_at


def test_a_rule_of_somebody_else_is_told_and_not_touched(gone, ses):
    put_rule("theirs", "example.com")
    put_rule("elsewhere", "example.org")
    put_rule("switched-off", "example.com", enabled=False)
    prove_deletions()
    gone.refresh_from_db()
    assert gone.proved_at
    assert gone.proof["foreignRules"] == ["theirs"]
    recover_and_run_worker(ses)
    assert set(rules(ses)) == {"theirs", "elsewhere", "switched-off"}


def test_a_domain_that_was_added_again_keeps_what_it_has(gone, ses):
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
def test_a_rule_of_the_old_life_is_found_and_repaired_after_the_domain_was_added_again(gone, ses, name):
    """One comes back under a name that the new life uses, and one under a name that nobody knows any more."""
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


def test_what_ses_stored_late_is_erased_and_noted(gone, ses):
    """SES goes on for four hours with mail that it took before the rule went."""
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


def test_stored_mail_that_is_kept_is_not_looked_for(domain, ses, settings):
    settings.KEEP_MAIL_ON_DOMAIN_DELETE = True
    store_mail(f"{domain.key_prefix}mail")
    domain.delete()
    resume_deletions()
    ses.clear_journal()
    prove_deletions()
    assert all_calls(ses) == LOOK
    record = DomainDeletion.objects.get()
    assert record.proved_at
    assert record.proof["storedMail"] is False


def test_what_could_not_be_looked_at_is_not_proved(gone, ses):
    ses.add_faults({"service": "s3", "action": "ListObjectVersions", "fault": "access_denied"})
    prove_deletions()
    gone.refresh_from_db()
    assert gone.finished_at
    assert gone.proved_at is None
    assert gone.proof["problem"] == "AWS does not allow this call; the credentials lack a permission."
    assert gone.proof["storedMail"] is False
    DomainDeletion.objects.update(retry_at=None)
    prove_deletions()
    gone.refresh_from_db()
    assert gone.proved_at


def test_a_second_look_that_could_not_look_is_made_again(gone, ses, client_for):
    """Until then nothing is shown as confirmed beside what could not be looked at."""
    prove_deletions()
    DomainDeletion.objects.update(look_again_at=timezone.now() - timedelta(seconds=1))
    ses.add_faults({"service": "s3", "action": "ListObjectVersions", "fault": "access_denied"})
    assert prove_deletions() == 1
    shown = client_for(gone.owner).get(f"/api/v2/deletions/{gone.pk}").json()["confirmation"]
    assert (shown["confirmedAt"], shown["storedMail"]) == (None, False)
    assert shown["problem"] == "AWS does not allow this call; the credentials lack a permission."
    assert shown["lookAgainAt"]
    # In a quarter of an hour, and not at once.
    assert prove_deletions() == 0
    DomainDeletion.objects.update(retry_at=None)
    assert prove_deletions() == 1
    shown = client_for(gone.owner).get(f"/api/v2/deletions/{gone.pk}").json()["confirmation"]
    assert shown["confirmedAt"] == shown["lookedAt"]
    assert (shown["storedMail"], shown["problem"], shown["lookAgainAt"]) == (True, None, None)


@pytest.mark.parametrize("action", ["*", "DescribeActiveReceiptRuleSet", "ListEmailIdentities"])
def test_a_failing_ses_proves_nothing(gone, ses, action):
    fail_calls(ses, action=action)
    with pytest.raises(SesError):
        prove_deletions()
    assert DomainDeletion.objects.get().proved_at is None
    # Somebody has just asked: the next one waits.
    assert prove_deletions() == 0


def test_a_name_of_which_something_is_on_its_way_waits(gone, ses, impatient):
    fail_calls(ses)
    DomainFactory(name="example.com").delete()
    ses.clear_faults()
    ses.clear_journal()
    assert prove_deletions() == 0
    assert calls(ses) == []
    recover_and_run_worker(ses)
    assert prove_deletions() == 2


@pytest.mark.postgresql
def test_two_workers_look_once(gone, ses):
    start = threading.Barrier(2)

    def look():
        try:
            start.wait()
            prove_deletions()
        finally:
            connection.close()

    workers = [threading.Thread(target=look) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all_calls(ses) == [*LOOK, "ListObjectVersions"]
    gone.refresh_from_db()
    assert gone.proved_at


def test_a_rule_of_the_same_name_that_another_installation_made_is_left_alone(gone, ses):
    """The name was added there, and names are made of prefix and domain only; where it stores tells them apart."""
    put_rule(RULE, "a@example.com", prefix="emails/example.com/indm_of-another-life/")
    prove_deletions()
    gone.refresh_from_db()
    assert (gone.proof["found"], gone.proof["foreignRules"]) == ([], [RULE])
    assert "DeleteReceiptRule" not in all_calls(ses)
    assert set(rules(ses)) == {RULE}


def test_a_rule_that_stores_where_this_life_did_and_was_never_ours_is_left_alone(gone, ses):
    """Somebody copied a rule in the console: it has no name that the ledger knew."""
    put_rule("copy-of-it", "a@example.com", prefix=gone.key_prefix)
    prove_deletions()
    gone.refresh_from_db()
    assert (gone.proof["found"], gone.proof["foreignRules"]) == ([], ["copy-of-it"])
    recover_and_run_worker(ses)
    assert set(rules(ses)) == {"copy-of-it"}


@pytest.fixture
def after_the_look(monkeypatch):
    """`after_the_look(do)`: as soon as the next look at SES has its answer, `do` happens."""

    def then(do):
        look = absence.observe_with_active_set

        def look_and_do(config):
            monkeypatch.setattr(absence, "observe_with_active_set", look)
            seen = look(config)
            do()
            return seen

        monkeypatch.setattr(absence, "observe_with_active_set", look_and_do)

    return then


def test_a_look_that_is_older_than_a_repair_proves_nothing(gone, ses, after_the_look):
    """One worker looks and is paused; another one finds a rule, which is removed."""

    def another_worker():
        put_rule(RULE, "a@example.com", prefix=gone.key_prefix)
        DomainDeletion.objects.update(retry_at=None)
        prove_deletions()
        recover_and_run_worker(ses)

    after_the_look(another_worker)
    assert prove_deletions() == 1
    gone.refresh_from_db()
    assert gone.finished_at
    assert (gone.proved_at, gone.proof["found"]) == (None, [RULE])
    assert prove_deletions() == 1
    gone.refresh_from_db()
    assert gone.proved_at


def test_a_look_that_is_older_than_a_change_that_waits_proves_nothing(gone, ses, impatient, after_the_look):
    """The name is added again after SES was asked, and SES is yet to follow."""

    def added_again():
        fail_calls(ses)
        DomainFactory(name="example.com")

    after_the_look(added_again)
    assert prove_deletions() == 1
    gone.refresh_from_db()
    assert (gone.proof, gone.proved_at) == ({}, None)
    recover_and_run_worker(ses)
    assert prove_deletions() == 1
    gone.refresh_from_db()
    assert gone.proved_at


def test_mail_is_erased_and_looked_for_where_it_was_stored(domain, ses, settings):
    """Whatever S3_BUCKET_NAME says by then."""
    store_mail(f"{domain.key_prefix}mail")
    ses.add_faults({"service": "s3", "action": "*", "fault": "access_denied", "times": None})
    domain.delete()
    resume_deletions()
    settings.S3_BUCKET_NAME = "another-bucket"
    recover_and_run_worker(ses)
    record = DomainDeletion.objects.get()
    assert (record.stored_mail, record.erased_versions, stored_keys()) == ("done", 1, [])


@pytest.fixture
def elsewhere(settings):
    """Another region, or another rule set, from now on."""

    def change(setting, value):
        setattr(settings, setting, value)
        clients.ses(ses_config().region).create_receipt_rule_set(RuleSetName=ses_config().rule_set)
        return settings

    return change


CHANGES = [("AWS_REGION", "us-east-1"), ("SES_RULE_SET", "another-set")]


@pytest.mark.parametrize(("setting", "value"), CHANGES)
def test_nothing_is_confirmed_by_a_look_where_it_was_not_received(gone, ses, elsewhere, client_for, setting, value):
    """It waits until somebody looks where it was, without being taken up each minute, and says so."""
    before = getattr(ses_config(), setting.removeprefix("AWS_").removeprefix("SES_").lower())
    put_rule(RULE, "a@example.com", prefix=gone.key_prefix)
    settings = elsewhere(setting, value)
    ses.clear_journal()
    assert prove_deletions() == 0
    assert all_calls(ses) == []
    gone.refresh_from_db()
    assert gone.retry_at is None
    shown = client_for(gone.owner).get(f"/api/v2/deletions/{gone.pk}").json()["confirmation"]
    assert shown.pop("lookAgainAt")
    assert shown == {
        "confirmedAt": None,
        "lookedAt": None,
        "receiptRules": False,
        "identity": False,
        "storedMail": False,
        "found": [],
        "foreignRules": [],
        "problem": ELSEWHERE,
    }
    assert in_words(gone) == f"not looked yet: {ELSEWHERE}"
    setattr(settings, setting, before)
    assert prove_deletions() == 1
    gone.refresh_from_db()
    assert (gone.proved_at, gone.proof["found"]) == (None, [RULE])


def test_a_second_look_waits_for_its_region_as_well(gone, ses, elsewhere, client_for):
    api = client_for(gone.owner)
    prove_deletions()
    first = api.get(f"/api/v2/deletions/{gone.pk}").json()["confirmation"]
    elsewhere("AWS_REGION", "us-east-1")
    # Before it is due, what has been confirmed is.
    assert api.get(f"/api/v2/deletions/{gone.pk}").json()["confirmation"] == first
    DomainDeletion.objects.update(look_again_at=timezone.now() - timedelta(seconds=1))
    ses.clear_journal()
    assert prove_deletions() == 0
    assert all_calls(ses) == []
    shown = api.get(f"/api/v2/deletions/{gone.pk}").json()["confirmation"]
    assert (shown["confirmedAt"], shown["problem"], shown["lookedAt"]) == (None, ELSEWHERE, first["lookedAt"])
    gone.refresh_from_db()
    assert in_words(gone) == f"nothing of ours; {ELSEWHERE}"


def test_a_record_that_knows_no_region_is_looked_for_where_all_is(gone, ses):
    """It is older than the field."""
    DomainDeletion.objects.update(region="", rule_set="")
    assert prove_deletions() == 1
    gone.refresh_from_db()
    assert gone.proved_at


def test_a_rule_whose_creation_had_no_answer_is_found_by_its_name(domain, ses, settings):
    """The ledger knew so little of it that the record of the deletion does not name it."""
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


def test_a_domain_that_was_deleted_without_a_region_is_proved_by_names(domain, ses, settings):
    EmailAddressFactory(domain=domain, address="a@example.com")
    settings.AWS_REGION = ""
    domain.delete()
    settings.AWS_REGION = "eu-west-1"
    sweep_database()
    recover_and_run_worker(ses)
    record = DomainDeletion.objects.get()
    assert record.finished_at
    put_rule(RULE, "a@example.com", prefix=record.key_prefix)
    prove_deletions()
    record.refresh_from_db()
    assert (record.proved_at, record.proof["found"]) == (None, [RULE])
