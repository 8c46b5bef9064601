"""SES's quotas: changing them, and those of identities and IP address filters."""

from __future__ import annotations

from typing import Any

import pytest

from ses_integration.emulator.server import Emulator
from ses_integration.tests.emulator.clients import client, control, refusal

PUBLISHED = {"rule_sets": 40, "rules": 200, "actions": 10, "recipients": 500, "filters": 100, "identities": 10_000}
HEADER = {"AddHeaderAction": {"HeaderName": "X-A", "HeaderValue": "b"}}


def ip_filter(name: str, cidr: str = "10.0.0.1/24", policy: str = "Block") -> dict[str, Any]:
    return {"Name": name, "IpFilter": {"Policy": policy, "Cidr": cidr}}


def test_the_published_quotas_are_the_default(emulator: Emulator) -> None:
    """Amazon SES Developer Guide, "Service quotas"."""
    assert control(emulator.url, "GET", "/_quotas") == (200, PUBLISHED)


def test_v2_refuses_one_identity_too_many(emulator: Emulator, ses: Any, sesv2: Any) -> None:
    """SES API v2 Reference, CreateEmailIdentity: LimitExceededException, 400."""
    emulator.set_quotas(identities=2)
    sesv2.create_email_identity(EmailIdentity="a.example.com")
    sesv2.create_email_identity(EmailIdentity="b.example.com")
    answer = refusal(sesv2.create_email_identity, EmailIdentity="c.example.com")
    assert (answer.code, answer.status) == ("LimitExceededException", 400)
    assert refusal(sesv2.create_email_identity, EmailIdentity="a.example.com").code == "AlreadyExistsException"
    assert ses.list_identities()["Identities"] == ["a.example.com", "b.example.com"]


@pytest.mark.parametrize("operation", ["verify_domain_identity", "verify_domain_dkim"])
def test_v1_refuses_one_identity_too_many_but_not_an_existing_one(emulator: Emulator, ses: Any, operation: str) -> None:
    """SES API Reference, LimitExceeded: "a resource could not be created because of service limits", 400."""
    emulator.set_quotas(identities=1)
    verify = getattr(ses, operation)
    verify(Domain="a.example.com")
    answer = refusal(verify, Domain="b.example.com")
    assert (answer.code, answer.status) == ("LimitExceeded", 400)
    verify(Domain="a.example.com")
    assert ses.list_identities()["Identities"] == ["a.example.com"]


def test_deleting_an_identity_makes_room(emulator: Emulator, sesv2: Any) -> None:
    """Amazon SES Developer Guide, "Service quotas": the number of verified identities, not of those that ever were."""
    emulator.set_quotas(identities=1)
    sesv2.create_email_identity(EmailIdentity="a.example.com")
    sesv2.delete_email_identity(EmailIdentity="a.example.com")
    sesv2.create_email_identity(EmailIdentity="b.example.com")


def test_there_can_be_100_filters(ses: Any) -> None:
    """Amazon SES Developer Guide, "Service quotas": 100 IP address filters. One more is LimitExceeded."""
    for number in range(100):
        ses.create_receipt_filter(Filter=ip_filter(f"filter-{number}"))
    answer = refusal(ses.create_receipt_filter, Filter=ip_filter("one-more"))
    assert (answer.code, answer.message, answer.status) == ("LimitExceeded", "Too many filters", 400)
    assert len(ses.list_receipt_filters()["Filters"]) == 100


def test_filters_are_created_once_listed_and_deleted(ses: Any) -> None:
    """SES API Reference, CreateReceiptFilter: AlreadyExists. DeleteReceiptFilter has no error of its own."""
    block, allow = ip_filter("block"), ip_filter("allow", cidr="10.0.0.1", policy="Allow")
    ses.create_receipt_filter(Filter=block)
    ses.create_receipt_filter(Filter=allow)
    assert refusal(ses.create_receipt_filter, Filter=block).code == "AlreadyExists"
    assert ses.list_receipt_filters()["Filters"] == [block, allow]
    ses.delete_receipt_filter(FilterName="block")
    ses.delete_receipt_filter(FilterName="block")
    assert ses.list_receipt_filters()["Filters"] == [allow]


