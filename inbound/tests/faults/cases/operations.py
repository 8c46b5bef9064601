"""Every operation that changes SES: what it starts from, the action, the SES calls that it makes, and the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from inbound.tests.faults.cases import actions
from inbound.tests.faults.cases.actions import NET, ORG, Claim, Claims, add_back
from inbound.tests.faults.installation import RECIPIENTS_PER_RULE, Installation, Receiving


@dataclass(frozen=True)
class Operation:
    """One operation and its result.

    - `given`, `then`: the domains before and after, by name pattern. `before` prepares what else is needed.
    - `calls`: the SES calls of a run without faults, in order. `claims`: what its answer says.
    - `undo`: an action that leads from `then` back to `given`, or to `undone`.
    - `limit`: how many recipients a rule may have while `given` is created.
    """

    name: str
    given: Mapping[str, Receiving]
    act: Callable[[Installation, str], Claims]
    calls: tuple[str, ...]
    then: Mapping[str, Receiving]
    claims: tuple[Claim, ...]
    undo: Callable[[Installation, str], Claims]
    before: Callable[[Installation, str], None] = lambda installation, stem: None
    deletions: int = 0
    undone: Mapping[str, Receiving] | None = None
    limit: int = RECIPIENTS_PER_RULE


CREATE, UPDATE, DELETE = "CreateReceiptRule", "UpdateReceiptRule", "DeleteReceiptRule"
DELETE_IDENTITY = "DeleteEmailIdentity"
A_RECEIVED, A_GONE = (Claim("recipient", f"a@{ORG}", held=held) for held in (True, False))
ALL_RECEIVED, ALL_GONE = (Claim("recipient", ORG, held=held) for held in (True, False))
DOMAIN_GONE = (Claim("rules", ORG, held=False), Claim("identity", ORG, held=False))

OPERATIONS = [
    Operation(
        "add-domain",
        given={},
        act=actions.add_domain,
        calls=("CreateEmailIdentity", "VerifyDomainIdentity", "SetIdentityMailFromDomain"),
        then={ORG: Receiving()},
        claims=(Claim("identity", ORG, held=True),),
        undo=actions.delete_domain,
    ),
    Operation(
        "add-first-address",
        given={ORG: Receiving()},
        act=actions.add_address,
        calls=(CREATE,),
        then={ORG: Receiving("a")},
        claims=(A_RECEIVED,),
        undo=actions.delete_address,
    ),
    Operation(
        "add-further-address",
        given={ORG: Receiving("b")},
        act=actions.add_address,
        calls=(UPDATE,),
        then={ORG: Receiving("ab")},
        claims=(A_RECEIVED,),
        undo=actions.delete_address,
    ),
    Operation(
        "add-address-of-second-rule",
        given={ORG: Receiving("bc")},
        act=actions.add_address,
        calls=(CREATE,),
        then={ORG: Receiving("bc", "a")},
        claims=(A_RECEIVED,),
        undo=actions.delete_address,
    ),
    Operation(
        "activate-address",
        given={ORG: Receiving("b", inactive="a")},
        act=actions.activate,
        calls=(UPDATE,),
        then={ORG: Receiving("ab")},
        claims=(A_RECEIVED,),
        undo=actions.deactivate,
    ),
    Operation(
        "deactivate-address",
        given={ORG: Receiving("ab")},
        act=actions.deactivate,
        calls=(UPDATE,),
        then={ORG: Receiving("b", inactive="a")},
        claims=(A_GONE,),
        undo=actions.activate,
    ),
    Operation(
        "deactivate-last-active-address",
        given={ORG: Receiving("a", inactive="b")},
        act=actions.deactivate,
        calls=(DELETE,),
        then={ORG: Receiving(inactive="ab")},
        claims=(A_GONE,),
        undo=actions.activate,
    ),
    Operation(
        "delete-one-of-several-addresses",
        given={ORG: Receiving("ab", "c")},
        act=actions.delete_address,
        calls=(UPDATE,),
        then={ORG: Receiving("b", "c")},
        claims=(A_GONE,),
        undo=actions.add_address,
    ),
    Operation(
        "delete-last-address",
        given={ORG: Receiving("a")},
        act=actions.delete_address,
        calls=(DELETE,),
        then={ORG: Receiving()},
        claims=(A_GONE,),
        undo=actions.add_address,
    ),
    Operation(
        "delete-addresses-in-admin",
        given={ORG: Receiving("ab"), NET: Receiving("ab")},
        act=actions.delete_addresses,
        calls=(DELETE, UPDATE),
        then={ORG: Receiving("b"), NET: Receiving()},
        claims=(A_GONE, *(Claim("recipient", f"{local}@{NET}", held=False) for local in "ab")),
        undo=actions.add_addresses,
    ),
    Operation(
        "delete-addresses-in-bulk",
        given={ORG: Receiving("ab"), NET: Receiving("ab")},
        act=actions.delete_addresses_in_bulk,
        calls=(DELETE, UPDATE),
        then={ORG: Receiving("b"), NET: Receiving()},
        claims=(A_GONE, *(Claim("recipient", f"{local}@{NET}", held=False) for local in "ab")),
        undo=actions.add_addresses,
    ),
    Operation(
        "smaller-limit-of-recipients",
        given={ORG: Receiving("abc", "de")},
        limit=3,
        act=actions.apply_other_limit,
        calls=(CREATE, UPDATE, UPDATE),
        then={ORG: Receiving("ab", "cd", "e")},
        claims=(),
        undo=actions.delete_address,
        undone={ORG: Receiving("b", "cd", "e")},
    ),
    Operation(
        "catch-all-on",
        given={ORG: Receiving("ab", "c")},
        act=actions.catch_all_on,
        calls=(CREATE, DELETE, DELETE),
        then={ORG: Receiving("ab", "c", catch_all=True)},
        claims=(ALL_RECEIVED,),
        undo=actions.catch_all_off,
    ),
    Operation(
        "catch-all-off",
        given={ORG: Receiving("ab", "c", catch_all=True)},
        act=actions.catch_all_off,
        calls=(CREATE, CREATE, DELETE),
        then={ORG: Receiving("ab", "c")},
        claims=(ALL_GONE,),
        undo=actions.catch_all_on,
    ),
    Operation(
        "delete-endpoint-of-catch-all",
        given={ORG: Receiving("a", catch_all=True)},
        act=actions.delete_endpoint,
        calls=(CREATE, DELETE),
        then={ORG: Receiving("a")},
        claims=(ALL_GONE,),
        undo=actions.catch_all_on,
    ),
    Operation(
        "delete-domain",
        given={ORG: Receiving("ab", "c", inactive="d")},
        before=actions.store_mail_and_block,
        act=actions.delete_domain,
        calls=(DELETE, DELETE, DELETE_IDENTITY),
        then={},
        claims=DOMAIN_GONE,
        undo=add_back(Receiving("ab", "c", inactive="d")),
        deletions=1,
    ),
    Operation(
        "delete-domain-with-catch-all",
        given={ORG: Receiving("a", catch_all=True)},
        act=actions.delete_domain,
        calls=(DELETE, DELETE_IDENTITY),
        then={},
        claims=DOMAIN_GONE,
        undo=add_back(Receiving("a", catch_all=True)),
        deletions=1,
    ),
    Operation(
        "add-domain-again",
        given={},
        before=actions.delete_while_refused,
        act=actions.add_domain,
        calls=("GetEmailIdentity", DELETE),
        then={ORG: Receiving()},
        claims=(Claim("identity", ORG, held=True),),
        undo=actions.delete_domain,
        deletions=1,
    ),
]
