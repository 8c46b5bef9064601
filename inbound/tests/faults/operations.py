"""Everything that the product does to SES: what is there before, the request, the SES calls that it takes, what is there then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from inbound.tests.admin_site import delete_selected
from inbound.tests.aws import fail_calls, store_mail
from inbound.tests.factories import BlockedEmailFactory, EndpointFactory
from inbound.tests.faults.world import RECIPIENTS_PER_RULE, Holding, World, address, domain
from ses_integration.drift.sweep import sweep_database
from ses_integration.reconcile.loop import reconcile

# Each case has names of its own: `<stem>.org`, and `<stem>.net` where it takes two.
ORG, NET = "{}.org", "{}.net"


@dataclass(frozen=True)
class Claim:
    """What an answer says of SES: that it holds a `recipient`, any `rules` of a domain, or an `identity`; or that it does not."""

    kind: str
    name: str
    held: bool

    def about(self, stem: str) -> Claim:
        return replace(self, name=self.name.format(stem))


Claims = set[Claim]


@dataclass(frozen=True)
class Operation:
    """`calls` are what a run without trouble asks of SES, in order, and `claims` what its answer says.

    `undo` leads from `then` back to `given`, or to `undone`. `limit` is the number of recipients that a rule may have at
    first, where it is another one in the end.
    """

    name: str
    given: Mapping[str, Holding]
    act: Callable[[World, str], Claims]
    calls: tuple[str, ...]
    then: Mapping[str, Holding]
    claims: tuple[Claim, ...]
    undo: Callable[[World, str], Claims]
    before: Callable[[World, str], None] = lambda world, stem: None
    deletions: int = 0
    undone: Mapping[str, Holding] | None = None
    limit: int = RECIPIENTS_PER_RULE


def add_domain(world: World, stem: str) -> Claims:
    answer = world.answer("post", "domains", {"domain": ORG.format(stem)})
    return set() if "warning" in answer else {Claim("identity", answer["dnsRecords"][1]["name"], held=True)}


def add_address(world: World, stem: str) -> Claims:
    return _add_address(world, "a", ORG.format(stem))


def add_addresses(world: World, stem: str) -> Claims:
    chosen = [("a", ORG), ("a", NET), ("b", NET)]
    return set().union(*(_add_address(world, local, name.format(stem)) for local, name in chosen))


def activate(world: World, stem: str) -> Claims:
    return _received(world.answer("put", f"email-addresses/{_a(stem)}", {"isActive": True}))


def deactivate(world: World, stem: str) -> Claims:
    answer = world.answer("put", f"email-addresses/{_a(stem)}", {"isActive": False})
    return set() if "warning" in answer else {Claim("recipient", answer["address"], held=False)}


def delete_address(world: World, stem: str) -> Claims:
    cleanup = world.answer("delete", f"email-addresses/{_a(stem)}")["cleanup"]
    assert cleanup["sesRuleUpdated"] != ("warning" in cleanup)
    return {Claim("recipient", cleanup["emailAddress"], held=False)} if cleanup["sesRuleUpdated"] else set()


def delete_addresses(world: World, stem: str) -> Claims:
    """Those of two domains, chosen in the admin's list."""
    chosen = [f"a@{ORG.format(stem)}", *(f"{local}@{NET.format(stem)}" for local in "ab")]
    response, said = delete_selected(world.admin, "addresses.emailaddress", [address(text) for text in chosen])
    assert response.status_code == 302
    confirmed = " ".join(text for _, text in said if "SES is confirmed to receive nothing" in text)
    return {Claim("recipient", text, held=False) for text in chosen if text in confirmed}


def delete_addresses_in_bulk(world: World, stem: str) -> Claims:
    chosen = [f"a@{ORG.format(stem)}", *(f"{local}@{NET.format(stem)}" for local in "ab")]
    answer = world.answer("post", "email-addresses/bulk-delete", {"ids": [address(text).pk for text in chosen]})
    cleanups = [result["cleanup"] for result in answer["results"]]
    confirmed = [cleanup["emailAddress"] for cleanup in cleanups if cleanup["sesRuleUpdated"]]
    assert len(confirmed) == answer["summary"]["sesConfirmed"]
    assert all(cleanup["sesRuleUpdated"] != ("warning" in cleanup) for cleanup in cleanups)
    return {Claim("recipient", text, held=False) for text in confirmed}