@pytest.mark.parametrize(
    ("receipt_filter", "code"),
    [
        (ip_filter("a b"), "ValidationError"),
        (ip_filter("-a"), "InvalidParameterValue"),
        (ip_filter("a", policy="Maybe"), "ValidationError"),
        (ip_filter("a", cidr="10.0.0.256"), "InvalidParameterValue"),
    ],
)
def test_an_invalid_filter_is_refused(ses: Any, receipt_filter: dict[str, Any], code: str) -> None:
    """SES API Reference, ReceiptFilter and ReceiptIpFilter."""
    assert refusal(ses.create_receipt_filter, Filter=receipt_filter).code == code
    assert ses.list_receipt_filters()["Filters"] == []


def test_quotas_are_changed_one_by_one_and_restored(emulator: Emulator) -> None:
    """The emulator's own: null is the published one again."""
    changed = {**PUBLISHED, "recipients": 100, "rules": 0}
    assert control(emulator.url, "POST", "/_quotas", {"recipients": 100, "rules": 0}) == (200, changed)
    assert control(emulator.url, "GET", "/_quotas") == (200, changed)
    assert control(emulator.url, "POST", "/_quotas", {"rules": None}) == (200, {**changed, "rules": 200})
    emulator.reset()
    assert control(emulator.url, "GET", "/_quotas") == (200, PUBLISHED)


def test_changed_quotas_are_enforced(emulator: Emulator, rules: Any) -> None:
    """The emulator's own; the messages are those of the published quotas."""
    emulator.set_quotas(recipients=1, actions=1, rules=1, rule_sets=1, filters=0)
    recipients = ["a@example.com", "b@example.com"]
    create = rules.create_receipt_rule
    assert refusal(create, RuleSetName="set", Rule={"Name": "a", "Recipients": recipients}).code == "LimitExceeded"
    assert refusal(create, RuleSetName="set", Rule={"Name": "a", "Actions": [HEADER] * 2}).code == "LimitExceeded"
    create(RuleSetName="set", Rule={"Name": "a", "Recipients": recipients[:1], "Actions": [HEADER]})
    assert refusal(create, RuleSetName="set", Rule={"Name": "b"}).message == "Too many rules"
    assert refusal(rules.create_receipt_rule_set, RuleSetName="more").code == "LimitExceeded"
    assert refusal(rules.create_receipt_filter, Filter=ip_filter("a")).code == "LimitExceeded"
    emulator.set_quotas(recipients=2)
    rules.update_receipt_rule(RuleSetName="set", Rule={"Name": "a", "Recipients": recipients})


def test_a_smaller_quota_removes_nothing_and_refuses_the_next_update(emulator: Emulator, rules: Any) -> None:
    """The emulator's own: as if an account that has more were moved to the older 100 recipients."""
    recipients = [f"user{number}@example.com" for number in range(3)]
    rules.create_receipt_rule(RuleSetName="set", Rule={"Name": "a", "Recipients": recipients})
    emulator.set_quotas(recipients=2)
    answer = refusal(rules.update_receipt_rule, RuleSetName="set", Rule={"Name": "a", "Recipients": recipients})
    assert (answer.code, answer.message) == ("LimitExceeded", "Too many recipients")
    described = rules.describe_receipt_rule(RuleSetName="set", RuleName="a")["Rule"]
    assert described["Recipients"] == recipients


def test_quotas_count_each_region_separately(emulator: Emulator, ses: Any) -> None:
    """Amazon SES Developer Guide, "Service quotas": per account and region."""
    emulator.set_quotas(identities=1)
    ses.verify_domain_identity(Domain="a.example.com")
    client("ses", emulator.url, region="us-east-1").verify_domain_identity(Domain="b.example.com")


@pytest.mark.parametrize(
    "body",
    [None, {}, [], 5, {"recipients": -1}, {"recipients": "9"}, {"recipients": True}, {"rules": 1, "surprise": 1}],
)
def test_one_invalid_quota_refuses_the_whole_request(emulator: Emulator, body: object) -> None:
    """The emulator's own."""
    status, answer = control(emulator.url, "POST", "/_quotas", body)
    assert status == 400
    assert answer["error"]
    assert control(emulator.url, "GET", "/_quotas") == (200, PUBLISHED)
