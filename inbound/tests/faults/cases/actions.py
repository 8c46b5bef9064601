"""What operations do: API calls, admin actions and the worker, each with the claims of its answer about SES.

An action gets the installation and the stem of the case's names; it changes `<stem>.org`, and `<stem>.net` if it needs two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from inbound.tests.faults.installation import Installation, Receiving, address, domain
from inbound.tests.support.admin_site import delete_selected
from inbound.tests.support.aws import fail_calls, store_mail
from inbound.tests.support.factories import BlockedEmailFactory, EndpointFactory
from ses_integration.drift.sweep import sweep_database
from ses_integration.reconcile.loop import reconcile

ORG, NET = "{}.org", "{}.net"


@dataclass(frozen=True)
class Claim:
    """What an answer says about SES: whether it holds a `recipient`, any `rules` of a domain, or an `identity`."""

    kind: str
    name: str
    held: bool

    def about(self, stem: str) -> Claim:
        return replace(self, name=self.name.format(stem))


Claims = set[Claim]


def add_domain(installation: Installation, stem: str) -> Claims:
    answer = installation.answer("post", "domains", {"domain": ORG.format(stem)})
    return set() if "warning" in answer else {Claim("identity", answer["dnsRecords"][1]["name"], held=True)}


def add_address(installation: Installation, stem: str) -> Claims:
    return _add_address(installation, "a", ORG.format(stem))


def add_addresses(installation: Installation, stem: str) -> Claims:
    chosen = [("a", ORG), ("a", NET), ("b", NET)]
    return set().union(*(_add_address(installation, local, name.format(stem)) for local, name in chosen))


def activate(installation: Installation, stem: str) -> Claims:
    return _received(installation.answer("put", f"email-addresses/{_a(stem)}", {"isActive": True}))


def deactivate(installation: Installation, stem: str) -> Claims:
    answer = installation.answer("put", f"email-addresses/{_a(stem)}", {"isActive": False})
    return set() if "warning" in answer else {Claim("recipient", answer["address"], held=False)}


def delete_address(installation: Installation, stem: str) -> Claims:
    cleanup = installation.answer("delete", f"email-addresses/{_a(stem)}")["cleanup"]
    assert cleanup["sesRuleUpdated"] != ("warning" in cleanup)
    return {Claim("recipient", cleanup["emailAddress"], held=False)} if cleanup["sesRuleUpdated"] else set()


def delete_addresses(installation: Installation, stem: str) -> Claims:
    """Delete addresses of two domains with the admin's action."""
    chosen = [f"a@{ORG.format(stem)}", *(f"{local}@{NET.format(stem)}" for local in "ab")]
    response, messages = delete_selected(
        installation.admin, "addresses.emailaddress", [address(text) for text in chosen]
    )
    assert response.status_code == 302
    confirmed = " ".join(text for _, text in messages if "SES has confirmed the deletion" in text)
    return {Claim("recipient", text, held=False) for text in chosen if text in confirmed}


def delete_addresses_in_bulk(installation: Installation, stem: str) -> Claims:
    chosen = [f"a@{ORG.format(stem)}", *(f"{local}@{NET.format(stem)}" for local in "ab")]
    answer = installation.answer("post", "email-addresses/bulk-delete", {"ids": [address(text).pk for text in chosen]})
    cleanups = [result["cleanup"] for result in answer["results"]]
    confirmed = [cleanup["emailAddress"] for cleanup in cleanups if cleanup["sesRuleUpdated"]]
    assert len(confirmed) == answer["summary"]["sesConfirmed"]
    assert all(cleanup["sesRuleUpdated"] != ("warning" in cleanup) for cleanup in cleanups)
    return {Claim("recipient", text, held=False) for text in confirmed}


def apply_other_limit(installation: Installation, stem: str) -> Claims:
    """Do what the worker does after SES_MAX_RECIPIENTS_PER_RULE has changed."""
    assert sweep_database() == [ORG.format(stem)]
    reconcile(ORG.format(stem))
    return set()


def catch_all_on(installation: Installation, stem: str) -> Claims:
    body = {"isCatchAllEnabled": True, "catchAllEndpointId": EndpointFactory(owner=installation.user).pk}
    answer = installation.answer("put", f"domains/{domain(ORG.format(stem)).pk}", body)
    assert answer["receiptRuleName"] or "awsConfigurationWarning" in answer
    return {Claim("recipient", answer["domain"], held=True)} if answer["receiptRuleName"] else set()


def catch_all_off(installation: Installation, stem: str) -> Claims:
    answer = installation.answer("put", f"domains/{domain(ORG.format(stem)).pk}", {"isCatchAllEnabled": False})
    return set() if "awsConfigurationWarning" in answer else {Claim("recipient", answer["domain"], held=False)}


def delete_endpoint(installation: Installation, stem: str) -> Claims:
    answer = installation.answer("delete", f"endpoints/{domain(ORG.format(stem)).catch_all_endpoint_id}")
    return set() if "warning" in answer else {Claim("recipient", ORG.format(stem), held=False)}


def delete_domain(installation: Installation, stem: str) -> Claims:
    answer = installation.answer("delete", f"domains/{domain(ORG.format(stem)).pk}")["deletedResources"]
    reported = {"rules": answer["sesReceiptRules"], "identity": answer["sesIdentity"]}
    return {Claim(kind, answer["domain"], held=False) for kind, gone in reported.items() if gone}


def add_back(receiving: Receiving) -> Callable[[Installation, str], Claims]:
    def act(installation: Installation, stem: str) -> Claims:
        installation.add(ORG.format(stem), receiving)
        return set()

    return act


def store_mail_and_block(installation: Installation, stem: str) -> None:
    row = domain(ORG.format(stem))
    store_mail(f"{row.key_prefix}mail")
    BlockedEmailFactory(domain=row)


def delete_while_refused(installation: Installation, stem: str) -> None:
    """Delete a domain while SES refuses every call: its rule, identity and mail are still there."""
    installation.add(ORG.format(stem), Receiving("a"))
    store_mail_and_block(installation, stem)
    fail_calls(installation.ses, fault="access_denied")
    try:
        delete_domain(installation, stem)
    finally:
        installation.ses.clear_faults()


def _add_address(installation: Installation, local: str, name: str) -> Claims:
    body = {"address": f"{local}@{name}", "domainId": domain(name).pk}
    return _received(installation.answer("post", "email-addresses", body))


def _a(stem: str) -> str:
    return str(address(f"a@{ORG.format(stem)}").pk)


def _received(answer: dict[str, Any]) -> Claims:
    assert answer["isReceiptRuleConfigured"] != ("warning" in answer)
    return {Claim("recipient", answer["address"], held=True)} if answer["isReceiptRuleConfigured"] else set()