def notice_another_limit(world: World, stem: str) -> Claims:
    """What the worker does where SES_MAX_RECIPIENTS_PER_RULE is another than when the rules were made."""
    assert sweep_database() == [ORG.format(stem)]
    reconcile(ORG.format(stem))
    return set()


def catch_all_on(world: World, stem: str) -> Claims:
    body = {"isCatchAllEnabled": True, "catchAllEndpointId": EndpointFactory(owner=world.user).pk}
    answer = world.answer("put", f"domains/{domain(ORG.format(stem)).pk}", body)
    assert answer["receiptRuleName"] or "awsConfigurationWarning" in answer
    return {Claim("recipient", answer["domain"], held=True)} if answer["receiptRuleName"] else set()


def catch_all_off(world: World, stem: str) -> Claims:
    answer = world.answer("put", f"domains/{domain(ORG.format(stem)).pk}", {"isCatchAllEnabled": False})
    return set() if "awsConfigurationWarning" in answer else {Claim("recipient", answer["domain"], held=False)}


def delete_endpoint(world: World, stem: str) -> Claims:
    answer = world.answer("delete", f"endpoints/{domain(ORG.format(stem)).catch_all_endpoint_id}")
    return set() if "warning" in answer else {Claim("recipient", ORG.format(stem), held=False)}


def delete_domain(world: World, stem: str) -> Claims:
    answer = world.answer("delete", f"domains/{domain(ORG.format(stem)).pk}")["deletedResources"]
    said = {"rules": answer["sesReceiptRules"], "identity": answer["sesIdentity"]}
    return {Claim(kind, answer["domain"], held=False) for kind, gone in said.items() if gone}


def add_back(holding: Holding) -> Callable[[World, str], Claims]:
    def act(world: World, stem: str) -> Claims:
        world.add(ORG.format(stem), holding)
        return set()

    return act


def with_mail(world: World, stem: str) -> None:
    row = domain(ORG.format(stem))
    store_mail(f"{row.key_prefix}mail")
    BlockedEmailFactory(domain=row)


def owed_its_deletion(world: World, stem: str) -> None:
    """The last life went while SES allowed nothing: rule, identity and mail are still there."""
    world.add(ORG.format(stem), Holding("a"))
    with_mail(world, stem)
    fail_calls(world.ses, fault="access_denied")
    try:
        delete_domain(world, stem)
    finally:
        world.ses.clear_faults()


def _add_address(world: World, local: str, name: str) -> Claims:
    body = {"address": f"{local}@{name}", "domainId": domain(name).pk}
    return _received(world.answer("post", "email-addresses", body))


def _a(stem: str) -> str:
    return str(address(f"a@{ORG.format(stem)}").pk)


def _received(answer: dict[str, Any]) -> Claims:
    assert answer["isReceiptRuleConfigured"] != ("warning" in answer)
    return {Claim("recipient", answer["address"], held=True)} if answer["isReceiptRuleConfigured"] else set()


CREATE, UPDATE, DELETE = "CreateReceiptRule", "UpdateReceiptRule", "DeleteReceiptRule"
NO_IDENTITY = "DeleteEmailIdentity"
A_RECEIVED, A_GONE = (Claim("recipient", f"a@{ORG}", held=held) for held in (True, False))
ALL_RECEIVED, ALL_GONE = (Claim("recipient", ORG, held=held) for held in (True, False))
DOMAIN_GONE = (Claim("rules", ORG, held=False), Claim("identity", ORG, held=False))

