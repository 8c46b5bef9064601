"""Leftovers in the emulator, and what ses_cleanup says of them."""

from __future__ import annotations

import copy
from typing import Any

from addresses.models import EmailAddress
from domains.models import Domain
from ses_integration.aws import clients
from ses_integration.models import LedgerEntry
from ses_integration.tests.emulator.clients import control

SET, RULE = "inbound-email-rules", "inbound-lost.org-rule"
NOTHING = "Nothing is left over, and nothing is pending.\n"
REMOVED = "! ses_cleanup --apply removes it"
MAYBE = "? may be needed, or belong to another installation"
RETRIED = "* is tried again"
BY_HAND = "> is for you to remove"
LOOK = ["DescribeActiveReceiptRuleSet", "ListEmailIdentities"]


def signs(*meanings: str) -> str:
    return f"\nSigns: {'; '.join(meanings)}.\n"


def held(ses) -> dict:
    return copy.deepcopy(control(ses.url, "GET", "/_ses")[1]["eu-west-1"])


def put(name: str, *recipients: str, prefix: str = "", bucket: str = "inbound-mail", **fields) -> None:
    prefix = prefix or f"emails/{recipients[0].partition('@')[2]}/1/"
    action = {"S3Action": {"BucketName": bucket, "ObjectKeyPrefix": prefix}}
    rule: Any = {"Name": name, "Enabled": True, "Recipients": list(recipients), "Actions": [action], **fields}
    clients.ses("eu-west-1").create_receipt_rule(RuleSetName=SET, Rule=rule)


def create_tagged_identity(name: str, owner: str) -> None:
    clients.sesv2("eu-west-1").create_email_identity(EmailIdentity=name, Tags=[{"Key": "inbound", "Value": owner}])


def forget(name: str) -> None:
    """The ledger and the rows are lost; a mark tells of the name."""
    LedgerEntry.objects.filter(domain=name).delete()
    EmailAddress.objects.filter(domain__name=name)._raw_delete("default")
    Domain.objects.filter(name=name)._raw_delete("default")


def calls(ses) -> list[str]:
    return [entry["action"] for entry in ses.journal() if entry["service"] in ("ses", "sesv2")]
