"""From "I own example.com" to a domain that receives, and back: over HTTP, with DNS, without the AWS console."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inbound.tests.processes.support.clients import Api
from inbound.tests.processes.support.quick_stack import EmulatorThread, QuickStack
from inbound.tests.processes.support.stack import Process, Stack, free_port, wait_for

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

NAME = "example.com"
OUR_MX = {"type": "MX", "name": NAME, "value": "10 inbound-smtp.eu-west-1.amazonaws.com"}


class StackWithDns(QuickStack):
    """An emulated AWS that verifies identities by the DNS records that its own DNS server serves."""

    def __init__(self, folder: Path, database_url: str, **more: str) -> None:
        self._dns_port = free_port()
        super().__init__(folder, database_url, DNS_RESOLVERS=f"127.0.0.1:{self._dns_port}", **more)

    def create_emulator(self, port: int) -> Process:
        log = self._folder / "emulator.log"
        return EmulatorThread(port, log, self.env, verify_new=False, dns_port=self._dns_port)


@pytest.fixture
def stack(stack_with: Callable[..., Stack]) -> Stack:
    stack = stack_with(StackWithDns, SES_STATUS_SECONDS="1")
    stack.start()
    return stack


def done(answer: Any, status: int = 200) -> Any:
    assert answer.status == status, answer
    return answer.body


def test_the_way_of_a_domain(stack: Stack, api: Api) -> None:
    added = done(api.post("domains", {"domain": f" {NAME.upper()}. "}), 201)
    pk = added["id"]
    assert (added["domain"], added["status"]) == (NAME, "pending")
    assert len(added["dnsRecords"]) == 9

    records = done(api.get(f"domains/{pk}/dns-records"))
    check = done(api.get(f"domains/{pk}?check=true"))
    assert (check["status"], check["canReceiveEmails"]) == ("pending", False)
    assert {record["status"] for record in check["verificationCheck"]["dnsRecords"]} == {"pending"}
    assert check["statusReason"].startswith("SES has not found the DNS records yet.")

    # One call publishes what the API has listed.
    stack.aws.publish(records)
    verified = done(api.request("PATCH", f"domains/{pk}/auth"))
    assert (verified["overallStatus"], verified["summary"]["verifiedRecords"]) == ("verified", 9)
    shown = done(api.get(f"domains/{pk}"))
    assert (shown["status"], shown["canReceiveEmails"], shown["hasMxRecords"]) == ("verified", True, True)
    assert [change["after"] for change in done(api.get(f"domains/{pk}/status-history"))["changes"]] == ["verified"]

    hook = {"name": "CRM", "type": "webhook", "config": {"url": "https://crm.example.net/mail"}}
    endpoint = done(api.post("endpoints", hook), 201)["id"]
    catch_all = done(api.put(f"domains/{pk}", {"isCatchAllEnabled": True, "catchAllEndpointId": endpoint}))
    assert catch_all["receiptRuleName"] == f"inbound-{NAME}-catchall-rule"
    assert stack.aws.rules() == {f"inbound-{NAME}-catchall-rule": frozenset({NAME})}

    deleted = done(api.delete(f"domains/{pk}"))
    assert deleted["deletedResources"]["sesIdentity"] is deleted["deletedResources"]["sesReceiptRules"] is True
    assert (stack.aws.rules(), stack.aws.identities()) == ({}, set())
    left = done(api.get(f"deletions/{deleted['deletionId']}"))["dns"]["records"]
    assert {record["state"] for record in left} == {"published"}

    # The MX record still points to SES, which is no conflict. SES names the same tokens again.
    again = done(api.post("domains", {"domain": NAME}), 201)
    assert again["id"] != pk
    assert "warning" not in again
    assert again["hasMxRecords"] is True
    done(api.request("PATCH", f"domains/{again['id']}/auth"))
    assert done(api.get(f"domains/{again['id']}"))["status"] == "verified"


def test_the_worker_verifies_a_domain_whose_records_are_published_and_sees_them_disappear(
    stack: Stack, api: Api
) -> None:
    pk = api.add_domain(NAME)

    def shown() -> Any:
        return done(api.get(f"domains/{pk}"))

    assert shown()["nextCheck"]
    stack.aws.publish(done(api.get(f"domains/{pk}/dns-records")))
    wait_for(lambda: shown()["status"] == "verified", within=30, what="the worker has verified the domain")
    assert shown()["lastDnsCheck"]
    assert shown()["canReceiveEmails"] is True
    stack.aws.withdraw(NAME, "MX")
    check = done(api.get(f"domains/{pk}?check=true"))
    # Three days are left to publish it again.
    assert (check["status"], check["canReceiveEmails"]) == ("verified", False)
    assert check["verificationCheck"]["isFullyVerified"] is False


def test_mail_that_is_set_up_elsewhere_is_refused_until_its_mx_record_is_gone(stack: Stack, api: Api) -> None:
    stack.aws.publish({"type": "MX", "name": NAME, "value": "10 mx.example.net"})
    refused = done(api.post("domains", {"domain": NAME}), 400)
    assert refused == {"error": "Domain has 1 MX record(s) - email already configured"}
    stack.aws.withdraw(NAME)
    stack.aws.publish(OUR_MX)
    assert api.add_domain(NAME)
