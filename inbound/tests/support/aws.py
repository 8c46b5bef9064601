"""The emulated AWS in tests: its state, its calls and its faults; and running the worker's tasks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from domains.deletion.service import resume_deletions
from domains.lifecycle.identity import complete_identities
from domains.models import DomainDeletion
from ses_integration.aws import clients
from ses_integration.conf import ses_config
from ses_integration.emulator.server import Emulator
from ses_integration.models import DomainSync, InFlightCall
from ses_integration.reconcile.loop import reconcile_due
from ses_integration.tests.emulator.clients import control


def rules(ses: Emulator) -> dict[str, set[str]]:
    """Rule name -> recipients. Makes no AWS call."""
    config = ses_config()
    held = _held(ses)["rule_sets"].get(config.rule_set, [])
    return {rule["Name"]: set(rule.get("Recipients", [])) for rule in held}


def key_prefixes(ses: Emulator) -> dict[str, str]:
    """Rule name -> S3 key prefix."""
    held = _held(ses)["rule_sets"].get(ses_config().rule_set, [])
    return {rule["Name"]: rule["Actions"][0]["S3Action"]["ObjectKeyPrefix"] for rule in held}


def identities(ses: Emulator) -> set[str]:
    return {identity["name"] for identity in _held(ses)["identities"]}


def _held(ses: Emulator) -> dict[str, Any]:
    _, regions = control(ses.url, "GET", "/_ses")
    held: dict[str, Any] = regions.get("eu-west-1", {"rule_sets": {}, "identities": []})
    return held


def calls(ses: Emulator) -> list[str]:
    """The SES operations called so far, in order."""
    recipients_sent(ses)
    return [entry["action"] for entry in ses.journal() if entry["service"] in ("ses", "sesv2")]


def recipients_sent(ses: Emulator) -> list[set[str]]:
    """The recipients in each CreateReceiptRule and UpdateReceiptRule.

    Fails if a list is empty: such a rule would receive all mail of the account.
    """
    sent = [entry for entry in ses.journal() if entry["action"] in ("CreateReceiptRule", "UpdateReceiptRule")]
    recipients = [set(entry["parameters"]["Rule"].get("Recipients", [])) for entry in sent]
    assert all(recipients), "A rule without recipients was sent."
    return recipients


def fail_calls(ses: Emulator, action: str = "*", fault: str = "throttle") -> None:
    """From now on every call to this SES action has the fault. Other AWS services are not affected."""
    ses.add_faults(
        {"service": "ses", "action": action, "fault": fault, "times": None},
        {"service": "sesv2", "action": action, "fault": fault, "times": None},
    )


def recover_and_run_worker(ses: Emulator) -> None:
    """Clear the faults, make all pending work due, and run the worker's tasks."""
    ses.clear_faults()
    past = timezone.now() - timedelta(seconds=1)
    # Twice: an unknown outcome is resolved by a call of its own.
    for _ in range(2):
        InFlightCall.objects.update(until=past)
        DomainSync.objects.update(retry_at=None)
        DomainDeletion.objects.update(retry_at=None)
        reconcile_due()
        complete_identities()
        resume_deletions()


def store_mail(key: str) -> None:
    """Store a mail in the bucket."""
    clients.s3("eu-west-1").put_object(Bucket="inbound-mail", Key=key, Body=b"mail")


def stored_keys() -> list[str]:
    held = clients.s3("eu-west-1").list_objects_v2(Bucket="inbound-mail")
    return [item["Key"] for item in held.get("Contents", [])]


def create_foreign_identity(name: str) -> None:
    """Create an identity without our tag, as another user of the AWS account would."""
    clients.sesv2("eu-west-1").create_email_identity(EmailIdentity=name)


def keep_new_identities_pending(ses: Emulator) -> None:
    """New identities stay pending, as if their DNS records were missing."""
    control(ses.url, "POST", "/_identities", {"verify_new": False})


def set_verification_status(ses: Emulator, name: str, status: str) -> None:
    """Set the verification status that SES reports for an identity."""
    control(ses.url, "POST", "/_identities", {"identity": name, "status": status})


def remove_rule(name: str) -> None:
    """Delete a rule behind our back, as in the AWS console."""
    clients.ses("eu-west-1").delete_receipt_rule(RuleSetName=ses_config().rule_set, RuleName=name)