OPERATIONS = [
    Operation(
        "add-domain",
        given={},
        act=add_domain,
        calls=("CreateEmailIdentity", "VerifyDomainIdentity", "SetIdentityMailFromDomain"),
        then={ORG: Holding()},
        claims=(Claim("identity", ORG, held=True),),
        undo=delete_domain,
    ),
    Operation(
        "add-first-address",
        given={ORG: Holding()},
        act=add_address,
        calls=(CREATE,),
        then={ORG: Holding("a")},
        claims=(A_RECEIVED,),
        undo=delete_address,
    ),
    Operation(
        "add-further-address",
        given={ORG: Holding("b")},
        act=add_address,
        calls=(UPDATE,),
        then={ORG: Holding("ab")},
        claims=(A_RECEIVED,),
        undo=delete_address,
    ),
    Operation(
        "add-address-of-second-rule",
        given={ORG: Holding("bc")},
        act=add_address,
        calls=(CREATE,),
        then={ORG: Holding("bc", "a")},
        claims=(A_RECEIVED,),
        undo=delete_address,
    ),
    Operation(
        "activate-address",
        given={ORG: Holding("b", inactive="a")},
        act=activate,
        calls=(UPDATE,),
        then={ORG: Holding("ab")},
        claims=(A_RECEIVED,),
        undo=deactivate,
    ),
    Operation(
        "deactivate-address",
        given={ORG: Holding("ab")},
        act=deactivate,
        calls=(UPDATE,),
        then={ORG: Holding("b", inactive="a")},
        claims=(A_GONE,),
        undo=activate,
    ),
    Operation(
        "deactivate-last-active-address",
        given={ORG: Holding("a", inactive="b")},
        act=deactivate,
        calls=(DELETE,),
        then={ORG: Holding(inactive="ab")},
        claims=(A_GONE,),
        undo=activate,
    ),
    Operation(
        "delete-one-of-several-addresses",
        given={ORG: Holding("ab", "c")},
        act=delete_address,
        calls=(UPDATE,),
        then={ORG: Holding("b", "c")},
        claims=(A_GONE,),
        undo=add_address,
    ),
    Operation(
        "delete-last-address",
        given={ORG: Holding("a")},
        act=delete_address,
        calls=(DELETE,),
        then={ORG: Holding()},
        claims=(A_GONE,),
        undo=add_address,
    ),
    Operation(
        "delete-addresses-in-admin",
        given={ORG: Holding("ab"), NET: Holding("ab")},
        act=delete_addresses,
        calls=(DELETE, UPDATE),
        then={ORG: Holding("b"), NET: Holding()},
        claims=(A_GONE, *(Claim("recipient", f"{local}@{NET}", held=False) for local in "ab")),
        undo=add_addresses,
    ),
    Operation(
        "delete-addresses-in-bulk",
        given={ORG: Holding("ab"), NET: Holding("ab")},
        act=delete_addresses_in_bulk,
        calls=(DELETE, UPDATE),
        then={ORG: Holding("b"), NET: Holding()},
        claims=(A_GONE, *(Claim("recipient", f"{local}@{NET}", held=False) for local in "ab")),
        undo=add_addresses,
    ),
    Operation(
        "smaller-limit-of-recipients",
        given={ORG: Holding("abc", "de")},
        limit=3,
        act=notice_another_limit,
        calls=(CREATE, UPDATE, UPDATE),
        then={ORG: Holding("ab", "cd", "e")},
        claims=(),
        undo=delete_address,
        undone={ORG: Holding("b", "cd", "e")},
    ),
    Operation(
        "catch-all-on",
        given={ORG: Holding("ab", "c")},
        act=catch_all_on,
        calls=(CREATE, DELETE, DELETE),
        then={ORG: Holding("ab", "c", catch_all=True)},
        claims=(ALL_RECEIVED,),
        undo=catch_all_off,
    ),
    Operation(
        "catch-all-off",
        given={ORG: Holding("ab", "c", catch_all=True)},
        act=catch_all_off,
        calls=(CREATE, CREATE, DELETE),
        then={ORG: Holding("ab", "c")},
        claims=(ALL_GONE,),
        undo=catch_all_on,
    ),
    Operation(
        "delete-endpoint-of-catch-all",
        given={ORG: Holding("a", catch_all=True)},
        act=delete_endpoint,
        calls=(CREATE, DELETE),
        then={ORG: Holding("a")},
        claims=(ALL_GONE,),
        undo=catch_all_on,
    ),
    Operation(
        "delete-domain",
        given={ORG: Holding("ab", "c", inactive="d")},
        before=with_mail,
        act=delete_domain,
        calls=(DELETE, DELETE, NO_IDENTITY),
        then={},
        claims=DOMAIN_GONE,
        undo=add_back(Holding("ab", "c", inactive="d")),
        deletions=1,
    ),
    Operation(
        "delete-domain-with-catch-all",
        given={ORG: Holding("a", catch_all=True)},
        act=delete_domain,
        calls=(DELETE, NO_IDENTITY),
        then={},
        claims=DOMAIN_GONE,
        undo=add_back(Holding("a", catch_all=True)),
        deletions=1,
    ),
    Operation(
        "add-domain-again",
        given={},
        before=owed_its_deletion,
        act=add_domain,
        calls=("GetEmailIdentity", DELETE),
        then={ORG: Holding()},
        claims=(Claim("identity", ORG, held=True),),
        undo=delete_domain,
        deletions=1,
    ),
]
