"""Operations that can be undone, that undo them, and that end the time for it: domains in their grace period, and tombstones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import override_settings

from domains.deletion.service import resume_deletions
from domains.grace.end import end_due
from domains.models import Domain, DomainDeletion, Step
from inbound.tests.faults.cases import actions
from inbound.tests.faults.cases.actions import ORG, Claim, Claims
from inbound.tests.faults.cases.operations import (
    A_GONE,
    A_RECEIVED,
    CREATE,
    DELETE,
    DELETE_IDENTITY,
    DOMAIN_GONE,
    UPDATE,
    Operation,
)
from inbound.tests.faults.installation import Installation, Receiving, address, domain
from ses_integration.api import database_now
from ses_integration.reconcile.loop import reconcile

GRACE = {"DOMAIN_DELETE_GRACE_DAYS": 30, "ADDRESS_DELETE_GRACE_DAYS": 30}
RULES_HELD, RULES_GONE = (Claim("rules", ORG, held=held) for held in (True, False))
TWO_RULES, CATCH_ALL = Receiving("ab", "c", inactive="d"), Receiving("a", catch_all=True)
HELD, HELD_CATCH_ALL = Receiving("ab", "c", inactive="d", held=True), Receiving("a", catch_all=True, held=True)


def with_grace(act: Callable[[Installation, str], Claims]) -> Callable[[Installation, str], Claims]:
    def in_grace(installation: Installation, stem: str) -> Claims:
        with override_settings(**GRACE):
            return act(installation, stem)

    return in_grace


def delete_first(installation: Installation, stem: str) -> None:
    with_grace(actions.delete_domain)(installation, stem)


def store_mail_and_delete(installation: Installation, stem: str) -> None:
    actions.store_mail_and_block(installation, stem)
    delete_first(installation, stem)


def restore(installation: Installation, stem: str) -> Claims:
    """The rows are back with the answer, and it warns unless SES holds the rules."""
    deletion = DomainDeletion.objects.in_grace().get(name=ORG.format(stem))
    answer = installation.answer("post", f"deletions/{deletion.pk}/restore")
    assert installation.answer("get", f"domains/{deletion.domain_id}")["domain"] == answer["domain"]
    return set() if "warning" in answer else {Claim("rules", answer["domain"], held=True)}


def end_period(installation: Installation, stem: str) -> Claims:
    row = domain(ORG.format(stem))
    answer = installation.answer("delete", f"domains/{row.pk}?permanent=true")["deletedResources"]
    reported = {"rules": answer["sesReceiptRules"], "identity": answer["sesIdentity"]}
    return {Claim(kind, answer["domain"], held=False) for kind, gone in reported.items() if gone}


def end_as_the_worker(installation: Installation, stem: str) -> Claims:
    """Do what its tasks do when the period is over. Afterwards a restore is refused, and says why."""
    name = ORG.format(stem)
    deletions = DomainDeletion.objects.filter(name=name)
    for rows in (deletions, Domain.objects.filter(name=name)):
        rows.update(restorable_until=database_now())
    assert end_due() == 1
    reconcile(name)
    resume_deletions()
    report = deletions.get()
    refused: Any = installation.api.post(f"/api/v2/deletions/{report.pk}/restore")
    assert (refused.status_code, refused.json()["code"]) == (409, "NOT_RESTORABLE")
    assert "ended at" in refused.json()["error"]
    return {Claim(step, name, held=False) for step in ("rules", "identity") if getattr(report, step) == Step.DONE}


def start_afresh(installation: Installation, stem: str) -> Claims:
    answer = installation.answer("post", "domains", {"domain": ORG.format(stem), "startAfresh": True})
    return set() if "warning" in answer else {Claim("identity", answer["domain"], held=True)}


def delete_a_first(installation: Installation, stem: str) -> None:
    with_grace(actions.delete_address)(installation, stem)


def restore_a(installation: Installation, stem: str) -> Claims:
    listed = installation.answer("get", f"deleted-addresses?address=a@{ORG.format(stem)}")["data"]
    answer = installation.answer("post", f"deleted-addresses/{listed[0]['id']}/restore")
    assert answer["id"] == listed[0]["id"] == address(f"a@{ORG.format(stem)}").pk
    return set() if "warning" in answer else {Claim("recipient", answer["address"], held=True)}


UNDO = [
    Operation(
        "delete-domain-with-grace",
        given={ORG: TWO_RULES},
        act=with_grace(actions.delete_domain),
        calls=(DELETE, DELETE),
        then={ORG: HELD},
        claims=(RULES_GONE,),
        undo=restore,
        deletions=1,
    ),
    Operation(
        "restore-domain",
        given={ORG: TWO_RULES},
        before=delete_first,
        act=restore,
        calls=(CREATE, CREATE),
        then={ORG: TWO_RULES},
        claims=(RULES_HELD,),
        undo=actions.delete_domain,
        undone={},
        deletions=1,
    ),
    Operation(
        "restore-domain-with-catch-all",
        given={ORG: CATCH_ALL},
        before=delete_first,
        act=restore,
        calls=(CREATE,),
        then={ORG: CATCH_ALL},
        claims=(RULES_HELD,),
        undo=with_grace(actions.delete_domain),
        undone={ORG: HELD_CATCH_ALL},
        deletions=1,
    ),
    Operation(
        "end-grace-period",
        given={ORG: TWO_RULES},
        before=store_mail_and_delete,
        act=end_period,
        calls=(DELETE_IDENTITY,),
        then={},
        claims=DOMAIN_GONE,
        undo=actions.add_back(TWO_RULES),
        deletions=1,
    ),
    Operation(
        "end-of-grace-period",
        given={ORG: TWO_RULES},
        before=store_mail_and_delete,
        act=end_as_the_worker,
        calls=(DELETE_IDENTITY,),
        then={},
        claims=DOMAIN_GONE,
        undo=actions.add_back(TWO_RULES),
        deletions=1,
    ),
    Operation(
        "start-afresh",
        given={ORG: TWO_RULES},
        before=store_mail_and_delete,
        act=start_afresh,
        calls=(),
        then={ORG: Receiving()},
        claims=(Claim("identity", ORG, held=True),),
        undo=actions.delete_domain,
        undone={},
        deletions=1,
    ),
    Operation(
        "delete-address-with-grace",
        given={ORG: Receiving("ab", "c")},
        act=with_grace(actions.delete_address),
        calls=(UPDATE,),
        then={ORG: Receiving("b", "c")},
        claims=(A_GONE,),
        undo=restore_a,
        deletions=0,
    ),
    Operation(
        "restore-last-address",
        given={ORG: Receiving("a")},
        before=delete_a_first,
        act=restore_a,
        calls=(CREATE,),
        then={ORG: Receiving("a")},
        claims=(A_RECEIVED,),
        undo=with_grace(actions.delete_address),
        undone={ORG: Receiving()},
    ),
]
