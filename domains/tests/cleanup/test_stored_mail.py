"""Stored mail without a domain."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError
from django.utils import timezone

from domains.deletion.record import update_ses_steps, updating
from domains.deletion.service import delete_domain
from domains.models import Domain, DomainDeletion
from domains.tests.cleanup.leftovers import (
    NOTHING,
    REMOVED,
    SET,
    create_tagged_identity,
    put,
    signs,
)
from inbound.tests.support.aws import store_mail, stored_keys
from inbound.tests.support.factories import DomainFactory
from rest.ids import domain_id
from ses_integration.aws import clients
from ses_integration.tests.commands.run import apply, run


@pytest.fixture
def late(ses, live):
    """The folder of a deleted incarnation, to which SES has delivered once more."""
    domain = DomainFactory(name="gone.org")
    delete_domain(domain=domain, requested_by="us")
    assert DomainDeletion.objects.get().finished_at
    for number in range(2):
        store_mail(f"{domain.key_prefix}mail-{number}")
    return domain.key_prefix


def test_mail_stored_after_a_deletion_is_erased_with_all_versions(ses, late):
    s3 = clients.s3("eu-west-1")
    s3.put_bucket_versioning(Bucket="inbound-mail", VersioningConfiguration={"Status": "Enabled"})
    store_mail(f"{late}mail-0")
    s3.delete_object(Bucket="inbound-mail", Key=f"{late}mail-1")
    code, text = run("ses_cleanup")
    assert (code, text) == (
        2,
        f"Stored mail without a domain:\n! {late}: 1 object, 4 versions, 12 bytes\n{signs(REMOVED)}",
    )
    code, text = apply("ses_cleanup")
    assert code == 0
    assert f"{late}: 4 of 4 versions erased\n" in text
    assert all(key.startswith("emails/live.org/") for key in stored_keys())


def test_pending_mail_of_a_deletion_is_erased_before_its_next_try(ses, live):
    domain = DomainFactory(name="gone.org")
    store_mail(f"{domain.key_prefix}mail")
    ses.add_faults({"service": "s3", "action": "DeleteObjects", "fault": "access_denied", "times": 2})
    record = delete_domain(domain=domain, requested_by="us")
    assert record.pending_steps == ["stored_mail"]
    code, text = run("ses_cleanup")
    assert code == 2
    assert "Stored mail without a domain" not in text
    assert f"* deletion of gone.org ({record.pk}): stored mail. {record.problem} Next try " in text
    code, text = apply("ses_cleanup")
    assert code == 2
    assert f"deletion of gone.org ({record.pk}): Still pending: stored mail. " in text
    assert f"{record.problem} Next try " in text
    assert f"{domain.key_prefix}mail" in stored_keys()
    code, text = apply("ses_cleanup")
    assert code == 0
    assert f"deletion of gone.org ({record.pk}): finished.\n" in text
    record.refresh_from_db()
    assert record.erased_versions == 1
    assert f"{domain.key_prefix}mail" not in stored_keys()


def test_a_deletion_that_another_process_may_be_erasing_is_left_alone(ses, live):
    domain = DomainFactory(name="gone.org")
    store_mail(f"{domain.key_prefix}mail")
    domain.delete()
    record = DomainDeletion.objects.get()
    with updating(record):
        update_ses_steps(record)
    claim = timezone.now() + timedelta(seconds=50)
    DomainDeletion.objects.update(retry_at=claim)
    ses.clear_journal()
    code, text = apply("ses_cleanup")
    assert code == 2
    assert f"Another process may be erasing it now; otherwise the next try is {claim:%Y-%m-%d %H:%M:%S} UTC.\n" in text
    assert f"{record.key_prefix}mail" in stored_keys()
    assert DomainDeletion.objects.get().retry_at == claim


def test_mail_that_a_foreign_rule_stores_is_never_erased(ses, live):
    folder = f"emails/theirs.org/{domain_id()}/"
    store_mail(f"{folder}mail")
    put("theirs", "a@theirs.org", prefix=folder)
    for options in ([], ["--apply", "--yes", "--force"], ["--apply", "--yes", "--force", "--domain", "theirs.org"]):
        code, text = run("ses_cleanup", *options)
        assert code == 0
        assert (
            f"  {folder}: 1 object, 1 version, 4 bytes. Rule theirs stores mail there, so it is left alone.\n" in text
        )
    assert f"{folder}mail" in stored_keys()


def test_mail_that_a_rule_of_another_active_set_stores_is_never_erased(ses, live):
    folder = f"emails/theirs.org/{domain_id()}/"
    store_mail(f"{folder}mail")
    v1 = clients.ses("eu-west-1")
    put("theirs", "a@theirs.org", prefix=folder)
    v1.clone_receipt_rule_set(RuleSetName="theirs", OriginalRuleSetName=SET)
    v1.delete_receipt_rule(RuleSetName=SET, RuleName="theirs")
    v1.set_active_receipt_rule_set(RuleSetName="theirs")
    apply("ses_cleanup", "--domain", "theirs.org")
    assert f"{folder}mail" in stored_keys()


def test_mail_of_another_installation_is_never_erased(ses, live):
    folder = f"emails/theirs.org/{domain_id()}/"
    store_mail(f"{folder}mail")
    create_tagged_identity("theirs.org", "inbound2")
    code, text = apply("ses_cleanup", "--domain", "theirs.org")
    assert (code, "Its identity belongs to installation inbound2, so it is left alone.\n" in text) == (0, True)
    assert f"{folder}mail" in stored_keys()


def test_mail_of_an_unrecorded_domain_is_erased_only_if_the_domain_is_named(ses, live):
    folder = f"emails/theirs.org/{domain_id()}/"
    store_mail(f"{folder}mail")
    assert apply("ses_cleanup")[0] == 2
    assert f"{folder}mail" in stored_keys()
    assert apply("ses_cleanup", "--domain", "theirs.org")[0] == 0
    assert f"{folder}mail" not in stored_keys()


def test_mail_of_a_domain_that_is_being_deleted_is_left_to_its_deletion(ses, live):
    Domain.objects.update(deleting_since=timezone.now())
    apply("ses_cleanup", "--domain", "live.org")
    assert stored_keys() == [f"{live.key_prefix}mail"]


def test_mail_of_the_reference_service_is_listed_and_never_erased(ses, live):
    kept = ["emails/live.org/mail-1", "emails/live.org/catchall/mail-2", "emails/old.org/mail-3"]
    for key in kept:
        store_mail(key)
    for options in (["--apply", "--yes", "--force"], ["--apply", "--yes", "--force", "--domain", "old.org"]):
        assert run("ses_cleanup", *options)[0] == 0
    text = run("ses_cleanup")[1]
    assert text == (
        "Stored by the reference service; left alone:\n"
        "  emails/live.org/: 2 objects, 2 versions, 8 bytes\n"
        "  emails/old.org/: 1 object, 1 version, 4 bytes\n"
        f"\n{NOTHING}"
    )
    assert set(kept) < set(stored_keys())


def test_mail_that_s3_keeps_is_reported(ses, late):
    ses.add_faults({"service": "s3", "action": "DeleteObjects", "fault": "access_denied", "times": None})
    code, text = apply("ses_cleanup")
    assert code == 2
    assert (
        f"{late}: AWS does not allow s3:DeleteObjectVersion on inbound-mail; the credentials lack a permission.\n"
        in text
    )


def test_a_bucket_that_cannot_be_listed_is_not_looked_at(ses, live, lost):
    ses.add_faults({"service": "s3", "action": "*", "fault": "access_denied", "times": None})
    code, text = run("ses_cleanup")
    assert code == 1
    assert "! identity lost.org\n" in text
    assert "\n\nNot looked at: stored mail. AWS does not allow s3:ListBucketVersions on inbound-mail" in text


def test_erasing_more_than_a_third_of_the_folders_needs_force(ses, late):
    with pytest.raises(CommandError, match="removes 1 of 2 folders of stored mail"):
        run("ses_cleanup", "--apply", "--yes")
    assert f"{late}mail-0" in stored_keys()
